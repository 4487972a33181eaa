"""The head of a request: its first line and its headers, read strictly as RFC 9112 defines them."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from service.api.http.headers import read_headers
from service.api.wire.refusals import RefusedError
from service.config import Settings
from service.errors import Malformed

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) HTTP/([0-9])\.([0-9])\r\n")
_FIELD = re.compile(rb"^(" + _TOKEN + rb"):([\t -~\x80-\xff]*)\r\n", re.MULTILINE)
_ABSOLUTE = re.compile(rb"https?://([^/?#@]+)(/[^?#]*)?(\?.*)?", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,19}")
_UNFINISHED_LINE = re.compile(rb"[ -~]*\r?")
_END = b"\r\n\r\n"
_LONGEST_METHOD = 32
_REMEMBERED = 256
_LONGEST_REMEMBERED = 2048
_AROUND_URL = _LONGEST_METHOD + len(b"  HTTP/1.1\r\n")


class Head(NamedTuple):
    """The head of a request: its first line and its headers."""

    method: str
    target: bytes
    """The path and query as they came."""
    path: str
    raw_path: bytes
    query: bytes
    version: str
    headers: dict[bytes, bytes]
    length: int | None
    """Bytes of the body; None if it comes in chunks."""
    keep_alive: bool
    expects_continue: bool


class Limits:
    """How long the parts of a head may be, and the heads that were read within them lately."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.max_url_bytes
        self.header_bytes = settings.max_header_bytes
        self.headers = settings.max_headers
        self._remembered = lru_cache(_REMEMBERED)(self._read)

    def read(self, content: bytes) -> Head:
        """The head in these bytes; a client sends the same with nearly every request."""
        return self._remembered(content) if len(content) <= _LONGEST_REMEMBERED else self._read(content)

    def _read(self, content: bytes) -> Head:
        return read_head(content, self)


def end_of_head(buffer: bytes, start: int, seen: int, limits: Limits) -> int:
    """Where the headers that begin at `start` end, before their empty line; -1 while that is still on its way.

    `RefusedError` as soon as what is there can become no head. The bytes before `seen` were looked at before.
    """
    end = buffer.find(_END, max(start, seen - 3))
    if end < 0:
        _check_beginning(buffer, start, max(start, seen), limits)
        return -1
    if end + 2 - start > limits.url + _AROUND_URL + limits.header_bytes:
        _check_beginning(buffer, start, end, limits)
        raise _too_large(limits)
    return end + 2


def _check_beginning(buffer: bytes, start: int, seen: int, limits: Limits) -> None:
    line = buffer.find(b"\n", start, start + limits.url + _AROUND_URL)
    if line < 0:
        if len(buffer) - start >= limits.url + _AROUND_URL:
            raise _too_long(limits)
        if not _UNFINISHED_LINE.fullmatch(buffer, start):
            raise _malformed("a request line such as GET /v1/models HTTP/1.1")
        return
    if _LINE.match(buffer, start) is None:
        raise _malformed("a request line such as GET /v1/models HTTP/1.1")
    if buffer.count(b"\n", seen) != buffer.count(b"\r\n", max(start, seen - 1)):
        raise _malformed("lines that end in CR and LF")
    if len(buffer) - line > limits.header_bytes:
        raise _too_large(limits)


def read_head(content: bytes, limits: Limits) -> Head:
    """The head without its empty line; `RefusedError` for one that is not as the RFC writes it."""
    line = _LINE.match(content)
    if line is None or line.end(1) > _LONGEST_METHOD:
        raise _malformed("a request line such as GET /v1/models HTTP/1.1")
    method, target, major, minor = line.groups()
    if len(target) > limits.url:
        raise _too_long(limits)
    if major != b"1":
        raise RefusedError(505, "http_version_not_supported", "Expected HTTP/1.1; received another version of HTTP.")
    fields = _FIELD.findall(content, line.end())
    # Each match begins after a line feed and ends with the next: with as many as there are, nothing lies between.
    if len(fields) != content.count(b"\n", line.end()):
        raise _malformed("header lines of the form name: value")
    if len(fields) > limits.headers or len(content) - line.end() > limits.header_bytes:
        raise _too_large(limits)
    try:
        headers = read_headers([(name.lower(), value.strip(b" \t")) for name, value in fields])
    except Malformed as error:
        raise RefusedError(400, error.code, error.detail) from None
    return _judged(method.decode(), target, headers, is_old=minor == b"0")


def _judged(method: str, target: bytes, headers: dict[bytes, bytes], *, is_old: bool) -> Head:
    if b"host" not in headers and not is_old:
        raise RefusedError(400, "missing_host", "Expected the header Host; received none.")
    raw_path, _, query = _origin_form(method, target, headers).partition(b"?")
    path = raw_path.decode("ascii")
    if "%" in path:
        path = unquote(path)
    expects = headers.get(b"expect")
    return Head(
        method=method,
        target=target,
        path=path,
        raw_path=raw_path,
        query=query,
        version="1.0" if is_old else "1.1",
        headers=headers,
        length=_length(headers, path, is_old=is_old),
        keep_alive=_keeps_alive(headers.get(b"connection"), is_old=is_old),
        expects_continue=expects is not None and not is_old and expects.lower() == b"100-continue",
    )


def _origin_form(method: str, target: bytes, headers: dict[bytes, bytes]) -> bytes:
    """The path and query of a target; of an absolute one its authority takes the place of Host (RFC 9112, 3.2.2)."""
    if target.startswith(b"/") and b"#" not in target:
        return target
    if target == b"*" and method == "OPTIONS":
        return target
    if method == "CONNECT":
        raise RefusedError(501, "not_implemented", "This service is no proxy: there is no CONNECT.")
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        raise _malformed("a path that begins with / as the target of the request")
    headers[b"host"] = found[1]
    return (found[2] or b"/") + (found[3] or b"")


def _length(headers: dict[bytes, bytes], path: str, *, is_old: bool) -> int | None:
    """The length of the body, None if it comes in chunks; what two readers could understand in two ways is refused."""
    length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
    if coding is None:
        if length is None:
            return 0
        if not _LENGTH.fullmatch(length):
            raise RefusedError(400, "bad_framing", "Expected a whole number as Content-Length.", path)
        return int(length)
    if length is not None:
        detail = "Expected either Content-Length or Transfer-Encoding; received both."
        raise RefusedError(400, "bad_framing", detail, path)
    if is_old:
        raise RefusedError(400, "bad_framing", "Expected no Transfer-Encoding with HTTP/1.0.", path)
    codings = [one.strip(b" \t").lower() for one in coding.split(b",")]
    if codings == [b"chunked"]:
        return None
    if codings[-1] != b"chunked" or b"chunked" in codings[:-1]:
        detail = "Expected chunked, once and last, as Transfer-Encoding."
        raise RefusedError(400, "bad_framing", detail, path)
    detail = "Expected the Transfer-Encoding chunked alone; a body is packed with Content-Encoding."
    raise RefusedError(501, "not_implemented", detail, path)


def _keeps_alive(connection: bytes | None, *, is_old: bool) -> bool:
    if connection is None:
        return not is_old
    options = {one.strip(b" \t").lower() for one in connection.split(b",")}
    return b"close" not in options and (not is_old or b"keep-alive" in options)


def _malformed(expected: str) -> RefusedError:
    return RefusedError(400, "malformed_http", f"The request is not HTTP/1.1. Expected {expected}.")


def _too_long(limits: Limits) -> RefusedError:
    return RefusedError(414, "url_too_long", f"Expected a URL of at most {limits.url:,} bytes.")


def _too_large(limits: Limits) -> RefusedError:
    detail = f"Expected at most {limits.headers:,} headers with {limits.header_bytes:,} bytes in all."
    return RefusedError(431, "headers_too_large", detail)

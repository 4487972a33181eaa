"""Content encodings: reads compressed requests up to a limit, and compresses responses for callers that accept it."""

import gzip
import zlib

from service.allowance import HERE_BODY_BYTES, expect
from service.api.http.problems import UnsupportedMediaType
from service.errors import Malformed, TooLarge

_EITHER = 32 + zlib.MAX_WBITS
"""zlib then tells gzip from zlib's own format, which HTTP calls deflate, by the first bytes."""


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before its compression; `TooLarge` as soon as it grows beyond the limit.

    `Heavy`, as `expect` raises it, where it is large.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise UnsupportedMediaType("Expected the Content-Encoding gzip, deflate or identity; received another.")
    stream = zlib.decompressobj(_EITHER)
    try:
        content = stream.decompress(body, min(limit, HERE_BODY_BYTES) + 1)
        expect(0, text_bytes=len(content))
        if stream.unconsumed_tail:
            content += stream.decompress(stream.unconsumed_tail, limit + 1 - len(content))
    except zlib.error:
        raise Malformed(f"The body is not {encoding}, as its Content-Encoding says.") from None
    if len(content) > limit:
        raise TooLarge(f"The body unpacks to more than the limit of {limit:,} bytes.", limit=limit, unit="bytes")
    if not stream.eof or stream.unused_data:
        raise Malformed(f"The {encoding} stream of the body does not end where the body does.")
    return content


def wanted(accepted: str) -> str | None:
    """The encoding that `Accept-Encoding` prefers among ours; None if it asks for neither."""
    best, choice = 0.0, None
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "deflate") and quality(weight) > best:
            best, choice = quality(weight), name.strip()
    return choice


def encoded(content: bytes, encoding: str) -> bytes:
    """The content compressed, for speed rather than for size."""
    return gzip.compress(content, 1, mtime=0) if encoding == "gzip" else zlib.compress(content, 1)


def quality(weight: str) -> float:
    """How much a choice is preferred, as the part after its `;` says: 1 if that says nothing."""
    text = weight.strip().removeprefix("q=")
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0

"""Finds the end of a request body: by its length, or by its last chunk (RFC 9112, 6 and 7)."""

import re
from typing import Protocol

from service.api.wire.head import Limits
from service.api.wire.refusals import RefusedError

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t -~\x80-\xff]*)?[ \t]*\r\n")
_FRAMING = (b"content-length:", b"transfer-encoding:")
"""Fields that no trailer may have (RFC 9110, 6.5.1): a reader that used them would see another body."""
_TRAILER = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*)?\r\n")
_LONGEST_SIZE_LINE = 256
"""The most bytes of a chunk's size and extensions; no common client sends extensions."""


class Framing(Protocol):
    """Cuts the body of one request out of the bytes of a connection."""

    is_whole: bool

    def take(self, buffer: bytes, at: int) -> tuple[bytes, int]:
        """The next piece of the body, empty if more bytes are needed first, and the place behind what was read."""


class Counted:
    """A body of a length that is known."""

    def __init__(self, length: int) -> None:
        self._missing = length
        self.is_whole = length == 0

    def take(self, buffer: bytes, at: int) -> tuple[bytes, int]:
        """All that is there of it."""
        if at == 0 and len(buffer) <= self._missing:
            piece = buffer  # nothing is copied of a large body
        else:
            piece = buffer[at : at + self._missing]
        self._missing -= len(piece)
        self.is_whole = self._missing == 0
        return piece, at + len(piece)


class Chunked:
    """A body in chunks. Its trailers are read and dropped: they are no headers (RFC 9110, 6.5.1)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._missing = 0
        self._is_between = self._is_last = False
        """Whether a line end is due behind a chunk, and whether only trailers follow."""
        self._trailer_bytes = self._trailers = 0
        self.is_whole = False

    def take(self, buffer: bytes, at: int) -> tuple[bytes, int]:
        """What is there of the present chunk."""
        while not self._missing and not self.is_whole:
            line = self._line(buffer, at)
            if not line:
                return b"", at
            at += len(line)
            self._read(line)
        piece = buffer[at : at + self._missing]
        self._missing -= len(piece)
        return piece, at + len(piece)

    def _line(self, buffer: bytes, at: int) -> bytes:
        longest = self._limits.header_bytes if self._is_last else _LONGEST_SIZE_LINE
        end = buffer.find(b"\n", at, at + longest) + 1
        if not end and len(buffer) - at >= longest:
            raise self._too_large() if self._is_last else _bad_chunk()
        return buffer[at:end] if end else b""

    def _read(self, line: bytes) -> None:
        if self._is_last:
            self._read_trailer(line)
        elif self._is_between:
            if line != b"\r\n":
                raise _bad_chunk()
            self._is_between = False
        else:
            found = _SIZE.fullmatch(line)
            if found is None:
                raise _bad_chunk()
            self._missing = int(found[1], 16)
            self._is_last = self._missing == 0
            self._is_between = not self._is_last

    def _read_trailer(self, line: bytes) -> None:
        self._trailers += 1
        self._trailer_bytes += len(line)
        if self._trailers > self._limits.headers or self._trailer_bytes > self._limits.header_bytes:
            raise self._too_large()
        if not _TRAILER.fullmatch(line) or line.lower().startswith(_FRAMING):
            raise _bad_chunk()
        self.is_whole = line == b"\r\n"

    def _too_large(self) -> RefusedError:
        detail = f"Expected at most {self._limits.headers:,} trailers with {self._limits.header_bytes:,} bytes in all."
        return RefusedError(431, "headers_too_large", detail)


def _bad_chunk() -> RefusedError:
    return RefusedError(400, "bad_framing", "The body is not in the form of Transfer-Encoding: chunked.")

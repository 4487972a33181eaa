"""A delimited text as it arrives, made into what pyarrow reads: in UTF-8, without comments and lines to be skipped."""

import codecs
import re
from typing import Protocol


class Readable(Protocol):
    """Bytes that are read in pieces."""

    def read(self, size: int, /) -> bytes:
        """The next piece, of about so many bytes; an empty one at the end."""


class Encoded:
    """A text in another encoding as bytes in UTF-8, without a mark at its beginning."""

    def __init__(self, source: Readable, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def read(self, size: int, /) -> bytes:
        """The next piece, of what was so many bytes before."""
        piece, text = b"-", ""
        while piece and not text:
            piece = self._source.read(size)
            text = self._decoder.decode(piece, final=not piece)
        return text.encode()


class Skipped:
    """A text in UTF-8 whose first so many lines are empty."""

    def __init__(self, source: Readable, lines: int) -> None:
        self._source = source
        self._left = lines

    def read(self, size: int, /) -> bytes:
        """The next piece, of about so many bytes."""
        piece = self._source.read(size)
        while self._left and piece:
            # A line break may be two bytes, and end in the next piece.
            piece += self._source.read(1) if piece.endswith(b"\r") else b""
            lines = piece.splitlines(keepends=True)
            skipped = lines[: self._left]
            self._left -= sum(line.endswith((b"\n", b"\r")) for line in skipped)
            piece = b"\n" * sum(line.endswith((b"\n", b"\r")) for line in skipped) + b"".join(lines[len(skipped) :])
            if not piece:
                piece = self._source.read(size)
        return piece


class Uncommented:
    """A text in UTF-8 without what stands behind a mark of comments, to the end of the line, unless it is in quotes."""

    def __init__(self, source: Readable, mark: str, quote: str) -> None:
        self._source = source
        self._rest = b""
        mark, quote = re.escape(mark), re.escape(quote)
        self._parts = re.compile(
            rf"(?P<text>{quote}(?:[^{quote}]|{quote}{quote})*+(?P<close>{quote})?)|{mark}[^\r\n]*".encode()
        )

    def read(self, size: int, /) -> bytes:
        """The next piece, of about so many bytes."""
        while piece := self._source.read(size):
            text = self._rest + piece
            end = self._end_of_whole(text)
            if end:
                self._rest = text[end:]
                return self._without(text[:end]) or self.read(size)
            self._rest = text
        text, self._rest = self._rest, b""
        return self._without(text)

    def _end_of_whole(self, text: bytes) -> int:
        """Behind the last line that no text in quotes goes over."""
        open_text = next((one.start() for one in self._parts.finditer(text) if one["text"] and not one["close"]), None)
        return text.rfind(b"\n", 0, open_text) + 1

    def _without(self, text: bytes) -> bytes:
        return self._parts.sub(lambda part: part["text"] or b"", text)


def without_comments(text: str, mark: str | None, quote: str, skip_lines: int) -> str:
    """The beginning of a text as these streams would give it."""
    if skip_lines:
        lines = text.splitlines(keepends=True)
        text = "\n" * min(skip_lines, len(lines)) + "".join(lines[skip_lines:])
    if mark is None:
        return text
    mark, quote = re.escape(mark), re.escape(quote)
    parts = rf"(?P<text>{quote}(?:[^{quote}]|{quote}{quote})*+{quote}?)|{mark}[^\r\n]*"
    return re.sub(parts, lambda part: part["text"] or "", text)

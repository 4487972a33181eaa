"""Quotes of a delimited text: they tell which of its newlines end rows and which stand in a value."""

import re

import numpy as np


class OddQuotesError(Exception):
    """Quotes stand where no text begins or ends, so that only who looks at each of them knows where rows end."""


class OpenQuoteError(Exception):
    """The row that comes next opens a text with a quote and does not close it."""


class Quotes:
    """The rows of blocks that begin with a row, by the quotes in them."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self._quote = quote.encode()
        self._around = np.zeros(256, bool)
        self._around[list(f"{delimiter}{quote}\r\n".encode())] = True
        ends, mark = re.escape(delimiter.encode()) + rb"\r\n", re.escape(self._quote)
        # Only where a value begins does a quote open a text; the next that is not doubled closes it.
        self._text = re.compile(
            rb"(?:\A|(?<=[%b]))%b(?:[^%b]++|%b%b)*+(?P<close>%b(?P<more>[^%b])?)?"
            % (ends, mark, mark, mark, mark, mark, ends)
        )

    def end_of_rows(self, block: bytes) -> int:
        """Where the last row ends that is there to its end, if every other quote opens a text; 0 if none is."""
        newline = _newline(block)
        if self._quote not in block:
            return block.rfind(newline) + 1
        codes = np.frombuffer(block, np.uint8)
        quotes, newlines = np.flatnonzero(codes == self._quote[0]), np.flatnonzero(codes == newline[0])
        outside = np.flatnonzero(np.searchsorted(quotes, newlines) % 2 == 0)
        return int(newlines[outside[-1]]) + 1 if len(outside) else 0

    def end_of_rows_among_odd(self, block: bytes) -> int:
        """As `end_of_rows`, wherever quotes stand; before a row that does not close one, if that is not the first."""
        newline, texts = _newline(block), []
        for text in self._text.finditer(block):
            texts.append(text)
            if _is_open(text):
                break
        stop = texts[-1].start() if texts and _is_open(texts[-1]) else len(block)
        for text in reversed(texts):
            end = block.rfind(newline, text.end(), stop) + 1
            if end:
                return end
            stop = min(stop, text.start())
        return block.rfind(newline, 0, stop) + 1

    def check(self, block: memoryview | bytes) -> None:
        """`OddQuotesError` if not every other quote opens a text and is closed by the next, doubled ones aside."""
        codes = np.frombuffer(block, np.uint8)
        quotes = np.flatnonzero(codes == self._quote[0])
        opening, closing = quotes[::2], quotes[1::2]
        opens = self._around[codes[opening - 1]] | (opening == 0)
        if not (opens.all() and self._around[codes[np.minimum(closing + 1, len(codes) - 1)]].all()):
            raise OddQuotesError

    def check_last_row(self, block: bytes, *, has_odd: bool) -> None:
        """`OpenQuoteError` if a text in a block that ends no row is not closed; fails as `check` where that may be."""
        if has_odd:
            is_open = any(map(_is_open, self._text.finditer(block)))
        else:
            self.check(block)
            is_open = bool(block.count(self._quote) % 2)
        if is_open:
            raise OpenQuoteError


def _newline(block: bytes) -> bytes:
    return b"\n" if b"\n" in block else b"\r"


def _is_open(text: re.Match[bytes]) -> bool:
    """Whether a text is not closed, or on another line by a quote that ends no value and was meant to open one."""
    return text["close"] is None or (text["more"] is not None and re.search(rb"[\r\n]", text[0]) is not None)

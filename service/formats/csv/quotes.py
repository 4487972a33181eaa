"""Quotes of a delimited text, which decide which newlines end a row and which belong to a value."""

import contextlib
import re

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


class OddQuotesError(Exception):
    """Quotes occur inside of values, so that row ends are known only after looking at every quote."""


class OpenQuoteError(Exception):
    """The next row opens a text with a quote and does not close it."""


class Quotes:
    """The rows of blocks that begin with a row, by the quotes in them."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self._quote = quote.encode()
        self._around = np.zeros(256, bool)
        self._around[list(f"{delimiter}{quote}\r\n".encode())] = True
        ends, mark = re.escape(delimiter.encode()) + rb"\r\n", re.escape(self._quote)
        # Only where a value begins does a quote open a text; the next that is not doubled closes it.
        opens, closes = rb"%b(?<![^%b]%b)" % (mark, ends, mark), rb"(?P<close>%b(?P<more>[^%b])?)?" % (mark, ends)
        text = opens + rb"(?:[^%b]++|%b%b)*+" % (mark, mark, mark) + closes
        self._text = re.compile(text)
        self._row = re.compile(rb"[\r\n]*+(?:%b|[^\r\n])*+" % text)

    def end_of_first(self, rows: int, block: memoryview) -> int:
        """Where the first so many rows end; lines with nothing in them are none."""
        end = 0
        for _ in range(rows):
            row = self._row.match(block, end)
            end = end if row is None else row.end()
        return end

    def end_of_rows(self, block: bytes) -> int:
        """Where the last row ends that is there to its end; 0 if none is, `OddQuotesError` as `check` up to there."""
        if self._quote not in block:
            return block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1
        codes = np.frombuffer(block, np.uint8)
        quotes = np.flatnonzero(codes == self._quote[0])
        # A \n may follow a \r that is not there yet.
        end = _last_outside(block, b"\n", quotes) or _last_outside(block[:-1], b"\r", quotes)
        self._check(codes[:end], quotes[: np.searchsorted(quotes, end)])
        return end

    def end_of_rows_among_odd(self, block: bytes) -> int:
        """As `end_of_rows`, wherever quotes stand; before a row that does not close one, if that is not the first."""
        with contextlib.suppress(OddQuotesError):
            if end := self.end_of_rows(block):
                return end
        ends, place = {b"\n": 0, b"\r": 0}, 0
        for text in self._text.finditer(block):
            ends = {one: block.rfind(one, place, text.start()) + 1 or end for one, end in ends.items()}
            place = text.end()
            if _is_open(text):
                break
        else:
            ends = {one: block.rfind(one, place, len(block) - (one == b"\r")) + 1 or end for one, end in ends.items()}
        return ends[b"\n"] or ends[b"\r"]

    def check(self, block: bytes) -> None:
        """`OddQuotesError` if not every other quote opens a text and is closed by the next, doubled ones aside."""
        codes = np.frombuffer(block, np.uint8)
        self._check(codes, np.flatnonzero(codes == self._quote[0]))

    def _check(self, codes: NDArray[np.uint8], quotes: Places) -> None:
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


def _last_outside(block: bytes, newline: bytes, quotes: Places) -> int:
    """Behind the last newline that has an even number of quotes before it; 0 if there is none."""
    last = block.rfind(newline)
    if last < 0 or np.searchsorted(quotes, last) % 2 == 0:
        return last + 1
    newlines = np.flatnonzero(np.frombuffer(block, np.uint8) == ord(newline))
    outside = np.flatnonzero(np.searchsorted(quotes, newlines) % 2 == 0)
    return int(newlines[outside[-1]]) + 1 if len(outside) else 0


def _is_open(text: re.Match[bytes]) -> bool:
    """Whether a text is not closed, or on another line by a quote that ends no value and was meant to open one."""
    return text["close"] is None or (text["more"] is not None and re.search(rb"[\r\n]", text[0]) is not None)

"""Cuts delimited text into blocks of whole rows, which are parsed in parallel."""

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from service.errors import Finding, Invalid, Malformed, pointer
from service.formats.csv.dialect import Dialect
from service.formats.csv.parsing import BlockReader
from service.formats.csv.quotes import OpenQuoteError, Quotes
from service.formats.csv.streams import Encoded, Readable, Skipped, Uncommented

_BLOCK_BYTES = 2 << 20
_FIRST_BLOCK_BYTES = 4 << 20
"""The first block decides the types; a column that changes its mind later costs a second reading of everything."""

_LONGEST_ROW_BYTES = 16 << 20
_WRONG_ROW = re.compile(r"CSV parse error: Row #(\d+): Expected (\d+) columns, got (\d+)")
"""pyarrow's message about a row with a value too many or too few."""

THREADS = min(os.cpu_count() or 1, 4)
"""pyarrow itself would use the number of threads that is set for BLAS."""


def batches_of(
    source: Readable,
    dialect: Dialect,
    names: list[str],
    *,
    types: Any = None,
    agree: bool = True,
    has_odd_quotes: bool = False,
) -> Iterator[Any]:
    """The rows as record batches, all of the `types`, else of those that the first one has, else each of its own.

    `OddQuotesError` where only `has_odd_quotes` tells rows apart, `Invalid` where a quote is not closed, `Malformed`
    where a row is too long or too short, else pyarrow's errors.
    """
    text = _readable(source, dialect)
    quotes = Quotes(str(dialect.delimiter), dialect.quote)
    blocks = _Counted(cut(text, quotes, has_odd=has_odd_quotes), quotes)
    reader = BlockReader(dialect, names, types, agrees=agree)
    rows = 0
    try:
        first = next(blocks, _Block(memoryview(b""), 1))
        rows = int(bool(dialect.header))
        first = first.without(quotes.end_of_first(rows + dialect.is_told, first.content))
        batch = _located(partial(reader.read, first.content), first, quotes, rows_before=rows)
        rows += batch.num_rows
        yield batch
        reader = replace(reader, types=types or (batch.schema if agree else None))
        with ThreadPoolExecutor(THREADS) as pool:
            for block, reading in _in_order(pool, reader.read, blocks, ahead=THREADS):
                batch = _located(reading.result, block, quotes, rows_before=rows)
                rows += batch.num_rows
                yield batch
    except OpenQuoteError:
        place = rows - bool(dialect.header)
        at = pointer("columns") if place < 0 else pointer("rows", place)
        said = f"Row {rows + 1:,} opens a text with a quote that is not closed; a quote in a text is doubled."
        raise Invalid([Finding(at, "open_quote", f"{said} In an editor it is line {blocks.next_line:,}.")]) from None


def exhaust(source: Readable) -> None:
    """Comes back when the last piece is there."""
    while source.read(_BLOCK_BYTES):
        pass


def cut(source: Readable, quotes: Quotes, *, has_odd: bool = False) -> Iterator[memoryview]:
    """Blocks of whole rows of a text in UTF-8.

    Where a row does not end, `OpenQuoteError` or `Malformed`, or `OddQuotesError` if it may, but `has_odd` is not set.
    """
    find_end = quotes.end_of_rows_among_odd if has_odd else quotes.end_of_rows
    rest, size = b"", _FIRST_BLOCK_BYTES
    while piece := source.read(size):
        if b"\0" in piece:
            raise Malformed("Expected a text; received one with NULs.", code="bad_table")
        block = rest + piece
        end = find_end(block)
        if end:
            yield memoryview(block)[:end]
        elif len(block) > _LONGEST_ROW_BYTES:
            quotes.check_last_row(block, has_odd=has_odd)
            raise Malformed(f"Expected rows of at most {_LONGEST_ROW_BYTES:,} bytes; one is longer.", code="bad_table")
        rest, size = block[end:], _BLOCK_BYTES if end else len(block)
    while end := find_end(rest):
        yield memoryview(rest)[:end]
        rest = rest[end:]
    if rest:
        quotes.check_last_row(rest, has_odd=has_odd)
        yield memoryview(rest)


@dataclass(frozen=True, slots=True)
class _Block:
    """Whole rows, and the line of the text that they begin with, as an editor counts."""

    content: memoryview
    first_line: int

    def without(self, size: int) -> "_Block":
        """The block without its first so many bytes."""
        return _Block(self.content[size:], self.first_line + _line_ends(self.content[:size]))

    def line_of(self, row: int, quotes: Quotes) -> int:
        """The line in which the row of this number, from 1, begins."""
        before = quotes.end_of_first(row - 1, self.content)
        while before < len(self.content) and self.content[before] in b"\r\n":
            before += 1
        return self.first_line + _line_ends(self.content[:before])


class _Counted:
    """Blocks with the line that each begins with."""

    def __init__(self, blocks: Iterator[memoryview], quotes: Quotes) -> None:
        self._blocks = blocks
        self._quotes = quotes
        self.next_line = 1

    def __iter__(self) -> Iterator[_Block]:
        return self

    def __next__(self) -> _Block:
        content = next(self._blocks)
        block = _Block(content, self.next_line)
        self.next_line += _line_ends(content)
        return block


def _line_ends(text: memoryview) -> int:
    codes = np.frombuffer(text, np.uint8)
    return int(np.count_nonzero(codes == ord("\n"))) or int(np.count_nonzero(codes == ord("\r")))


def _readable(source: Readable, dialect: Dialect) -> Readable:
    text = source if dialect.encoding == "utf-8" else Encoded(source, str(dialect.encoding))
    text = Skipped(text, dialect.skip_rows) if dialect.skip_rows else text
    return text if dialect.comment is None else Uncommented(text, dialect.comment, dialect.quote)


def _in_order(
    pool: ThreadPoolExecutor, read: Callable[[memoryview], Any], blocks: Iterable[_Block], *, ahead: int
) -> Iterator[tuple[_Block, Future[Any]]]:
    """What `read` makes of each block; only a few blocks are in memory at a time."""
    reading: deque[tuple[_Block, Future[Any]]] = deque()
    try:
        for block in blocks:
            reading.append((block, pool.submit(read, block.content)))
            if len(reading) > ahead:
                yield reading.popleft()
    except OpenQuoteError:
        yield from reading  # their mistakes come first, and their rows are counted
        raise
    yield from reading


def _located(read: Callable[[], Any], block: _Block, quotes: Quotes, *, rows_before: int) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    try:
        return read()
    except pa.ArrowInvalid as error:
        found = _WRONG_ROW.search(str(error))
        if found is None:
            raise
        row, expected, received = map(int, found.groups())
        than_the_first = f"than the first: {received:,} instead of {expected:,}"
        said = f"Row {rows_before + row:,} has another number of columns {than_the_first}."
        in_editor = f"In an editor it is line {block.line_of(row, quotes):,}."
        raise Malformed(f"{said} {in_editor}", code="bad_table") from None

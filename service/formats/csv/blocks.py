"""Delimited text cut into blocks of whole rows, which are read beside each other."""

import codecs
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from functools import partial
from typing import Any, Protocol

from service.errors import Finding, Invalid, Malformed, pointer
from service.formats.csv.dialect import Dialect
from service.formats.csv.quotes import OpenQuoteError, Quotes

_BLOCK_BYTES = 2 << 20
_FIRST_BLOCK_BYTES = 4 << 20
"""The first block decides the types; a column that changes its mind later costs a second reading of everything."""

_LONGEST_ROW_BYTES = 16 << 20
_WRONG_ROW = re.compile(r"CSV parse error: Row #(\d+): Expected (\d+) columns, got (\d+)")
"""What pyarrow says of a row with a value too many or too few."""

_WHOLE_BLOCK: dict[str, Any] = {"use_threads": False, "block_size": 64 << 20}
THREADS = min(os.cpu_count() or 1, 4)
"""pyarrow itself would go by what is set for BLAS."""


class Readable(Protocol):
    """Bytes that come one piece after the other."""

    def read(self, size: int, /) -> bytes:
        """The next piece, of about so many bytes; an empty one at the end."""


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
    text = source if dialect.encoding == "utf-8" else _Encoded(source, str(dialect.encoding))
    quotes = Quotes(str(dialect.delimiter), dialect.quote)
    blocks = cut(text, quotes, has_odd=has_odd_quotes)
    options = csv_options(dialect, names, types=types)
    rows = 0
    try:
        block = next(blocks, memoryview(b""))
        rows = int(bool(dialect.header))
        block = block[quotes.end_of_first(rows + dialect.is_told, block) :]
        first = _located(partial(_parsed, block, options), rows_before=rows)
        rows += first.num_rows
        yield first
        options = csv_options(dialect, names, types=types or (first.schema if agree else None))
        with ThreadPoolExecutor(THREADS) as pool:
            for reading in _in_order(pool, partial(_parsed, options=options), blocks, ahead=THREADS):
                batch = _located(reading.result, rows_before=rows)
                rows += batch.num_rows
                yield batch
    except OpenQuoteError:
        place = rows - bool(dialect.header)
        at = pointer("columns") if place < 0 else pointer("rows", place)
        said = f"Row {rows + 1:,} opens a text with a quote that is not closed; a quote in a text is doubled."
        raise Invalid([Finding(at, "open_quote", said)]) from None


def exhaust(source: Readable) -> None:
    """Comes back when the last piece is there."""
    while source.read(_BLOCK_BYTES):
        pass


def csv_options(dialect: Dialect, names: list[str], *, types: Any = None) -> dict[str, Any]:
    """The arguments with which pyarrow reads a block of rows."""
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need
    from pyarrow import csv  # noqa: PLC0415 - as above

    return {
        "read_options": csv.ReadOptions(column_names=names, **_WHOLE_BLOCK),
        "parse_options": csv.ParseOptions(
            delimiter=dialect.delimiter, quote_char=dialect.quote, newlines_in_values=True, ignore_empty_lines=True
        ),
        "convert_options": csv.ConvertOptions(
            strings_can_be_null=True,
            decimal_point=dialect.decimal,
            column_types=types or dict.fromkeys(dialect.texts.intersection(names), pa.string()),
        ),
    }


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


def _in_order(
    pool: ThreadPoolExecutor, read: Callable[[memoryview], Any], blocks: Iterable[memoryview], *, ahead: int
) -> Iterator[Future[Any]]:
    """What `read` makes of each block; only a few blocks are in memory at a time."""
    reading: deque[Future[Any]] = deque()
    try:
        for block in blocks:
            reading.append(pool.submit(read, block))
            if len(reading) > ahead:
                yield reading.popleft()
    except OpenQuoteError:
        yield from reading  # their mistakes come first, and their rows are counted
        raise
    yield from reading


def _located(read: Callable[[], Any], *, rows_before: int) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    try:
        return read()
    except pa.ArrowInvalid as error:
        found = _WRONG_ROW.search(str(error))
        if found is None:
            raise
        row, expected, received = map(int, found.groups())
        than_the_first = f"than the first: {received:,} instead of {expected:,}"
        detail = f"Row {rows_before + row:,} has another number of columns {than_the_first}."
        raise Malformed(detail, code="bad_table") from None


def _parsed(block: memoryview, options: dict[str, Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import csv  # noqa: PLC0415 - as above

    content = pa.py_buffer(block or b"\n")
    table = csv.read_csv(pa.BufferReader(content), **options)
    clocks = {field.name: pa.string() for field in table.schema if pa.types.is_time(field.type)}
    if clocks:  # a time of day is a text like any other
        converting = copy(options["convert_options"])
        converting.column_types |= clocks
        table = csv.read_csv(pa.BufferReader(content), **options | {"convert_options": converting})
    (batch,) = table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    return batch


class _Encoded:
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

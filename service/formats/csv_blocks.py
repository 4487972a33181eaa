"""Delimited text cut into blocks of whole rows, which are read beside each other."""

import codecs
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import numpy as np

from service.errors import Malformed
from service.formats.delimited import Dialect

_BLOCK_BYTES = 1 << 20
_FIRST_BLOCK_BYTES = 4 << 20
"""The first block decides the types; a column that changes its mind later costs a second reading of everything."""

_LONGEST_ROW_BYTES = 16 << 20
_WHOLE_BLOCK = {"use_threads": False, "block_size": 64 << 20}
THREADS = min(os.cpu_count() or 1, 4)
"""pyarrow itself would go by what is set for BLAS."""


class OddQuotesError(Exception):
    """Quotes stand where no text begins or ends, so that only who reads everything knows where rows end."""


class Readable(Protocol):
    """Bytes that come one piece after the other."""

    def read(self, size: int, /) -> bytes:
        """The next piece, of about so many bytes; an empty one at the end."""


def batches_of(source: Readable, dialect: Dialect, names: list[str]) -> Iterator[Any]:
    """The rows as record batches, all of the types that the first one has.

    `OddQuotesError` where the text cannot be cut, `Malformed` where a row is too long or too short, else pyarrow's
    errors.
    """
    text = source if dialect.encoding == "utf-8" else _Encoded(source, str(dialect.encoding))
    blocks = cut(text, delimiter=str(dialect.delimiter), quote=dialect.quote)
    options = csv_options(dialect, names, **_WHOLE_BLOCK)
    first = _located(partial(_parsed, next(blocks, memoryview(b"")), options), rows_before=0)
    yield first
    options = csv_options(dialect, names, types=first.schema, **_WHOLE_BLOCK)
    rows = first.num_rows + bool(dialect.header)
    with ThreadPoolExecutor(THREADS) as pool:
        for reading in _in_order(pool, partial(_parsed, options=options), blocks, ahead=THREADS):
            batch = _located(reading.result, rows_before=rows)
            rows += batch.num_rows
            yield batch


def exhaust(source: Readable) -> None:
    """Comes back when the last piece is there."""
    while source.read(_BLOCK_BYTES):
        pass


def csv_options(dialect: Dialect, names: list[str], *, types: Any = None, **reading: Any) -> dict[str, Any]:
    """The arguments with which pyarrow reads a text; with `types` one that goes on where another ended."""
    from pyarrow import csv  # noqa: PLC0415 - it takes time and memory that only tables need

    skipped = 1 if dialect.header and types is None else 0
    return {
        "read_options": csv.ReadOptions(column_names=names, skip_rows=skipped, **reading),
        "parse_options": csv.ParseOptions(
            delimiter=dialect.delimiter, quote_char=dialect.quote, newlines_in_values=True, ignore_empty_lines=True
        ),
        "convert_options": csv.ConvertOptions(
            strings_can_be_null=True, decimal_point=dialect.decimal, column_types=types
        ),
    }


def cut(source: Readable, *, delimiter: str, quote: str) -> Iterator[memoryview]:
    """Blocks of whole rows of a text in UTF-8; `OddQuotesError` or `Malformed` where a row does not end."""
    rest, size = b"", _FIRST_BLOCK_BYTES
    while piece := source.read(size):
        block = rest + piece
        end = _end_of_rows(block, quote.encode())
        if end:
            yield memoryview(block)[:end]
        elif len(block) > _LONGEST_ROW_BYTES:
            _check_quotes(block, delimiter, quote)
            raise Malformed(f"Expected rows of at most {_LONGEST_ROW_BYTES:,} bytes; one is longer.", code="bad_table")
        rest, size = block[end:], _BLOCK_BYTES if end else len(block)
    if rest:
        yield memoryview(rest)


def _end_of_rows(block: bytes, quote: bytes) -> int:
    """Where the last row ends that is there to its end, in a block that begins with a row; 0 if none is."""
    newline = b"\n" if b"\n" in block else b"\r"
    if quote not in block:
        return block.rfind(newline) + 1
    codes = np.frombuffer(block, np.uint8)
    quotes, newlines = np.flatnonzero(codes == quote[0]), np.flatnonzero(codes == newline[0])
    outside = np.flatnonzero(np.searchsorted(quotes, newlines) % 2 == 0)
    return int(newlines[outside[-1]]) + 1 if len(outside) else 0


def _check_quotes(block: memoryview | bytes, delimiter: str, quote: str) -> None:
    """`OddQuotesError` if not every other quote opens a text: where a value begins, or doubled inside a text."""
    codes = np.frombuffer(block, np.uint8)
    opening = np.flatnonzero(codes == ord(quote))[::2]
    may_open = np.frombuffer(f"{delimiter}{quote}\r\n".encode(), np.uint8)
    if not (np.isin(codes[opening - 1], may_open) | (opening == 0)).all():
        raise OddQuotesError


def _in_order(
    pool: ThreadPoolExecutor, read: Callable[[memoryview], Any], blocks: Iterable[memoryview], *, ahead: int
) -> Iterator[Future[Any]]:
    """What `read` makes of each block; only a few blocks are in memory at a time."""
    reading: deque[Future[Any]] = deque()
    for block in blocks:
        reading.append(pool.submit(read, block))
        if len(reading) > ahead:
            yield reading.popleft()
    yield from reading


def _located(read: Callable[[], Any], *, rows_before: int) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    try:
        return read()
    except pa.ArrowInvalid as error:
        _, found, said = str(error).partition("CSV parse error: Row #")
        if not found:
            raise
        row = rows_before + int(said.partition(":")[0])
        detail = f"Row {row:,} has another number of columns than the first."
        raise Malformed(detail, code="bad_table") from None


def _parsed(block: memoryview, options: dict[str, Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import csv  # noqa: PLC0415 - as above

    parsing = options["parse_options"]
    _check_quotes(block, parsing.delimiter, parsing.quote_char)
    table = csv.read_csv(pa.BufferReader(pa.py_buffer(block)), **options)
    return pa.concat_batches(table.to_batches()) if table.num_rows else pa.RecordBatch.from_pylist([], table.schema)


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

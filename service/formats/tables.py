"""Tables: CSV, Parquet, Arrow and JSON rows in, one Arrow file of plain columns out, which can be mapped.

Every column comes out as one of float64, int64, bool, string or timestamp; what has another type and no such
meaning (lists, structs, bytes) is refused. Reading is pyarrow's work; pyarrow is imported when a table comes.
"""

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.config import Limits
from service.errors import Findings, Malformed, TooLarge, pointer
from service.formats.csv_blocks import Readable, batches_of, exhaust
from service.formats.csv_types import NOT_UTF8, check_texts, widest_types
from service.formats.delimited import FALLBACK_ENCODING, Dialect, found_dialect
from service.formats.json_rows import read_whole, table_of_rows
from service.formats.quotes import OddQuotesError

CSV, PARQUET, ARROW = "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.file"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
JSON, NDJSON = "application/json", "application/x-ndjson"
MAGIC = {b"PAR1": PARQUET, b"ARROW1": ARROW, b"\xff\xff\xff\xff": ARROW_STREAM}
"""How files begin that tell what they are."""

_BATCH_ROWS = 65_536
_BATCH_CELLS = 4_000_000
_LONGEST_NAME = 200
_LONGEST_TEXT = 10_000


def write_table(
    source: Path,
    media_type: str,
    target: Path,
    limits: Limits,
    dialect: Dialect | None = None,
    *,
    arriving: Readable | None = None,
) -> None:
    """Writes what a file says as an Arrow file; `Malformed`, `Invalid` or `TooLarge` if it is no table that fits.

    A CSV may be `arriving` still: then its file is whole when that has come to its end.
    """
    with _readable(media_type):
        if media_type == CSV:
            _write_csv(source, target, limits, dialect or Dialect(), arriving)
        else:
            with _batches(source, media_type, limits) as (schema, batches):
                _write(schema, batches, target, limits)


def read_batches(source: Path, media_type: str, limits: Limits) -> Iterator[Any]:
    """The record batches of a Parquet or Arrow file, with the columns that `write_table` writes; fails as it does."""
    with _readable(media_type), _batches(source, media_type, limits) as (schema, batches):
        plain = _plain_schema(schema, limits)
        yield from _counted(_plain_batches(batches, plain), len(plain), limits)


def open_table(content: Any) -> Any:
    """The pyarrow table in the bytes of an Arrow file, its columns still where they lie."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    try:
        return pa.ipc.open_file(pa.py_buffer(content)).read_all()
    except pa.ArrowException as error:
        raise Malformed("The content is not an Arrow file.") from error


def kind_of_column(arrow_type: Any) -> str:
    """What a column holds: `number`, `boolean`, `category`, `date`, or `empty` where it holds nothing."""
    import pyarrow.types as is_  # noqa: PLC0415 - as above

    if is_.is_null(arrow_type):
        return "empty"
    if is_.is_boolean(arrow_type):
        return "boolean"
    if is_.is_temporal(arrow_type):
        return "date"
    return "category" if is_.is_string(arrow_type) else "number"


@contextlib.contextmanager
def _readable(media_type: str) -> Iterator[None]:
    """Turns what pyarrow says of a file that it cannot read into words for the person who sent it."""
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, UnicodeError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Malformed(f"The file cannot be read as {media_type}.", code="bad_table") from None


def _write_csv(source: Path, target: Path, limits: Limits, given: Dialect, arriving: Readable | None) -> None:
    import pyarrow as pa  # noqa: PLC0415 - as above

    dialect, names = found_dialect(source, given)
    with source.open("rb") as opened:
        text = arriving or opened
        try:
            batches = batches_of(text, dialect, names)
            first = next(batches)
            check_texts(first.schema)
            _write(first.schema, itertools.chain([first], batches), target, limits)
            return
        except (pa.ArrowInvalid, OddQuotesError) as error:
            dialect = _reread(error, dialect, given)
        exhaust(text)
    try:
        types = widest_types(source, dialect, names)
    except pa.ArrowInvalid as error:
        dialect = _reread(error, dialect, given)
        types = widest_types(source, dialect, names)
    with source.open("rb") as text:
        _write(types, batches_of(text, dialect, names, types=types, has_odd_quotes=True), target, limits)


def _reread(error: Exception, dialect: Dialect, given: Dialect) -> Dialect:
    """In which dialect to read a text again that failed with this error; raises it if that is of no use."""
    if dialect.encoding == "utf-8" and given.encoding is None and NOT_UTF8 in str(error):
        return replace(dialect, encoding=FALLBACK_ENCODING)
    # A column may change its mind after the first block, and only who reads all of it sees its type.
    if isinstance(error, OddQuotesError) or "conversion error" in str(error):
        return dialect
    raise error


@contextlib.contextmanager
def _batches(source: Path, media_type: str, limits: Limits) -> Iterator[tuple[Any, Any]]:
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import parquet  # noqa: PLC0415 - as above

    if media_type in (JSON, NDJSON):
        # pyarrow's own reader of JSON crashes on some texts that are none.
        table = table_of_rows(read_whole(source, limits), by_line=media_type == NDJSON)
        yield table.schema, table.to_batches()
        return
    with pa.memory_map(str(source)) as file:
        if media_type == PARQUET:
            schema = parquet.read_schema(file)
            # Read as a dictionary, a text that is repeated a million times takes its memory once.
            texts = [field.name for field in schema if pa.types.is_string(field.type)]
            opened = parquet.ParquetFile(file, read_dictionary=texts)
            yield opened.schema_arrow, _sound(opened.iter_batches(_BATCH_ROWS))
        elif media_type == ARROW:
            reader = pa.ipc.open_file(file)
            yield reader.schema, _sound(reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            stream = pa.ipc.open_stream(file)
            yield stream.schema, _sound(stream)


def _sound(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches, each looked over before its offsets are trusted."""
    for batch in batches:
        batch.validate(full=True)
        yield batch


def _write(schema: Any, batches: Iterable[Any], target: Path, limits: Limits) -> None:
    """Writes the batches with plain columns."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    plain = _plain_schema(schema, limits)
    even = _even(_plain_batches(batches, plain), min(_BATCH_ROWS, _BATCH_CELLS // len(plain) + 1))
    with pa.OSFile(str(target), "wb") as file, pa.ipc.new_file(file, plain) as writer:
        for batch in _counted(even, len(plain), limits):
            writer.write_batch(batch)


def _counted(batches: Iterable[Any], columns: int, limits: Limits) -> Iterator[Any]:
    """The same batches; `TooLarge` where they come to more than a table may have, `Malformed` without a row."""
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        _check_size(rows, columns, limits)
        yield batch
    if not rows:
        raise Malformed("Expected a table with at least one row; received none.", code="bad_table")


def _plain_batches(batches: Iterable[Any], plain: Any) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    texts = [name for name, kind in zip(plain.names, plain.types, strict=True) if pa.types.is_string(kind)]
    for batch in batches:
        for name in texts:
            _check_texts(batch.column(name), name)
        yield batch if batch.schema.equals(plain) else _cast(batch, plain)


def _check_texts(column: Any, name: str) -> None:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    texts = column.dictionary if pa.types.is_dictionary(column.type) else column
    if len(texts) and (pc.max(pc.binary_length(texts)).as_py() or 0) > _LONGEST_TEXT:
        raise TooLarge(
            f"A text of the column {name[:40]!r} is longer than {_LONGEST_TEXT:,} bytes.",
            limit=_LONGEST_TEXT,
            unit="bytes",
        )


def _cast(batch: Any, plain: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    pairs = zip(batch.columns, plain.types, strict=True)
    columns = [column if column.type == kind else column.cast(kind, safe=False) for column, kind in pairs]
    return pa.record_batch(columns, schema=plain)


def _even(batches: Iterable[Any], rows: int) -> Iterator[Any]:
    """The same rows in batches of this many, so that equal tables have equal bytes however they came."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    parts: list[Any] = []
    lacking = rows
    for batch in batches:
        start = 0
        while start < len(batch):
            parts.append(batch.slice(start, lacking))
            start += len(parts[-1])
            lacking -= len(parts[-1])
            if not lacking:
                yield pa.concat_batches(parts)
                parts, lacking = [], rows
    if parts:
        yield pa.concat_batches(parts)


def _plain_schema(schema: Any, limits: Limits) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    findings = Findings(limit=limits.max_errors_shown)
    if not len(schema):
        raise Malformed("Expected a table with at least one column; received none.", code="bad_table")
    _check_size(1, len(schema), limits)
    for name, count in Counter(schema.names).items():
        if not name or len(name) > _LONGEST_NAME:
            expected = f"Expected a name of 1 to {_LONGEST_NAME} characters for each column"
            received = f"that of column {schema.names.index(name) + 1} has {len(name):,}"
            hint = "" if name else " pandas leaves its index out with to_csv(index=False)."
            findings.error(pointer("columns", name), "bad_column_name", f"{expected}; {received}.{hint}")
        elif count > 1:
            findings.error(pointer("columns", name), "duplicate", "Expected each column's name once; it is repeated.")
    fields = []
    for field in schema:
        plain = _plain_type(field.type)
        if plain is None:
            expected = "Expected numbers, texts, booleans or dates; this column holds something else."
            findings.error(pointer("columns", field.name), "unsupported_column", expected)
        fields.append(pa.field(field.name, plain or pa.null()))
    findings.raise_errors()
    return pa.schema(fields)


def _plain_type(arrow_type: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.types as is_  # noqa: PLC0415 - as above

    held = arrow_type.value_type if is_.is_dictionary(arrow_type) else arrow_type
    choices = {
        held: is_.is_boolean(held) or is_.is_null(held),
        pa.int64(): is_.is_integer(held) and not is_.is_uint64(held),
        pa.float64(): is_.is_uint64(held) or is_.is_floating(held) or is_.is_decimal(held),
        pa.timestamp("us"): is_.is_date(held) or is_.is_timestamp(held),
        pa.string(): is_.is_string(held) or is_.is_large_string(held) or is_.is_string_view(held),
    }
    return next((plain for plain, fits in choices.items() if fits), None)


def _check_size(rows: int, columns: int, limits: Limits) -> None:
    for number, limit, unit in (
        (columns, limits.max_columns, "columns"),
        (rows, limits.max_table_rows, "rows"),
        (rows * columns, limits.max_table_cells, "cells"),
    ):
        if number > limit:
            raise TooLarge(f"The table has more {unit} than the limit of {limit:,}.", limit=limit, unit=unit)

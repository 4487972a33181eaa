"""Tables: CSV, Parquet, Arrow, spreadsheets and JSON rows in, one Arrow file of plain columns out, which can be mapped.

Every column comes out as one of float64, int64, bool, string or timestamp; what has another type and no such
meaning (lists, structs, bytes) is refused. Reading is pyarrow's work; pyarrow is imported when a table comes.
"""

import contextlib
import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.allowance import expect, expect_much
from service.config import Limits
from service.errors import Finding, Findings, Malformed
from service.formats.compression import most_unpacked, too_large
from service.formats.csv.blocks import batches_of, exhaust
from service.formats.csv.dialect import Dialect, Found, found_dialect
from service.formats.csv.encoding import FALLBACK_ENCODING, check_fallback
from service.formats.csv.quotes import OddQuotesError
from service.formats.csv.streams import Readable
from service.formats.csv.types import NOT_UTF8, check_texts, widest_types
from service.formats.json_rows import batches_of_rows, read_whole
from service.formats.plain_columns import check_size, is_text, plain_batches, plain_schema, without_remains
from service.formats.retyping import retype
from service.formats.spreadsheets.kinds import SPREADSHEETS
from service.formats.spreadsheets.sheets import read_sheet

CSV, PARQUET, ARROW = "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.file"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
JSON, NDJSON = "application/json", "application/x-ndjson"
MAGIC = {b"PAR1": PARQUET, b"ARROW1": ARROW, b"\xff\xff\xff\xff": ARROW_STREAM}
"""How files begin that tell what they are."""

_BATCH_ROWS, _FEW_ROWS = 65_536, 1024
_BATCH_CELLS = 4_000_000
_LONG_LINE_BYTES = 1 << 20
_COLUMN_BYTES = 8192
"""What pyarrow takes for a column of a block, however few rows are in it."""


def write_table(
    source: Path,
    media_type: str,
    target: Path,
    limits: Limits,
    dialect: Dialect | None = None,
    *,
    arriving: Readable | None = None,
) -> list[Finding]:
    """Writes what a file says as an Arrow file; `Malformed`, `Invalid` or `TooLarge` if it is no table that fits.

    Gives what of it was a guess. A CSV may be `arriving` still: then its file is whole when that has come to its end.
    """
    findings = Findings(limit=limits.max_errors_shown)
    dialect = dialect or Dialect()
    with _readable(media_type):
        if media_type == CSV:
            found = _write_csv(source, target, limits, dialect, arriving)
            findings.warnings, dialect = found.guesses, found.dialect
        elif media_type in SPREADSHEETS:
            cells = read_sheet(source, media_type, limits, dialect, findings)
            _write(cells.schema, [cells], target, limits, has_remains=True)
        else:
            with _batches(source, media_type, limits) as (schema, batches):
                _write(schema, batches, target, limits, most_bytes=most_unpacked(source, limits), has_remains=True)
        retype(target, dialect, findings, has_marks=media_type == CSV)
    findings.raise_errors()
    return findings.warnings


def read_batches(source: Path, media_type: str, limits: Limits, wanted: Collection[str] | None = None) -> Iterator[Any]:
    """The record batches of a Parquet or Arrow file, with the columns that `write_table` writes; fails as it does.

    Columns that are not `wanted` come without their values, which are not looked at.
    """
    with _readable(media_type), _batches(source, media_type, limits, wanted) as (schema, batches):
        plain = plain_schema(schema, limits)
        kept, found = (plain, batches) if wanted is None else _only(wanted, plain, batches)
        yield from _counted(plain_batches(found, kept), len(plain), limits, most_unpacked(source, limits))


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
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
            raise
        said = f"The file cannot be read as {media_type}."
        if media_type == CSV and (isinstance(error, UnicodeError) or NOT_UTF8 in str(error)):
            said = "The text has bytes that are no letters in its encoding; say ?encoding= if it has another."
        raise Malformed(said, code="bad_table") from None


def _write_csv(source: Path, target: Path, limits: Limits, given: Dialect, arriving: Readable | None) -> Found:
    import pyarrow as pa  # noqa: PLC0415 - as above

    if _has_long_line(source):
        expect_much()
    found = found_dialect(source, given)
    dialect, names = found.dialect, found.names
    check_size(1, len(names), limits)
    expect(len(names) * _COLUMN_BYTES)
    with source.open("rb") as opened:
        text = arriving or opened
        try:
            batches = batches_of(text, dialect, names)
            first = next(batches)
            check_texts(first.schema)
            _write(first.schema, itertools.chain([first], batches), target, limits)
            return found
        except (pa.ArrowInvalid, OddQuotesError) as error:
            dialect = _reread(error, dialect, given)
        exhaust(text)
    try:
        types = widest_types(source, dialect, names)
    except pa.ArrowInvalid as error:
        dialect = _reread(error, dialect, given)
        types = widest_types(source, dialect, names)
    if dialect.encoding == FALLBACK_ENCODING and given.encoding is None:
        with source.open("rb") as text:
            check_fallback(text)
    with source.open("rb") as text:
        _write(types, batches_of(text, dialect, names, types=types, has_odd_quotes=True), target, limits)
    return found


def _has_long_line(source: Path) -> bool:
    """Whether a text begins with a line so long that it takes its time to find the values in it."""
    with source.open("rb") as opened:
        start = opened.read(2 * _LONG_LINE_BYTES)
    return max(map(len, start.replace(b"\r", b"\n").split(b"\n"))) > _LONG_LINE_BYTES


def _reread(error: Exception, dialect: Dialect, given: Dialect) -> Dialect:
    """In which dialect to read a text again that failed with this error; raises it if that is of no use."""
    if dialect.encoding == "utf-8" and given.encoding is None and NOT_UTF8 in str(error):
        return replace(dialect, encoding=FALLBACK_ENCODING)
    # A column may change its mind after the first block, and only who reads all of it sees its type.
    if isinstance(error, OddQuotesError) or "conversion error" in str(error):
        return dialect
    raise error


@contextlib.contextmanager
def _batches(
    source: Path, media_type: str, limits: Limits, wanted: Collection[str] | None = None
) -> Iterator[tuple[Any, Any]]:
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import parquet  # noqa: PLC0415 - as above

    if media_type in (JSON, NDJSON):
        # pyarrow's own reader of JSON crashes on some texts that are none.
        content, most_bytes = read_whole(source, limits), most_unpacked(source, limits)
        yield batches_of_rows(content, limits, most_bytes, by_line=media_type == NDJSON)
        return
    with pa.memory_map(str(source)) as file:
        if media_type == PARQUET:
            said = parquet.read_metadata(file)
            repeated, others = _texts(said)
            opened = parquet.ParquetFile(file, metadata=said, read_dictionary=repeated)
            rows, schema = _FEW_ROWS if others else _BATCH_ROWS, opened.schema_arrow
            columns = None if wanted is None else [name for name in schema.names if name in wanted]
            yield schema, _sound(opened.iter_batches(rows, columns=columns))
        elif media_type == ARROW:
            reader = pa.ipc.open_file(file)
            yield reader.schema, _sound(reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            stream = pa.ipc.open_stream(file)
            yield stream.schema, _sound(stream)


def _texts(said: Any) -> tuple[list[str], list[str]]:
    """The columns of texts that can be read as dictionaries, in which a text takes its memory once, and the others."""
    columns: tuple[list[str], list[str]] = [], []
    texts = {field.name for field in said.schema.to_arrow_schema() if is_text(field.type)}
    groups = [said.row_group(number) for number in range(said.num_row_groups)]
    for place in range(said.num_columns):
        if (name := said.schema.column(place).path) in texts:
            encodings = {one for group in groups for one in group.column(place).encodings}
            columns[any("DELTA" in one for one in encodings)].append(name)
    return columns


def _only(wanted: Collection[str], plain: Any, batches: Iterable[Any]) -> tuple[Any, Iterator[Any]]:
    """The schema and batches with nothing in the columns that are not wanted, whether they were read or not."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    plain = pa.schema([field if field.name in wanted else pa.field(field.name, pa.null()) for field in plain])

    def cleared(batch: Any) -> Any:
        nothing = pa.nulls(batch.num_rows)
        columns = [batch.column(name) if name in wanted else nothing for name in plain.names]
        return pa.record_batch(columns, names=plain.names)

    return plain, map(cleared, batches)


def _sound(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches, each looked over before its offsets are trusted."""
    for batch in batches:
        batch.validate(full=True)
        yield batch


def _write(
    schema: Any,
    batches: Iterable[Any],
    target: Path,
    limits: Limits,
    *,
    most_bytes: int | None = None,
    has_remains: bool = False,
) -> None:
    """Writes the batches with plain columns; `has_remains` says that something may stand behind missing values."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    plain = plain_schema(schema, limits)
    counted = _counted(plain_batches(batches, plain), len(plain), limits, most_bytes or limits.max_unpacked_bytes)
    even = _even(counted, min(_BATCH_ROWS, _BATCH_CELLS // len(plain) + 1))
    with pa.OSFile(str(target), "wb") as file, pa.ipc.new_file(file, plain) as writer:
        for batch in even:
            writer.write_batch(without_remains(batch) if has_remains else batch)


def _counted(batches: Iterable[Any], columns: int, limits: Limits, most_bytes: int) -> Iterator[Any]:
    """The same batches; `TooLarge` where they come to more than a table may have, `Malformed` without a row."""
    rows = size_bytes = 0
    for batch in batches:
        rows += batch.num_rows
        check_size(rows, columns, limits)
        size_bytes += batch.nbytes
        if size_bytes > most_bytes:
            raise too_large(most_bytes)
        yield batch
    if not rows:
        raise Malformed("Expected a table with at least one row; received none.", code="bad_table")


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

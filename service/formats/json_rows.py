"""Rows of JSON, an object each, as a table: in a list, or one on each line."""

import codecs
import contextlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.allowance import expect_much
from service.config import Limits
from service.errors import Finding, Invalid, Malformed, TooLarge, pointer
from service.formats.compression import too_large
from service.formats.json_size import expect_parsed
from service.formats.jsontext import read_json
from service.formats.plain_columns import check_size, exact_type, is_text

_BATCH_CELLS = 1_000_000
_EXACT = 2**53
"""Beyond it, float64 does not have every whole number."""


def read_whole(file: Path, limits: Limits) -> bytes:
    """The bytes of a JSON file; `TooLarge` for more than a body of JSON may have."""
    if file.stat().st_size > limits.max_body_bytes:
        limit = limits.max_body_bytes
        detail = f"JSON is read up to {limit:,} bytes; upload more as CSV, Parquet or Arrow."
        raise TooLarge(detail, limit=limit, unit="bytes")
    return file.read_bytes().removeprefix(codecs.BOM_UTF8)


def batches_of_rows(content: bytes, limits: Limits, most_bytes: int, *, by_line: bool) -> tuple[Any, Iterator[Any]]:
    """The pyarrow schema and record batches of objects in a list, or one on each line.

    `Malformed` or `Invalid` for any other text, `TooLarge` for more columns, values or bytes than a table may have. A
    key that a row does not have is a missing value, and so is NaN; texts that are all dates in ISO 8601 are dates.
    """
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    rows = _rows(content, by_line=by_line)
    present = _present(rows, limits)
    count = len(rows)
    check_size(count, len(present), limits)
    if count * len(present) > _BATCH_CELLS:
        expect_much()
    rows.clear()
    columns = {name: (np.array(places), _column(name, values)) for name, (places, values) in present.items()}
    present.clear()
    schema = pa.schema([(name, column.type) for name, (_, column) in columns.items()])
    if count * sum(map(_bits, schema.types)) > 8 * most_bytes:
        raise too_large(most_bytes)
    return schema, _batches(columns, schema, count)


def _bits(column_type: Any) -> int:
    """What a value of a type takes at least, where none is, too."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    is_plain = pa.types.is_primitive(column_type) or pa.types.is_decimal(column_type)
    return int(column_type.bit_width) if is_plain else 32 * is_text(column_type)


def _present(rows: Sequence[Mapping[str, Any]], limits: Limits) -> dict[str, tuple[Sequence[int], list[Any]]]:
    """The values of each column and the rows in which they are: as many as the text has, whatever is missing."""
    names = dict.fromkeys(rows[0]) if rows else {}
    if all(row.keys() == names.keys() for row in rows):
        return {name: (range(len(rows)), [row[name] for row in rows]) for name in names}
    present: dict[str, tuple[list[int], list[Any]]] = {}
    for number, row in enumerate(rows):
        for name, value in row.items():
            places, values = present.setdefault(name, ([], []))
            places.append(number)
            values.append(value)
        check_size(1, len(present), limits)
    return {**present}


def _batches(columns: Mapping[str, tuple[NDArray[np.int64], Any]], schema: Any, rows: int) -> Iterator[Any]:
    """The rows, few enough at a time that the values which are missing take little memory."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    step = _BATCH_CELLS // max(1, len(columns)) + 1
    for start in range(0, rows, step):
        count = min(step, rows - start)
        parts = [_part(places, column, start, count) for places, column in columns.values()]
        yield pa.record_batch(parts, schema=schema)


def _part(places: NDArray[np.int64], column: Any, start: int, count: int) -> Any:
    """Some rows of a column whose values stand in the rows at these places."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    first, last = np.searchsorted(places, [start, start + count])
    values = column.slice(first, last - first)
    if last - first == count:
        return values
    if first == last:
        return pa.nulls(count, column.type)
    indices, is_missing = np.zeros(count, np.int64), np.ones(count, bool)
    here = places[first:last] - start
    indices[here], is_missing[here] = np.arange(last - first), False
    return values.take(pa.array(indices, mask=is_missing))


def _rows(content: bytes, *, by_line: bool) -> list[dict[str, Any]]:
    expect_parsed(content)
    rows = _read_lines(content) if by_line else _read_list(content)
    if not isinstance(rows, list):
        raise Malformed("Expected a list of rows, each a JSON object; received something else.", code="bad_table")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            place = _line(content, number) if by_line else ""
            said = f"Expected rows, each a JSON object; row {number:,} is something else.{place}"
            raise Malformed(said, code="bad_table")
    return rows


def _read_lines(content: bytes) -> list[Any]:
    rows: list[Any] = []
    try:
        rows += (read_json(line, exact=True) for line in content.splitlines() if line.strip())
    except Malformed:
        place = _line(content, len(rows) + 1)
        said = f"Expected rows, each a JSON object on a line; row {len(rows) + 1:,} is no JSON.{place}"
        raise Malformed(said, code="bad_table") from None
    return rows


def _line(content: bytes, row: int) -> str:
    """Where in an editor a row is, which counts empty lines, too."""
    filled = (number for number, line in enumerate(content.splitlines(), 1) if line.strip())
    return f" In an editor it is line {next(itertools.islice(filled, row - 1, None)):,}."


def _read_list(text: bytes) -> Any:
    try:
        return read_json(text, exact=True)
    except Malformed as error:
        raise Malformed(error.detail, code="bad_table") from None


def _column(name: str, values: list[Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    values = [None if isinstance(value, float) and math.isnan(value) else value for value in values]
    kinds = {*map(type, values)} - {type(None)}
    try:
        if bool in kinds and len(kinds) > 1:
            raise pa.ArrowInvalid  # pyarrow would take true for a 1 among numbers
        if kinds == {int, float} or (kinds == {int} and not _fit_64_bits(values)):
            return _numbers(values)
        column = pa.array(values)
    except pa.ArrowException:
        expected = "Expected numbers, texts, booleans or dates, and one of them alone; this column holds several."
        raise Invalid([Finding(pointer("columns", name), "unsupported_column", expected)]) from None
    if pa.types.is_string(column.type):
        for moment in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
            with contextlib.suppress(pa.ArrowInvalid):
                return column.cast(moment)
    return column


def _numbers(values: list[Any]) -> Any:
    """Numbers as float64 or, where that would make two whole numbers one, as decimals, if they fit."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    if any(isinstance(value, int) and abs(value) > _EXACT for value in values):
        decimals = [None if value is None else Decimal(repr(value)) for value in values]
        exponents = [one.as_tuple().exponent for one in decimals if one is not None and one.is_finite()]
        with contextlib.suppress(pa.ArrowException):
            return pa.array(decimals, exact_type(-min(one for one in exponents if isinstance(one, int))))
    return pa.array([None if value is None else float(value) for value in values])


def _fit_64_bits(values: list[int | None]) -> bool:
    return all(value is None or -(2**63) <= value < 2**63 for value in values)

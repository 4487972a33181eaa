"""Lines of JSON, an object each, as a table."""

from pathlib import Path
from typing import Any

import orjson

from service.config import Limits
from service.errors import Malformed, TooLarge


def table_of_lines(file: Path, limits: Limits) -> Any:
    """The pyarrow table of a file with a JSON object on each line; `Malformed` or `TooLarge` if it is none.

    A key that a line does not have is a missing value; texts that are all dates in ISO 8601 are dates.
    """
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    if file.stat().st_size > limits.max_body_bytes:
        limit = limits.max_body_bytes
        detail = f"JSON is read up to {limit:,} bytes; upload more as CSV, Parquet or Arrow."
        raise TooLarge(detail, limit=limit, unit="bytes")
    rows = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if line.strip():
            rows.append(_object(line, number))
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = None
    if not isinstance(row, dict):
        raise Malformed(f"Expected a JSON object on each line; line {number} holds something else.", code="bad_table")
    return row


def _column(values: list[Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    column = pa.array(values)
    if not pa.types.is_string(column.type):
        return column
    try:
        return column.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return column

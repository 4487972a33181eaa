"""Columns of cells: what the values of a column in a spreadsheet are together."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from service.errors import Findings, pointer
from service.formats.csv.dialect import Dialect
from service.formats.csv.parsing import gap_words

_EXACT = 2**53
"""Beyond it, float64 does not have every whole number."""


def column_of(name: str, values: Sequence[Any], dialect: Dialect, findings: Findings) -> Any:
    """The pyarrow array of the cells of a column, None where there is none.

    A text that says that nothing is there says so only beside numbers, dates or booleans, or if the
    dialect says it.
    What is of several kinds is text, with a warning; but whole and other numbers, and days and times, are of one kind.
    """
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    values = _without(values, dialect.gaps)
    kinds = {*map(_kind, values)} - {None}
    if kinds - {"text"} and "text" in kinds:
        values = _without(values, _gap_words() - set(dialect.kept.get(name, ())))
        kinds = {*map(_kind, values)} - {None}
    if len(kinds) > 1 and name not in dialect.texts and dialect.types.get(name) != "category":
        said = f"The column {name[:40]!r} holds {' and '.join(sorted(f'{kind}s' for kind in kinds if kind))}"
        findings.warn(pointer("columns", name), "mixed_types", f"{said}, and is read as texts.")
    if kinds == {"number"}:
        return _numbers(values)
    if kinds == {"boolean"}:
        return pa.array(values, pa.bool_())
    if kinds == {"date"}:
        return pa.array(list(map(_moment, values)), pa.timestamp("us"))
    return pa.array(list(map(text_of, values)), pa.string() if kinds else pa.null())


def text_of(value: Any) -> str | None:
    """A cell as a text, as a spreadsheet would write it to CSV; None where nothing is."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if _is_whole(value) else repr(value)
    return value.isoformat(" ") if isinstance(value, dt.datetime) else str(value)


def _without(values: Sequence[Any], gaps: Collection[str]) -> Sequence[Any]:
    return [None if isinstance(value, str) and value.strip() in gaps else value for value in values]


def _kind(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "date" if isinstance(value, dt.date) else "text"


def _numbers(values: Sequence[Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    whole = all(value is None or _is_whole(float(value)) for value in values)
    kind = int if whole else float
    return pa.array([None if value is None else kind(value) for value in values], pa.int64() if whole else pa.float64())


def _is_whole(value: float) -> bool:
    return value.is_integer() and abs(value) <= _EXACT


def _moment(value: Any) -> Any:
    if value is None or isinstance(value, dt.datetime):
        return value
    return dt.datetime.combine(value, dt.time())


def _gap_words() -> frozenset[str]:
    return frozenset(gap_words())

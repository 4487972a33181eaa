"""Records: rows of a request by column name, with values of the types that the columns have.

A value that is null or NaN, or whose key is missing, is a gap.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import numpy as np

from service.config import Limits
from service.data.features.columns import AnyColumn, CategoryColumn, Codes, NumberColumn, Numbers
from service.data.features.encoder import Encoder
from service.data.names import text_of
from service.errors import Findings, pointer
from service.formats.arrays import kind_of
from service.nn.suggestions import hint

_MOST_COMPARED = 1000
_NOTHING = type(None)
_LARGEST = float(np.finfo(np.float32).max)

_NUMBERS: set[type] = {int, float, _NOTHING}
_BOOLEANS: set[type] = {bool, _NOTHING}
_TEXTS: set[type] = {str, int, float, bool, _NOTHING}
_DATES: set[type] = {str, _NOTHING}


class Records:
    """Columns of values from JSON, each a list of one value per row; null for a missing value."""

    def __init__(self, columns: Mapping[str, Sequence[Any]], dates: Collection[str]) -> None:
        self._columns = columns
        self._dates = frozenset(dates)
        self.rows = len(next(iter(columns.values())))

    def slice(self, start: int, rows: int) -> Self:
        """Some rows that follow each other."""
        parts = {name: values[start : start + rows] for name, values in self._columns.items()}
        return type(self)(parts, self._dates)

    def numbers(self, name: str) -> Numbers:
        """A column (rows,) as numbers, dates in days since 1970, NaN where nothing is."""
        values = self._columns[name]
        if name in self._dates:
            values = [None if value is None else days_of(value) for value in values]
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def encoded(self, name: str) -> tuple[list[str], Codes]:
        """The distinct texts of a column, and for each row the index of its text, -1 where nothing is."""
        texts = [None if value is None else text_of(value) for value in self._columns[name]]
        index: dict[str, int] = {}
        codes = [-1 if text is None else index.setdefault(text, len(index)) for text in texts]
        return list(index), np.array(codes, np.int32)


def read_records(value: Any, encoder: Encoder, at: str, findings: Findings, limits: Limits) -> Records | None:
    """The rows of a request, or None and a finding for each mistake, at its cell.

    Rows are lists in the order of the encoder's columns, or objects by column name.
    """
    before = findings.total
    names = encoder.names
    if not isinstance(value, list) or not value:
        found = "an empty list" if value == [] else kind_of(value)
        findings.error(at, "wrong_type", f"Expected a list of rows, each an object or a list; received {found}.")
        return None
    if len(value) > limits.max_rows:
        expected = f"Expected at most {limits.max_rows:,} rows; received {len(value):,}."
        findings.error(at, "too_many_rows", expected)
        return None
    kinds = set(map(type, value))
    if kinds == {dict}:
        _check_objects(value, encoder, at, findings)
    elif kinds == {list}:
        _check_lists(value, names, at, findings)
    else:
        findings.error(at, "mixed_types", "Expected every row as an object by column name, or every row as a list.")
    if findings.total > before:
        return None
    if kinds == {dict}:
        named = {name: [row.get(name) for row in value] for name in names}
        return read_values(named, encoder, lambda name, row: at + pointer(row, name)[1:], findings)
    listed = {name: [row[place] for row in value] for place, name in enumerate(names)}
    return read_values(listed, encoder, lambda name, row: at + pointer(row, names.index(name))[1:], findings)


def read_columns(
    value: Mapping[str, Any], encoder: Encoder, at: str, findings: Findings, limits: Limits
) -> Records | None:
    """As `read_records`, of an object with a list of values for each column."""
    before = findings.total
    check_names(value.keys(), encoder, at, findings)
    if findings.total > before:
        return None
    lists = {name: value[name] for name in encoder.names if name in value}
    lengths = {len(column) if isinstance(column, list) else 0 for column in lists.values()}
    if len(lengths) > 1 or not 1 <= max(lengths) <= limits.max_rows:
        expected = f"Expected lists of the same length, from 1 to {limits.max_rows:,}, one for each column."
        findings.error(at, "length_mismatch", expected)
        return None
    return read_values(lists, encoder, lambda name, row: at + pointer(name, row)[1:], findings)


def check_names(given: Collection[str], encoder: Encoder, at: str, findings: Findings) -> None:
    """Notes each name that is not a column of the encoder, and each column that is lacking."""
    unknown = {name for name in set(given).difference(encoder.names) if not encoder.passes_over(name)}
    for name in unknown:
        refuse_unknown(name, encoder.names, at + pointer(name)[1:], findings)
    for name in sorted(encoder.lacking(given, may_be_misspelt=bool(unknown))):
        findings.error(at + pointer(name)[1:], "missing", f"The column {name[:40]!r} is missing.")


def read_values(
    columns: Mapping[str, Sequence[Any]], encoder: Encoder, place: Callable[[str, int], str], findings: Findings
) -> Records | None:
    """As `read_columns`, of equally many values of each column; `place` says where a value is.

    A column that is missing is a gap in each row.
    """
    before = findings.total
    rows = len(next(iter(columns.values())))
    read = {column.name: _without_nan(columns.get(column.name) or [None] * rows) for column in encoder.columns}
    for column in encoder.columns:
        _check_values(read[column.name], column, lambda row, name=column.name: place(name, row), findings)
    dates = [column.name for column in encoder.columns if column.type == "date"]
    return None if findings.total > before else Records(read, dates)


def days_of(text: str) -> float:
    """The days since 1970, in UTC where no zone is named, of a date or time in ISO 8601; ValueError for other texts."""
    moment = datetime.fromisoformat(text)
    # A quotient of whole microseconds, as in a table: seconds as a float would be rounded before.
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return since / timedelta(days=1)


def refuse_unknown(name: str, names: Sequence[str], at: str, findings: Findings) -> None:
    """Notes a column that is not one of these, with the one that was likely meant (as long as it is shown)."""
    meant = (
        hint(name, [one for one in names[:_MOST_COMPARED] if len(one) <= 40]) if findings.total < findings.limit else ""
    )
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    known = ", ".join(one[:40] for one in names[:10])
    findings.error(at, "unknown_column", f"Unknown column {name[:40]!r}.{meant} Known: {known}{more}.")


def _without_nan(values: Sequence[Any]) -> Sequence[Any]:
    if float in set(map(type, values)):
        return [None if isinstance(value, float) and math.isnan(value) else value for value in values]
    return values


def _check_objects(rows: list[dict[str, Any]], encoder: Encoder, at: str, findings: Findings) -> None:
    wanted = set(encoder.names)
    for index, row in enumerate(rows):
        if row.keys() != wanted:
            check_names(row.keys(), encoder, f"{at}/{index}", findings)


def _check_lists(rows: list[list[Any]], names: list[str], at: str, findings: Findings) -> None:
    for index, row in enumerate(rows):
        if len(row) != len(names):
            wanted = f"{len(names)} values, one for each of the version's `input.features` in their order"
            expected = f"Expected {wanted}; received {len(row)}."
            findings.error(f"{at}/{index}", "width_mismatch", expected)


def _check_values(values: Sequence[Any], column: AnyColumn, place: Any, findings: Findings) -> None:
    """Notes each value that the column cannot take."""
    kinds, expected = _accepted(column)
    if set(map(type, values)) <= kinds and column.type == "category" and column.missing != "reject":
        return
    for row, value in enumerate(values):
        if value is None or (value == "" and isinstance(column, CategoryColumn) and "" not in column.categories):
            if column.missing == "reject":
                received = "null" if value is None else "an empty one that training did not see"
                findings.error(place(row), "missing", f"Expected {expected}; received {received}.")
        elif type(value) not in kinds:
            findings.error(place(row), "wrong_type", f"Expected {expected}; received {kind_of(value)}.")
        elif column.type == "date" and not _is_date(value):
            findings.error(place(row), "wrong_type", f"Expected {expected}; received another text.")
        elif column.type == "number" and not abs(value) <= _LARGEST:
            findings.error(place(row), "not_finite", f"Expected {expected}; received Infinity, or one beyond float32.")


def _accepted(column: AnyColumn) -> tuple[set[type], str]:
    if isinstance(column, NumberColumn):
        return (_BOOLEANS, "true or false") if column.encoding == "boolean" else (_NUMBERS, "a number")
    return (_DATES, "a date in ISO 8601") if column.type == "date" else (_TEXTS, "a text")


def _is_date(text: str) -> bool:
    try:
        days_of(text)
    except (ValueError, OverflowError):
        return False
    return True

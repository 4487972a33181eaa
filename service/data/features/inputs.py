"""Inputs: encodes the rows of a table for prediction, and finds every column and cell that cannot be encoded."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Self

import numpy as np

from service.data.features.columns import (
    READABLE,
    AnyColumn,
    CategoryColumn,
    Codes,
    Floats,
    NumberColumn,
    Numbers,
    find_no_booleans,
)
from service.data.features.encoder import Encoder
from service.data.features.records import days_of, refuse_unknown
from service.data.names import plain_number
from service.data.tables import MISSING, Table
from service.errors import Findings, pointer
from service.formats.csv.written import Written

_NO_ROWS = np.zeros(0, np.int64)
_MISSING = "Expected a value; there is none."
_LARGEST = float(np.finfo(np.float32).max)
_DATE_AS_TEXT = re.compile(r"\d{4}-\d\d-\d\d( (?!00:00:00$)\d\d:\d\d:\d\d(\.(?!0{6})\d{6})?)?")


def encoder_of(encoder: Encoder, kinds: Mapping[str, str], include: Collection[str], findings: Findings) -> Encoder:
    """The encoder that makes inputs of a table with columns of these kinds; notes each column that is wrong.

    A column that is not there is a gap in each row, where the encoder takes gaps. One without names takes the columns
    that are not to be included, in their order.
    """
    encoder = encoder.for_columns([name for name in kinds if name not in include], findings)
    unknown = {name for name in kinds.keys() - {*encoder.names, *include} if not encoder.passes_over(name)}
    lacking = encoder.lacking(kinds, may_be_misspelt=bool(unknown))
    for column in encoder.columns:
        at = pointer("columns", column.name)
        if column.name in lacking:
            findings.error(at, "missing", f"The column {column.name[:40]!r} is missing.")
        elif column.name not in kinds:
            continue
        elif kinds[column.name] not in READABLE[column.type] | {"category"}:  # each text is read by itself
            findings.error(at, "wrong_type", f"Expected a {column.type} in each row; it holds another type.")
    for name in unknown:
        refuse_unknown(name, encoder.names, pointer("columns", name), findings)
    return encoder


def text_columns(encoder: Encoder) -> frozenset[str]:
    """The columns of texts that may look like something else, `007` for instance: to be read as they are written."""
    texts = [column for column in encoder.columns if isinstance(column, CategoryColumn)]
    return frozenset(column.name for column in texts if not all(map(_says_itself, column.categories)))


def kept_texts(encoder: Encoder, gaps: Collection[str]) -> dict[str, frozenset[str]]:
    """Of each column of texts those that training knew and that are written as a gap is: they stay texts.

    The empty text is a gap all the same where training saw gaps, too, or fills them.
    """
    kept: dict[str, frozenset[str]] = {}
    for column in encoder.columns:
        if isinstance(column, CategoryColumn):
            has_gaps = column.marks_missing or column.fill is not None
            found = frozenset(gaps).intersection(column.categories) - ({""} if has_gaps else set())
            kept |= {column.name: found} if found else {}
    return kept


def written_numbers(encoder: Encoder) -> dict[str, Written]:
    """The columns whose numbers training read with marks in them, and which marks these were."""
    columns = [column for column in encoder.columns if isinstance(column, NumberColumn) and column.written]
    return {column.name: Written(**column.written) for column in columns}


def inputs_of(encoder: Encoder, table: Table, first_row: int, findings: Findings) -> Floats:
    """The inputs (rows, width) of a table; notes each cell that cannot be one, `first_row` being its first row."""
    with np.errstate(over="ignore"):
        return encoder.encode(_Cells(table, encoder, first_row, findings))[0]


class _Cells:
    """The columns of a table as an encoder reads them, each only once."""

    def __init__(self, table: Table, encoder: Encoder, first_row: int, findings: Findings) -> None:
        self.rows = table.rows
        self._table = table
        self._encoder = encoder
        self._columns = {column.name: column for column in encoder.columns}
        self._first_row = first_row
        self._findings = findings

    def slice(self, start: int, rows: int) -> Self:
        """Some rows that follow each other."""
        return type(self)(self._table.slice(start, rows), self._encoder, self._first_row + start, self._findings)

    def numbers(self, name: str) -> Numbers:
        """A column (rows,) as numbers, dates in days since 1970, NaN where nothing is or could be read."""
        column = self._columns[name]
        if name not in self._table.kinds:
            return np.full(self.rows, np.nan)
        if self._table.kinds[name] == "category":
            expected, read = _reader(column)
            values, unreadable = _parsed(self._table.arrow[name].to_pylist(), read)
            self._note(column, unreadable, "wrong_type", f"Expected {expected}; received a text.")
        else:
            values, unreadable = self._table.numbers(name), _NO_ROWS
            if column.type == "number" and column.encoding == "boolean":
                unreadable = find_no_booleans(values)
                self._note(column, unreadable, "wrong_type", "Expected true or false; received another number.")
                values = np.where(np.isin(values, (0, 1)), values, np.nan) if len(unreadable) else values
        if not np.isfinite(values.dot(values)):  # one product is faster than a test of each value
            infinite = np.flatnonzero(np.isinf(values))
            self._note(column, infinite, "not_finite", "Expected a finite number in the range of float32.")
            if column.missing == "reject":
                self._note(column, np.setdiff1d(np.flatnonzero(np.isnan(values)), unreadable), "missing", _MISSING)
        return values

    def encoded(self, name: str) -> tuple[list[str], Codes]:
        """The distinct texts of a column, and for each row the index of its text, -1 where nothing is."""
        if name not in self._table.kinds:
            return [], np.full(self.rows, MISSING, np.int32)
        texts, codes = self._table.encoded(name)
        column = self._columns[name]
        if column.missing == "reject" and isinstance(column, CategoryColumn):
            self._note(column, np.flatnonzero(column.find_missing(column.places(texts, codes))), "missing", _MISSING)
        return texts, codes

    def _note(self, column: AnyColumn, rows: Any, code: str, expected: str) -> None:
        for row in rows[: self._findings.limit]:
            self._findings.error(pointer("rows", self._first_row + int(row), column.name), code, expected)
        self._findings.total += max(0, len(rows) - self._findings.limit)


def _reader(column: AnyColumn) -> tuple[str, Callable[[str], float]]:
    """What a column expects of a text, and how it is read; a text that is not so raises ValueError."""
    if column.type == "date":
        return "a date in ISO 8601", days_of
    return ("true or false", _boolean) if column.encoding == "boolean" else ("a number", _number)


def _number(text: str) -> float:
    value = float(text)
    return math.inf if abs(value) > _LARGEST else value


def _boolean(text: str) -> float:
    return float(("false", "true").index(text.lower()))


def _parsed(texts: list[str | None], read: Callable[[str], float]) -> tuple[Numbers, Any]:
    """The numbers that texts are, NaN where there is none, and the rows of those that are none."""
    values, unreadable = np.full(len(texts), np.nan), []
    for row, text in enumerate(texts):
        try:
            values[row] = np.nan if text is None else read(text)
        except (ValueError, OverflowError):
            unreadable.append(row)
    return values, np.array(unreadable, np.int64)


def _says_itself(text: str) -> bool:
    """Whether a text is what a number, a boolean or a date becomes as one of several categories."""
    if text in ("true", "false") or _DATE_AS_TEXT.fullmatch(text):
        return True
    try:
        return plain_number(text) == text
    except (ValueError, OverflowError):
        return False

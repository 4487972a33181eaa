"""The columns of a table as lines of a script, and the functions that they call, on NumPy alone.

The source of these functions goes into the script as it stands here.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from service.data.features import Encoder
from service.data.features.columns import (
    DAYS_A_WEEK,
    DAYS_A_YEAR,
    THURSDAY,
    AnyColumn,
    CategoryColumn,
    DateColumn,
    NumberColumn,
)
from service.data.features.inputs import text_columns
from service.data.features.records import days_of
from service.data.names import text_of
from service.exchange.python.csv_rows import GAPS, read
from service.exchange.python.script import ScriptInputs, rows_of

Row = Mapping[str, Any]
_USAGE = """\
In Python: `from predictor import predict; predict([{"name of a column": value, ...}, ...])`, rows by column name.
In a shell: `python predictor.py rows.csv > predictions.json`, or `python predictor.py < rows.json > predictions.json`.
None, NaN and an empty text are values that are not there; dates are texts in ISO 8601, in UTC if they name no zone.
For other rows it raises ValueError, or in a shell says so on standard error and exits with 2."""
_IMPORTS = """\
import csv
import io
import json
import math
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path"""


def inputs_of(encoder: Encoder) -> ScriptInputs:
    """A line for each column, or one for all that have no names, and the functions in these lines."""
    if not encoder.has_names:
        return rows_of(encoder.width)
    used = dict.fromkeys(column.type for column in encoder.columns)
    has_marks = any(isinstance(column, NumberColumn) and column.written for column in encoder.columns)
    lines = "".join(f"        {_line(column)},\n" for column in encoder.columns)
    return ScriptInputs(
        usage=_USAGE,
        imports=_IMPORTS,
        expression=f"np.concatenate([\n{lines}    ], axis=1).astype(np.float32)",
        given=f"read(sys.argv[1:], {encoder.names!a})",
        functions=[read, *(_FUNCTIONS[kind] for kind in used), *([unmarked] if has_marks else [])],
    )


def number(rows: Any, name: str, *, mean: float, deviation: float, fill: float, marks: bool, curve: Any = ()) -> Any:
    """The distance from the mean in deviations, and where it is wanted a mark of each value that is not there.

    It is clipped smoothly at 3, or brought from quantiles to scores, where a curve says so.
    """
    values = numbers_of(rows, name, number_of, "a number", fill)
    absent = np.isnan(values)
    scaled = (np.where(absent, fill, values) - mean) / deviation
    if curve == "clipped":
        scaled = scaled / np.sqrt(1 + np.square(scaled / 3))
    elif curve:
        scaled = np.interp(scaled, *curve)
    return np.stack([scaled, absent] if marks else [scaled], axis=1)


def category(rows: Any, name: str, texts: Any, *, absent: int, width: int, plain: bool = False) -> Any:
    """The place of each text, 0 for those that training did not see; ones and zeros where there is a width."""
    places = {"": absent} | {text: place for place, text in enumerate(texts, 1)}
    found = []
    for value in column_of(rows, name):
        in_file = isinstance(value, bytes)
        text = (plain_text_of if plain else str)(value.decode()) if in_file else text_of(value)
        is_gap = value is None or (in_file and text == "" and absent > 0)
        found.append([absent if is_gap else places.get(text, absent if in_file and text in GAPS else 0)])
    if min(found) < [0]:
        raise ValueError(f"Row {found.index([-1])}, column {name!r}: expected a text; received none.")
    return np.array(found) == np.arange(width) if width else np.array(found)


def plain_text_of(text: str) -> str:
    """As `text_of`, of numbers and booleans however a file writes them: 3.0 is 3, True is true."""
    try:
        return str(int(text)) if text.lstrip("+-").isdecimal() else text_of(float(text))
    except (OverflowError, ValueError):
        return text.lower() if text.lower() in ("true", "false") else text


def date(rows: Any, name: str, *, mean: float, deviation: float, fill: float, circles: Any, marks: bool) -> Any:
    """The time in deviations, and where in the year, the week and the day it is."""
    values = numbers_of(rows, name, days_of, "a date in ISO 8601", fill)
    absent = np.isnan(values)
    days = np.where(absent, fill, values)
    turns = {"year": days / DAYS_A_YEAR, "week": np.floor(days + THURSDAY) / DAYS_A_WEEK, "day": days}
    angles = [2 * math.pi * turns[circle] for circle in circles]
    points = [part for angle in angles for part in (np.sin(angle), np.cos(angle))]
    return np.stack([(days - mean) / deviation, *points, *([absent] if marks else [])], axis=1)


def unmarked(rows: Any, name: str, thousands: str = "", decimal: str = ".", sign: str = "") -> Any:
    """The rows with a column as Python writes numbers, if all its values in a file are written with these marks."""
    between = {" ": r"\s", "'": "['\u2019]"}.get(thousands, re.escape(thousands))
    whole = rf"(\d+|[1-9]\d{{0,2}}({between}\d{{3}})+)" if thousands else r"\d+"
    number, mark = rf"[+-]?{whole}({re.escape(decimal)}\d+)?", re.escape(sign)
    pattern = re.compile(rf"[+-]?({mark}\s*)?{number}|{number}\s*{mark}" if sign else number)
    found = []
    for value in column_of(rows, name):
        text = value.decode().strip() if isinstance(value, bytes) else ""
        if text not in GAPS and not pattern.fullmatch(text):
            return rows
        bare = re.sub(rf"[{mark}\s]" if sign else r"\s", "", text)
        bare = re.sub(between, "", bare) if thousands else bare
        found.append(value if text in GAPS else bare.replace(decimal, ".").encode())
    return [row | {name: value} for row, value in zip(rows, found, strict=True)]


def numbers_of(rows: Any, name: str, read: Callable[[Any], float], expected: str, fill: float) -> Any:
    """What `read` makes of each value of a column, NaN where nothing is."""
    values = []
    for place, given in enumerate(column_of(rows, name)):
        value = given.decode() if isinstance(given, bytes) else given
        try:
            is_gap = value is None or value in GAPS
            values.append(math.nan if is_gap else read(value))
            if abs(values[-1]) > float(np.finfo(np.float32).max) or (is_gap and math.isnan(fill)):
                raise OverflowError
        except (OverflowError, TypeError, ValueError):
            raise ValueError(f"Row {place}, column {name!r}: expected {expected}; received {value!r:.60}.") from None
    return np.array(values, np.float64)


def column_of(rows: Sequence[Row], name: str) -> list[Any]:
    """The values of a column, None where nothing is in the words of Python, JSON or pandas."""
    if not isinstance(rows, list | tuple) or not rows:
        received = "none" if isinstance(rows, list | tuple) else type(rows).__name__
        raise ValueError(f"Expected a list of one row or more; received {received}.")
    for place, row in enumerate(rows):
        if not isinstance(row, dict) or name not in row:
            received = ", ".join(map(repr, row)) if isinstance(row, dict) else "no object"
            raise ValueError(f"Row {place}: expected the column {name!r}; received {received or 'nothing'}.")
    return [None if isinstance(row[name], float) and math.isnan(row[name]) else row[name] for row in rows]


def number_of(value: Any) -> float:
    """A value as a number: true is 1; texts are read."""
    is_boolean = isinstance(value, str) and value.lower() in ("true", "false")
    return float(value.lower() == "true" if is_boolean else value)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"number": number, "category": category, "date": date}


def _line(column: AnyColumn) -> str:
    # Names and categories are texts of users, and this is code: `ascii` writes them as what they are.
    name = ascii(column.name)
    if isinstance(column, CategoryColumn):
        width = 0 if column.encoding == "integer" else len(column.outputs)
        plain = "" if text_columns(Encoder([column])) else ", plain=True"
        absent = -1 if column.missing == "reject" else column.absent
        return f"category(rows, {name}, {column.categories!a}, absent={absent}, width={width}{plain})"
    fill = "math.nan" if column.missing == "reject" else repr(column.fill)
    told = f"mean={column.mean!r}, deviation={column.deviation!r}, fill={fill}"
    marks = column.missing == "indicator"
    if isinstance(column, DateColumn):
        return f"date(rows, {name}, {told}, circles={column.circles!r}, marks={marks})"
    more = ', curve="clipped"' if column.encoding == "robust" else ""
    if column.encoding == "quantile":
        more = f", curve=({column.quantiles!r}, {column.scores!r})"
    rows = "rows"
    if column.written:
        said = ", ".join(f"{key}={value!a}" for key, value in column.written.items())
        rows = f"unmarked(rows, {name}, {said})"
    return f"number({rows}, {name}, {told}, marks={marks}{more})"

"""Arrays from the lists of a JSON text: fast when they are right, precise about each mistake when not."""

import struct
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.config import Limits
from service.errors import Findings

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]

_NUMBERS = {int, float}
_ROWS_AT_ONCE = 1024
_LARGEST = float(np.finfo(np.float32).max)


def read_rows(value: Any, at: str, findings: Findings, limits: Limits) -> Floats | None:
    """The (rows, columns) array of a list of lists of numbers, or None and a finding for each mistake.

    Numbers (rows, columns) that are an array already are as good.
    """
    if isinstance(value, np.ndarray):
        if not fits(len(value), value.shape[1], at, findings, limits):
            return None
        with np.errstate(over="ignore"):
            numbers = value.astype(np.float32)
        if np.isfinite(numbers).all():
            return numbers
        value = value.tolist()
    if not _is_list_of(value, {list}):
        _find_wrong_rows(value, at, findings)
    elif not all(value) or len(set(map(len, value))) > 1:
        _find_ragged_rows(value, at, findings)
    elif fits(len(value), len(value[0]), at, findings, limits):
        array = _packed(value)
        if array is not None and np.isfinite(array).all():
            return array
        for index, row in enumerate(value):
            _find_wrong_numbers(row, f"{at}/{index}", findings)
    return None


def read_numbers(value: Any, at: str, findings: Findings, limits: Limits) -> Floats | None:
    """The array of a list of numbers, or None and a finding for each mistake."""
    if not isinstance(value, list) or not value:
        findings.error(at, *_not_a_list(value, "numbers"))
    elif fits(len(value), 1, at, findings, limits):
        array = _packed([value])
        if array is not None and np.isfinite(array).all():
            return array.reshape(-1)
        _find_wrong_numbers(value, at, findings)
    return None


def read_integers_or_numbers(value: list[Any], at: str, findings: Findings, limits: Limits) -> Floats | Indices | None:
    """As `read_numbers`, but int32 where every number is written as a whole number and fits."""
    array = read_numbers(value, at, findings, limits)
    if array is None or set(map(type, value)) != {int} or max(map(abs, value)) >= 2**31:
        return array
    return np.fromiter(value, np.int32, count=len(value))


def read_names(value: list[str], at: str, findings: Findings, classes: Sequence[str]) -> Indices | None:
    """The index in `classes` of each name, or None and a finding for each unknown one."""
    index = {name: number for number, name in enumerate(classes)}
    if set(value) <= index.keys():
        return np.fromiter(map(index.__getitem__, value), np.int32, count=len(value))
    for row, name in enumerate(value):
        if name not in index:
            findings.error(f"{at}/{row}", "unknown_class", f"Expected one of the {len(classes)} known class names.")
    return None


def kind_of(value: Any) -> str:
    """What a JSON value is, in words, without the value."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    words: dict[type, str] = {
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return words.get(type(value), "something else")


def find_odd(value: list[Any], at: str, kind: type, expected: str, findings: Findings) -> None:
    """A finding for each item that is not of the `kind` that most have."""
    numbers = kind in _NUMBERS
    for index, item in enumerate(value):
        if type(item) is not kind and not (numbers and type(item) in _NUMBERS):
            findings.error(f"{at}/{index}", "mixed_types", f"Expected {expected}; received {kind_of(item)}.")


def _is_list_of(value: Any, types: set[type]) -> bool:
    return isinstance(value, list) and bool(value) and set(map(type, value)) <= types


def _packed(rows: list[list[Any]]) -> Floats | None:
    """The array of rows of the same length; None where something is no number.

    `struct` takes half the time of `numpy.array`, and refuses everything that is no number but true and false.
    """
    columns = len(rows[0])
    pack = struct.Struct(f"{columns}d").pack
    array = np.empty((len(rows), columns), np.float32)
    try:
        with np.errstate(over="ignore"):
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                block = b"".join([pack(*row) for row in rows[start : start + _ROWS_AT_ONCE]])
                array[start : start + _ROWS_AT_ONCE] = np.frombuffer(block).reshape(-1, columns)
    except (struct.error, OverflowError):
        return None
    doubtful = np.flatnonzero(((array == 0) | (array == 1)).any(axis=1))
    return None if any(bool in map(type, rows[row]) for row in doubtful) else array


def _not_a_list(value: Any, things: str) -> tuple[str, str]:
    if value == []:
        return "empty", f"Expected at least one of the {things}; received an empty list."
    return "wrong_type", f"Expected a list of {things}; received {kind_of(value)}."


def fits(rows: int, columns: int, at: str, findings: Findings, limits: Limits) -> bool:
    """Whether so many rows and columns are allowed; a finding if not."""
    for code, number, limit, things in (
        ("too_many_rows", rows, limits.max_rows, "rows"),
        ("too_many_columns", columns, limits.max_columns, "columns"),
        ("too_many_cells", rows * columns, limits.max_cells, "numbers"),
    ):
        if number > limit:
            findings.error(at, code, f"Expected at most {limit:,} {things}; received {number:,}.")
            return False
    return True


def _find_wrong_rows(value: Any, at: str, findings: Findings) -> None:
    if not isinstance(value, list) or not value:
        findings.error(at, *_not_a_list(value, "rows"))
    elif set(map(type, value)) <= _NUMBERS:
        hint = "Write [[1, 2], [3, 4]] for two rows, [[1], [2]] for one column."
        findings.error(at, "not_rows", f"Expected a list of rows; received a list of numbers. {hint}")
    else:
        find_odd(value, at, list, "a row (a list of numbers)", findings)


def _find_ragged_rows(value: list[list[Any]], at: str, findings: Findings) -> None:
    columns = Counter(map(len, value)).most_common(1)[0][0]
    if columns == 0:
        findings.error(at, "empty", "Expected rows with at least one number; received empty rows.")
        return
    for index, row in enumerate(value):
        if len(row) != columns:
            expected = f"Expected {columns} values, as in most rows; received {len(row)}."
            findings.error(f"{at}/{index}", "ragged_rows", expected)


def _find_wrong_numbers(values: list[Any], at: str, findings: Findings) -> None:
    for index, value in enumerate(values):
        if type(value) not in _NUMBERS:
            findings.error(f"{at}/{index}", "not_a_number", f"Expected a number; received {kind_of(value)}.")
        elif value != value:  # noqa: PLR0124
            findings.error(f"{at}/{index}", "not_finite", "Expected a finite number; received NaN.")
        elif abs(value) > _LARGEST:
            expected = "Expected a finite number in the range of float32; received a larger one or Infinity."
            findings.error(f"{at}/{index}", "not_finite", expected)

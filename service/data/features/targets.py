"""Targets: the columns to predict, as class indices with their names or as numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.data.datasets import Targets
from service.data.features.records import refuse_unknown
from service.data.features.rows import Rows, compact
from service.data.names import names_in_order
from service.data.tables import MISSING, Table
from service.errors import Findings, Malformed
from service.spec.data import DataSpec, TargetSpec

_SHOWN_ROWS = 5
_EXACT = 2.0**53
"""Beyond it, float64 does not have every whole number."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The targets of a table: `y` for each row, the `rows` where it is known, and what it means."""

    y: Targets
    rows: Rows
    classes: tuple[str, ...] | None
    names: list[str]


def read_answers(table: Table, asked: DataSpec, *, classifies: bool, findings: Findings, at: str) -> Answers | None:
    """The targets of a table, or None and a finding for each mistake.

    One column of texts or booleans gives classes, one of numbers does where `classifies` says so and it holds whole
    numbers; several columns give a row of numbers each.
    """
    before = findings.total
    if not asked.target or not all(one.name for one in asked.target):
        findings.error(f"{at}/target", "missing", "Expected the name of the column to predict.")
        return None
    columns = [_read(table, one, asked, classifies=classifies, findings=findings, at=at) for one in asked.target]
    if findings.total > before:
        return None
    rows = compact(np.flatnonzero(np.logical_and.reduce([column.known for column in columns if column])))
    if not len(rows):
        findings.error(f"{at}/target", "empty", "Expected a row with a target; there is none.")
        return None
    names = [one.name for one in asked.target]
    values = [column.values for column in columns if column]
    if len(values) == 1:
        return Answers(values[0], rows, columns[0].classes if columns[0] else None, names)
    return Answers(np.stack(values, axis=1).astype(np.float32), rows, None, names)


@dataclass(frozen=True, slots=True)
class _Column:
    values: NDArray[Any]
    known: NDArray[np.bool_]
    classes: tuple[str, ...] | None


def _read(
    table: Table, target: TargetSpec, asked: DataSpec, *, classifies: bool, findings: Findings, at: str
) -> _Column | None:
    name, here = target.name, f"{at}/target"
    kind = table.kinds.get(name)
    if kind is None:
        refuse_unknown(name, table.names, here, findings)
        return None
    alone = len(asked.target or ()) == 1
    if kind in ("date", "empty") or (kind == "category" and not alone):
        found = {"date": "dates", "empty": "nothing"}.get(kind, "texts, and only one column of classes can be learnt")
        findings.error(here, "wrong_type", f"Expected numbers or classes in {name[:40]!r}; it holds {found}.")
        return None
    if kind == "category" and asked.classes is None and _looks_like_numbers(table, name, classifies=classifies):
        said = f"The target {name[:40]!r} holds texts that look like numbers"
        hint = f"Upload the table again with ?type={name[:40]}:number, and ?na_values= for each text that means a gap."
        if not classifies:
            findings.error(here, "looks_like_numbers", f"{said}, and this loss learns numbers. {hint}")
            return None
        findings.warn(here, "looks_like_numbers", f"{said}, and each is learnt as a class. {hint}")
    numbers = None if kind == "category" else table.numbers(name)
    if numbers is not None and np.isinf(numbers).any():
        findings.error(here, "not_finite", f"Expected finite numbers in the range of float32 in {name[:40]!r}.")
        return None
    are_large = numbers is not None and bool((np.abs(numbers) >= _EXACT).any())
    is_whole = table.has_whole_numbers(name) if are_large else _is_whole(numbers)
    is_classes = kind == "category" or (alone and (kind == "boolean" or (classifies and is_whole)))
    if is_classes:
        by_number = kind == "number" and numbers is not None and not are_large
        held = _encoded(numbers) if by_number and numbers is not None else table.encoded(name)
        column = _classes(held, asked.classes, findings, here)
    else:
        values = np.asarray(numbers)
        column = _Column(values.astype(np.float32), ~np.isnan(values), None)
    missing = 0 if column is None else int((~column.known).sum())
    if column is not None and missing and target.missing == "reject":
        shown = ", ".join(str(row) for row in np.flatnonzero(~column.known)[:_SHOWN_ROWS])
        expected = f"Expected a target in every row; {missing:,} have none in {name[:40]!r}, among them {shown}"
        findings.error(here, "missing", f'{expected}. {{"name": ..., "missing": "drop"}} leaves them out.')
    return column


def _looks_like_numbers(table: Table, name: str, *, classifies: bool) -> bool:
    """Whether texts are rather numbers; whole ones may be the names of classes where the loss takes such."""
    if table.looks_like(name) in ("number", "mostly_number"):
        return True
    try:
        return not classifies and bool(np.isfinite(table.numbers(name)).any())
    except Malformed:
        return False


def _encoded(numbers: NDArray[np.float64]) -> tuple[list[str], NDArray[np.int32]]:
    """As `Table.encoded`, of numbers that are whole."""
    distinct = np.unique(numbers[~np.isnan(numbers)])
    codes = np.searchsorted(distinct, numbers).astype(np.int32)
    codes[np.isnan(numbers)] = MISSING
    return [str(int(number)) for number in distinct], codes


def _classes(
    held: tuple[list[str], NDArray[np.int32]], given: list[str] | None, findings: Findings, at: str
) -> _Column | None:
    texts, codes = held
    classes = names_in_order(texts) if given is None else given
    index = {text: number for number, text in enumerate(classes)}
    unknown = [text for text in texts if text not in index]
    if unknown:
        findings.error(
            at, "unknown_class", f"Expected one of the {len(classes)} given classes; {len(unknown)} others occur."
        )
        return None
    places = np.fromiter((*(index[text] for text in texts), MISSING), np.int32, count=len(texts) + 1)
    return _Column(places[codes], codes != MISSING, tuple(classes))


def _is_whole(numbers: NDArray[np.float64] | None) -> bool:
    if numbers is None:
        return False
    there = numbers[~np.isnan(numbers)]
    return bool(((there == np.floor(there)) & (np.abs(there) < _EXACT)).all())

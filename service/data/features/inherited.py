"""What a training that continues from a version takes over from the data of that version."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.data.datasets import Dataset
from service.data.features.columns import READABLE, AnyColumn, NumberColumn, find_no_booleans
from service.data.features.encoder import Encoder
from service.data.features.rows import Rows
from service.data.features.targets import Answers
from service.data.tables import Table
from service.errors import Findings
from service.spec.data import DataSpec


@dataclass(frozen=True, slots=True)
class Learnt:
    """The inputs and targets of a version: by which encoder, in which words."""

    encoder: Encoder
    targets: list[str] | None
    classes: tuple[str, ...] | None
    asked: Mapping[str, Any]
    """What its training asked of its data."""

    @property
    def columns(self) -> int:
        """The number of inputs."""
        return self.encoder.width

    def completed(self, asked: DataSpec, findings: Findings, at: str = "#/data") -> DataSpec:
        """Returns the request for a table, completed by that of the version; contradictions are noted as mistakes."""
        own = {key: self.asked[key] for key in ("target", "features", "preprocessing") if key in self.asked}
        own.setdefault("target", [{"name": name} for name in self.targets or ()])
        own["classes"] = self.classes and list(self.classes)
        given = {key: value for key, value in asked.model_dump(mode="json", exclude_unset=True).items() if value}
        if self.targets and "target" in given and [one["name"] for one in given["target"]] != self.targets:
            names = ", ".join(repr(name[:40]) for name in self.targets)
            expected = f"Expected the target of the version in `from`, {names}; received another."
            findings.error(f"{at}/target", "conflict", expected)
        for key in ("features", "preprocessing", "classes"):
            if key in given and given[key] != own.get(key):
                expected = f"Expected no other {key} than those of the version in `from`; they may be left out."
                findings.error(f"{at}/{key}", "conflict", expected)
        return DataSpec.model_validate({key: value for key, value in (own | given).items() if value})

    def find_misfits(self, answers: Answers, findings: Findings, at: str) -> None:
        """Notes targets that are classes where the version knows none, or the reverse."""
        if (answers.classes is None) != (self.classes is None):
            expected, found = ("numbers", "classes") if self.classes is None else ("classes", "other numbers")
            said = f"Expected {expected}, as the version in `from` has learnt; the target holds {found}."
            findings.error(f"{at}/target", "wrong_type", said)

    def takes(self, findings: Findings, at: str = "#/data", *, is_table: bool) -> bool:
        """Whether the version was trained on data of this form; a mistake if not."""
        return self.encoder.takes(findings, at, "the version in `from`", is_table=is_table)

    def adopted(self, data: Dataset | Table, findings: Findings, at: str) -> Dataset | Table | None:
        """Data that the version `takes`, or None and a finding for each mistake.

        Arrays get the version's classes, and their targets are numbered as in these.
        """
        if not self.takes(findings, at, is_table=isinstance(data, Table)):
            return None
        return data if isinstance(data, Table) else self._adopted_arrays(data, findings, at)

    def _adopted_arrays(self, dataset: Dataset, findings: Findings, at: str) -> Dataset | None:
        before = findings.total
        if dataset.columns != self.columns:
            expected = f"Expected rows of {self.columns} values, as those of the version in `from`"
            findings.error(f"{at}/x", "width_mismatch", f"{expected}; received rows of {dataset.columns}.")
        adopted = with_classes(dataset, self.classes, "the version in `from`", findings, at)
        return adopted if findings.total == before else None


def with_classes(
    dataset: Dataset, classes: tuple[str, ...] | None, whose: str, findings: Findings, at: str
) -> Dataset | None:
    """Arrays with targets numbered as in these classes, or None and a finding; `whose` says where they come from."""
    same = dataset.classes in (None, classes)
    unknown = set(dataset.classes or ()) - set(classes or ())
    if unknown and classes is None:
        expected = f"Expected targets in numbers: {whose} was not trained on class names."
        findings.error(f"{at}/y", "unknown_class", expected)
    elif unknown or not (same or dataset.y.ndim == 1):
        expected = f"Expected the {len(classes or ())} classes of {whose}, in its order"
        findings.error(f"{at}/y", "unknown_class", f"{expected}; received {len(unknown)} others, or another order.")
    else:
        names = () if same else dataset.classes or ()
        places = np.array([(classes or ()).index(name) for name in names], np.int32)
        return _renumbered(dataset, classes, places)
    return None


def find_unreadable(table: Table, encoder: Encoder, at: str, findings: Findings, rows: Rows) -> None:
    """Notes each column of the encoder that a table lacks, or has in a form or with gaps that it cannot take.

    Gaps are looked for in these rows.
    """
    before = findings.total
    for column in encoder.columns:
        said = _unreadable(table, column)
        if said is not None:
            findings.error(at, *said)
    if findings.total == before:
        encoder.find_rejected(table, at, findings, rows)


def _unreadable(table: Table, column: AnyColumn) -> tuple[str, str] | None:
    name, kind = column.name, table.kinds.get(column.name)
    if kind is None:
        return "missing", f"The dataset has no column {name[:40]!r}."
    if kind not in READABLE[column.type]:
        return "wrong_type", f"The column {name[:40]!r} holds values of the type {kind}: expected {column.type}."
    if column.type != "category" and np.isinf(table.numbers(name)).any():
        return "not_finite", f"The column {name[:40]!r} holds numbers that are infinite or beyond float32."
    if isinstance(column, NumberColumn) and column.encoding == "boolean" and len(find_no_booleans(table.numbers(name))):
        return "wrong_type", f"The column {name[:40]!r} holds other numbers than 0 and 1: expected booleans."
    return None


def _renumbered(dataset: Dataset, classes: tuple[str, ...] | None, places: NDArray[np.int32]) -> Dataset:
    """The dataset and its validation part with these classes; if there are places, the target i becomes `places[i]`."""
    held = dataset.validation and _renumbered(dataset.validation, classes, places)
    y = places[dataset.y] if len(places) else dataset.y
    return replace(dataset, y=y, classes=classes, validation=held)

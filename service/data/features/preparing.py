"""Preparing: a stored table or arrays become what a network is trained, validated and tested on."""

import math
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.data.datasets import Dataset, Targets
from service.data.features.encoder import Encoder, PlainEncoder
from service.data.features.fitting import fit_encoder
from service.data.features.inherited import Learnt, find_unreadable
from service.data.features.records import refuse_unknown
from service.data.features.rows import Rows, taken
from service.data.features.splits import Parts, deal, split
from service.data.features.targets import Answers, read_answers
from service.data.tables import MISSING, Table
from service.errors import Damaged, Findings, Malformed
from service.spec.data import DataSpec


def load_dataset(form: str, content: bytes | mmap.mmap, profile: Sequence[Mapping[str, Any]] = ()) -> Dataset | Table:
    """The arrays or the table that was stored as these bytes; `Damaged` if they are none.

    `profile` is what was found in the columns of a table when it was stored.
    """
    if form != "table":
        return Dataset.from_bytes(content)
    table = load_table(content)
    table.profile = {one["name"]: one for one in profile}
    return table


def load_table(content: bytes | mmap.mmap) -> Table:
    """The table that was stored as these bytes; `Damaged` if they are none."""
    try:
        return Table.from_buffer(content)
    except Malformed as error:
        raise Damaged("What was stored is not the table that it was written as.") from error


GLIMPSE_ROWS = 256
_MOST_CLASSES_COUNTED = 1000
_NEARLY = 1e-3
_NO_CLASSES = "Expected classes to share out evenly; the target holds numbers."


@dataclass(frozen=True, slots=True)
class Prepared:
    """Arrays to train on, with validation and test parts where they were asked for, and how they came about."""

    dataset: Dataset
    encoder: Encoder
    targets: list[str] | None = None
    parts: Mapping[str, Mapping[str, Any]] | None = None
    """The rows of each part and, where there are classes, how many of each."""
    left_out: tuple[str, ...] = ()
    """Columns of the table that nothing is learnt from."""
    folds: NDArray[np.int32] | None = None
    """The fold of each training row, where these are dealt to the members of a bag."""


def prepare(
    data: Dataset | Table,
    asked: DataSpec,
    findings: Findings,
    *,
    classifies: bool,
    validation_split: float = 0.0,
    glimpse: bool = False,
    learnt: Learnt | None = None,
    at: str = "#/data",
) -> Prepared | None:
    """The arrays of a dataset, or None and a finding for each mistake.

    Everything that is learnt from the data (means, categories) is learnt from the rows that the network is trained
    on, which `validation_split` cuts off at the end, or was `learnt` before. A `glimpse` has all targets, but inputs
    only of the first rows.
    """
    adopted = data if learnt is None else learnt.adopted(data, findings, at)
    if adopted is None:
        return None
    if isinstance(adopted, Table):
        return _prepare_table(
            adopted,
            asked,
            findings,
            classifies=classifies if learnt is None else learnt.classes is not None,
            validation_split=validation_split,
            glimpse=glimpse,
            learnt=learnt,
            at=at,
        )
    return _prepare_arrays(adopted, asked, findings, validation_split, at, classifies=classifies)


def _prepare_table(
    table: Table,
    asked: DataSpec,
    findings: Findings,
    *,
    classifies: bool,
    validation_split: float,
    glimpse: bool,
    learnt: Learnt | None,
    at: str,
) -> Prepared | None:
    answers = read_answers(table, asked, classifies=classifies, findings=findings, at=at)
    if learnt is not None and answers is not None:
        learnt.find_misfits(answers, findings, at)
    weights = read_sample_weight(table, asked, answers, findings, at)
    groups = _groups(table, asked, answers, findings, at)
    if answers is None or findings.total:
        return None
    if asked.split is None:
        parts = Parts(answers.rows, range(0), range(0))
    else:
        parts = split(np.asarray(answers.rows), asked.split, groups)
    if not _check_parts(parts, asked, findings, at):
        return None
    folds = deal(parts.training, asked.split, np.asarray(answers.rows), groups)
    _check_folds(folds, asked, findings, at)
    kept = math.floor(len(parts.training) * (1 - validation_split))
    used = [*answers.names, *(name for name in (asked.sample_weight, asked.split and asked.split.column) if name)]
    fitted = parts.training[: max(kept, 1)]
    encoder: Encoder | None
    if learnt is None:
        which: dict[str, Any] = {"used": used, "rows": fitted, "everything": answers.rows}
        encoder = fit_encoder(table, asked, **which, findings=findings, at=at, glimpse=glimpse)
    else:
        encoder = learnt.encoder
        find_unreadable(table, encoder, f"{at}/dataset", findings, answers.rows)
    if encoder is None or findings.total:
        return None
    named = parts.named()
    shown = [rows[:GLIMPSE_ROWS] if glimpse else rows for rows in named.values()]
    made: dict[str, Dataset] = {}
    for (name, rows), x in zip(named.items(), encoder.encode(table, shown), strict=True):
        weight = None if weights is None else taken(weights, rows)
        made[name] = Dataset(x, taken(answers.y, rows), answers.classes, weight)
    dataset = replace(made["training"], validation=made.get("validation"), test=made.get("test"))
    left_out = tuple(name for name in table.names if name not in encoder.names and name not in answers.names)
    return Prepared(dataset, encoder, answers.names, _report(dataset, validation_split, folds), left_out, folds)


def _prepare_arrays(
    dataset: Dataset, asked: DataSpec, findings: Findings, validation_split: float, at: str, *, classifies: bool
) -> Prepared | None:
    for key in ("target", "features", "sample_weight"):
        named = key != "target" or any(one.name for one in asked.target or ())
        if getattr(asked, key) is not None and named:
            findings.error(f"{at}/{key}", "conflict", "This dataset holds arrays x and y; it has no named columns.")
            return None
    if asked.split is None:
        return Prepared(dataset, PlainEncoder(dataset.columns))
    if asked.split.method == "group":
        findings.error(f"{at}/split/method", "conflict", "Groups need a table with a column that tells them.")
        return None
    labels = _labels(dataset.y) if asked.split.method == "stratified" and classifies else None
    if asked.split.method == "stratified" and labels is None:
        findings.error(f"{at}/split/method", "conflict", _NO_CLASSES)
        return None
    parts = split(np.arange(dataset.rows), asked.split, labels)
    folds = deal(parts.training, asked.split, np.arange(dataset.rows), labels)
    if not (_check_parts(parts, asked, findings, at) and _check_folds(folds, asked, findings, at)):
        return None
    made = {name: _taken(dataset, rows) for name, rows in parts.named().items()}
    whole = replace(made["training"], validation=made.get("validation"), test=made.get("test"))
    report = _report(whole, validation_split, folds)
    return Prepared(whole, PlainEncoder(whole.columns), parts=report, folds=folds)


def _labels(y: Targets) -> NDArray[np.int32] | None:
    """The class of each row, where each has one."""
    if y.ndim == 2 and y.shape[1] > 1:
        are_shares = (np.abs(y.sum(axis=1) - 1) < _NEARLY).all()
        return y.argmax(axis=1).astype(np.int32) if are_shares else None
    labels = y.reshape(len(y))
    return labels.astype(np.int32) if (labels == np.floor(labels)).all() else None


def _taken(dataset: Dataset, rows: Rows) -> Dataset:
    weight = None if dataset.sample_weight is None else taken(dataset.sample_weight, rows)
    return Dataset(taken(dataset.x, rows), taken(dataset.y, rows), dataset.classes, weight)


def read_sample_weight(
    table: Table, asked: DataSpec, answers: Answers | None, findings: Findings, at: str
) -> NDArray[np.float32] | None:
    """The weight of each row of the table, where a column is named that has it for all rows with a target."""
    if asked.sample_weight is None:
        return None
    here = f"{at}/sample_weight"
    if table.kinds.get(asked.sample_weight) not in ("number", "boolean"):
        findings.error(here, "unknown_column", "Expected the name of a column of numbers.")
        return None
    weights = table.numbers(asked.sample_weight)
    used = weights if answers is None else taken(weights, answers.rows)
    if not (np.isfinite(used) & (used >= 0)).all():
        findings.error(here, "out_of_range", "Expected a weight of at least 0 in every row.")
    return weights.astype(np.float32)


def _groups(
    table: Table, asked: DataSpec, answers: Answers | None, findings: Findings, at: str
) -> NDArray[np.int32] | None:
    """The class or the group of each row that has a target, where the split goes by it."""
    if asked.split is None or answers is None or asked.split.method not in ("stratified", "group"):
        return None
    if asked.split.method == "stratified":
        if answers.classes is None:
            findings.error(f"{at}/split/method", "conflict", _NO_CLASSES)
            return None
        return np.asarray(taken(answers.y, answers.rows), np.int32)
    if asked.split.column is None:
        findings.error(f"{at}/split/column", "unknown_column", "Expected the name of the column that tells the groups.")
        return None
    if asked.split.column not in table.kinds:
        refuse_unknown(asked.split.column, table.names, f"{at}/split/column", findings)
        return None
    _, codes = table.encoded(asked.split.column)
    groups = taken(codes, answers.rows)
    if (groups == MISSING).any():
        findings.error(f"{at}/split/column", "missing", "Expected a group in every row; some have none.")
    return groups


def _check_parts(parts: Parts, asked: DataSpec, findings: Findings, at: str) -> bool:
    wanted = {name: asked.split is not None and bool(getattr(asked.split, name)) for name in ("validation", "test")}
    counted = {"training": parts.training, "validation": parts.validation, "test": parts.test}
    empty = [name for name, rows in counted.items() if not len(rows) and wanted.get(name, True)]
    if empty:
        counts = ", ".join(f"{name} {len(rows)}" for name, rows in counted.items())
        findings.error(f"{at}/split", "empty_split", f"Expected rows in every part of the split; it leaves {counts}.")
    return not empty


def _check_folds(folds: NDArray[np.int32] | None, asked: DataSpec, findings: Findings, at: str) -> bool:
    if folds is None or asked.split is None:
        return True
    wanted, found = asked.split.folds or 0, len(np.unique(folds))
    if found < wanted:
        what = "groups" if asked.split.method == "group" else "rows"
        said = f"Expected at least {wanted} {what} to deal into {wanted} folds; there are {found}."
        findings.error(f"{at}/split/folds", "empty_split", said)
    return found == wanted


def _report(dataset: Dataset, validation_split: float, folds: NDArray[np.int32] | None) -> dict[str, dict[str, Any]]:
    """The rows of each part, and of each class in it."""
    parts: dict[str, Any] = {"training": dataset.y}
    parts |= {name: held.y for name in ("validation", "test") if (held := getattr(dataset, name)) is not None}
    if validation_split and dataset.validation is None:
        kept = math.floor(dataset.rows * (1 - validation_split))
        parts |= {"training": dataset.y[:kept], "validation": dataset.y[kept:]}
    report = {name: _counted(y, dataset.classes) for name, y in parts.items()}
    if folds is not None:
        report["training"]["folds"] = np.bincount(folds).tolist()
    return report


def _counted(y: NDArray[Any], classes: tuple[str, ...] | None) -> dict[str, Any]:
    report: dict[str, Any] = {"rows": len(y)}
    if classes is not None and len(classes) <= _MOST_CLASSES_COUNTED and y.ndim == 1:
        counts = np.bincount(y.astype(np.int64), minlength=len(classes))
        report["classes"] = {name: int(count) for name, count in zip(classes, counts, strict=True)}
    return report

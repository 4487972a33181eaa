"""Reads data to evaluate a version on, with the columns and classes of that version."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from service.config import Limits
from service.data.datasets import Dataset, read_dataset
from service.data.features.inherited import find_unreadable, with_classes
from service.data.features.preparing import read_sample_weight
from service.data.features.records import read_records
from service.data.features.rows import taken
from service.data.features.targets import read_answers
from service.data.names import text_of
from service.data.tables import Table
from service.errors import Findings
from service.prediction.versions import LoadedVersion
from service.spec.data import DataSpec
from service.spec.mistakes import report


def read_evaluation(data: Any, loaded: LoadedVersion, findings: Findings, limits: Limits) -> Dataset | None:
    """The inputs and targets that came with a request, or None and a finding for each mistake.

    A version that was trained on a table takes rows by column name, as in `:predict`.
    """
    encoder = loaded.encoder
    if not encoder.has_names or not isinstance(data, Mapping):
        return read_dataset(data, findings, limits, classes=loaded.meaning.classes)

    def read_rows(value: Any, at: str, findings: Findings, limits: Limits) -> NDArray[np.float32] | None:
        records = read_records(value, encoder, at, findings, limits)
        return None if records is None else encoder.encode(records)[0]

    told = {key: _named(value, loaded.meaning.classes or ()) if key == "y" else value for key, value in data.items()}
    return read_dataset(told, findings, limits, classes=loaded.meaning.classes, read_rows=read_rows)


def _named(y: Any, classes: Sequence[str]) -> Any:
    """Targets as the names of classes where they are such: 3 and true are, of a column that held them."""
    plain = isinstance(y, list) and set(map(type, y)) <= {int, float, bool}
    names = [text_of(value) for value in y] if plain else []
    return y if set(names).isdisjoint(classes) else names


def prepare_evaluation(
    data: Dataset | Table, asked: Mapping[str, Any], loaded: LoadedVersion, findings: Findings
) -> Dataset | None:
    """The inputs and targets of a stored dataset, or None and a finding for each mistake."""
    allowed = {"dataset", "target", "sample_weight"} if isinstance(data, Table) else {"dataset"}
    for key in asked.keys() - allowed:
        findings.error(f"#/data/{key}", "unknown_key", "Expected the dataset alone: the version has its columns.")
    if not loaded.encoder.takes(findings, "#/data/dataset", "the version", is_table=isinstance(data, Table)):
        return None
    if isinstance(data, Dataset):
        classes = None if loaded.meaning.classes is None else tuple(loaded.meaning.classes)
        return with_classes(data, classes, "the version", findings, "#/data")
    if loaded.meaning.target_names is None:
        expected = "Expected x and y: it is not known which columns this version predicts."
        findings.error("#/data/dataset", "conflict", expected)
        return None
    for name in loaded.meaning.target_names:
        if name not in data.kinds:
            findings.error("#/data/dataset", "missing", f"The dataset has no column {name[:40]!r}.")
    spec = _read_asked(asked, loaded, loaded.meaning.target_names, findings)
    answers = None
    if spec is not None and not findings.total:
        classifies = loaded.meaning.classes is not None
        answers = read_answers(data, spec, classifies=classifies, findings=findings, at="#/data")
    rows = range(data.rows) if answers is None else answers.rows
    find_unreadable(data, loaded.encoder, "#/data/dataset", findings, rows)
    weights = None if spec is None else read_sample_weight(data, spec, answers, findings, "#/data")
    if answers is None or findings.total:
        return None
    x = loaded.encoder.encode(data, [answers.rows])[0]
    weight = None if weights is None else taken(weights, answers.rows)
    return Dataset(x, taken(answers.y, answers.rows), answers.classes, weight)


class _Asked(BaseModel):
    """What of a request is read here, at its place."""

    data: DataSpec


def _read_asked(
    asked: Mapping[str, Any], loaded: LoadedVersion, targets: Sequence[str], findings: Findings
) -> DataSpec | None:
    """Returns the targets of the version and the requested weights.

    Rows without a target are dropped if the request or the training of the version says so.
    """
    own = loaded.trained.data.get("target") or [{"name": name} for name in targets]
    try:
        given = {"target": asked.get("target", own), "sample_weight": asked.get("sample_weight")}
        spec = _Asked.model_validate({"data": given}).data
    except ValidationError as error:
        report(error, {"data": asked}, _Asked, findings)
        return None
    if [one.name for one in spec.target or ()] != list(targets):
        names = ", ".join(repr(name[:40]) for name in targets)
        findings.error("#/data/target", "conflict", f"Expected the target of the version, {names}; received another.")
        return None
    return spec.model_copy(update={"classes": loaded.meaning.classes})

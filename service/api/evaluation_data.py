"""A stored dataset as a version is measured on it: with the columns and classes that the version knows."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from service.api.serving import Served
from service.datasets import Dataset
from service.errors import Findings
from service.features.learnt import find_unreadable
from service.features.rows import taken
from service.features.targets import read_answers
from service.spec.data import DataSpec
from service.spec.mistakes import report
from service.tables import Table


def prepare_evaluation(
    data: Dataset | Table, asked: Mapping[str, Any], served: Served, findings: Findings
) -> Dataset | None:
    """The inputs and targets of a stored dataset, or None and a finding for each mistake."""
    allowed = {"dataset", "target"} if isinstance(data, Table) else {"dataset"}
    for key in asked.keys() - allowed:
        findings.error(f"#/data/{key}", "unknown_key", "Expected the dataset alone: the version knows its columns.")
    if isinstance(data, Dataset):
        return data
    loaded = served.loaded
    if loaded.encoder is None or loaded.targets is None:
        expected = "Expected x and y: this version was not trained on the columns of a table."
        findings.error("#/data/dataset", "conflict", expected)
        return None
    for name in loaded.targets:
        if name not in data.kinds:
            findings.error("#/data/dataset", "missing", f"The dataset has no column {name[:40]!r}.")
    find_unreadable(data, loaded.encoder, "#/data/dataset", findings)
    spec = _with_target(asked, served, loaded.targets, findings)
    if spec is None or findings.total:
        return None
    classifies = loaded.classes is not None
    answers = read_answers(data, spec, classifies=classifies, findings=findings, at="#/data")
    if answers is None or findings.total:
        return None
    x = loaded.encoder.encode(data, [answers.rows])[0]
    return Dataset(x, taken(answers.y, answers.rows), answers.classes)


class _Asked(BaseModel):
    """What of a request is read here, at its place."""

    data: DataSpec


def _with_target(
    asked: Mapping[str, Any], served: Served, targets: Sequence[str], findings: Findings
) -> DataSpec | None:
    """The targets of the version; which rows are left out is as asked, else as its training had it."""
    own = served.version.data.get("target") or [{"name": name} for name in targets]
    try:
        spec = _Asked.model_validate({"data": {"target": asked.get("target", own)}}).data
    except ValidationError as error:
        report(error, {"data": asked}, _Asked, findings)
        return None
    if [one.name for one in spec.target or ()] != list(targets):
        names = ", ".join(repr(name[:40]) for name in targets)
        findings.error("#/data/target", "conflict", f"Expected the target of the version, {names}; received another.")
        return None
    return spec.model_copy(update={"classes": served.loaded.classes})

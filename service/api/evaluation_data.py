"""A stored dataset as a version is measured on it: with the columns and classes that the version knows."""

from collections.abc import Mapping
from typing import Any

from service.api.serving import Served
from service.datasets import Dataset
from service.errors import Findings
from service.features.learnt import find_unreadable
from service.features.rows import taken
from service.features.targets import read_answers
from service.spec.data import DataSpec
from service.tables import Table


def prepare_evaluation(
    data: Dataset | Table, asked: Mapping[str, Any], served: Served, findings: Findings
) -> Dataset | None:
    """The inputs and targets of a stored dataset, or None and a finding for each mistake."""
    for key in asked.keys() - {"dataset"}:
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
    if findings.total:
        return None
    target = [{"name": name} for name in loaded.targets]
    spec = DataSpec.model_validate({"target": target, "classes": loaded.classes})
    classifies = loaded.classes is not None
    answers = read_answers(data, spec, classifies=classifies, findings=findings, at="#/data")
    if answers is None or findings.total:
        return None
    x = loaded.encoder.encode(data, [answers.rows])[0]
    return Dataset(x, taken(answers.y, answers.rows), answers.classes)

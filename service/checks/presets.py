"""Expands a request that names a preset, or leaves out the network, to the whole request that it stands for."""

from collections.abc import Mapping
from typing import Any

from service.data.datasets import Dataset
from service.data.features import prepare
from service.data.tables import Table
from service.errors import Findings
from service.spec import TrainingRequest
from service.spec.data import DataSpec
from service.task import AskedLoss
from service.task.presets import expanded
from service.task.presets.expansion import with_split
from service.task.presets.profile import Profile

PLACEHOLDERS: Mapping[str, Any] = {"spec": {"layers": [{"class_name": "Flatten"}]}, "compile": {"loss": "mse"}}
"""What stands for the parts that a preset makes, until it does."""


FEWEST_ROWS, _FEW_ROWS = 4, 50
"""With fewer training rows a preset makes no network, and with fewer than the second it warns."""


def with_placeholders(document: Mapping[str, Any]) -> dict[str, Any]:
    """A request with something in the place of every part that a preset makes."""
    compiled = document.get("compile")
    whole = {**PLACEHOLDERS, **{key: document[key] for key in document if document[key] is not None}}
    if isinstance(compiled, Mapping):
        whole["compile"] = {**PLACEHOLDERS["compile"], **compiled}
    return whole


def with_preset(
    name: str, document: Mapping[str, Any], request: TrainingRequest, data: Dataset | Table, findings: Findings
) -> dict[str, Any]:
    """The whole request; `Invalid` with every mistake that the data has for it.

    `request` is what was read of the document with placeholders.
    """
    compiled = document.get("compile")
    said = isinstance(compiled, Mapping) and compiled.get("loss") is not None
    classifies = AskedLoss.of(request.compile).classifies if said else _are_two_classes(request, data)
    asked = request.data or DataSpec()
    if not request.fit.validation_split:
        asked = with_split(name, asked, data, classifies=classifies or _names_classes(request, data))
    noted = Findings(limit=findings.limit)
    prepared = prepare(
        data,
        asked,
        noted,
        classifies=classifies,
        validation_split=request.fit.validation_split,
        glimpse=True,
    )
    if prepared is not None:
        _check_teaches(prepared.dataset, "#/data/target" if isinstance(data, Table) else "#/data/y", noted)
        if prepared.dataset.rows < _FEW_ROWS:
            few = f"There are {prepared.dataset.rows} rows to learn from; what is measured on so few may be chance."
            findings.warn("#/data", "too_few_rows", few)
    if prepared is None or noted.total:
        raise noted.refusal()
    profile = Profile.of(data, prepared, classifies=classifies if said else None)
    whole = expanded(name, document, asked, profile)
    if isinstance(data, Table) and asked.features is None and "features" in whole["data"]:
        findings.warnings += noted.warnings  # the columns that were chosen are not examined a second time
    return whole


def _check_teaches(dataset: Dataset, at: str, findings: Findings) -> None:
    """Notes rows of which nothing can be learnt; who writes a network by hand may have reasons for them."""
    if dataset.rows < FEWEST_ROWS:
        said = f"Expected at least {FEWEST_ROWS} rows with a target to train on; there are {dataset.rows}."
        findings.error("#/data", "too_few_rows", f"{said} Add rows, or say spec and compile.")
    elif (dataset.y == dataset.y[0]).all():
        said = "Expected at least two different classes or numbers in the training rows; all targets are the same."
        findings.error(at, "constant_targets", f"{said} Name another column, or say spec and compile.")


def _names_classes(request: TrainingRequest, data: Dataset | Table) -> bool:
    """Whether the target is a single column of texts or booleans."""
    if not isinstance(data, Table):
        return data.classes is not None
    targets = [] if request.data is None else request.data.target or []
    return len(targets) == 1 and data.kinds.get(targets[0].name) in ("category", "boolean")


def _are_two_classes(request: TrainingRequest, data: Dataset | Table) -> bool:
    """Whether the target of a table holds the numbers 0 and 1 and no others, which are rather classes than amounts."""
    targets = [] if request.data is None else request.data.target or []
    if not isinstance(data, Table) or len(targets) != 1 or data.kinds.get(targets[0].name) != "number":
        return False
    told = data.profile.get(targets[0].name, {})
    if (told.get("min", 0), told.get("max", 1)) != (0, 1):
        return False
    values = data.numbers(targets[0].name)
    return bool(((values == 0) | (values == 1) | (values != values)).all())  # noqa: PLR0124 - NaN is no value

"""A training request out of a JSON document: all that is wrong with it in one answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from service.checks.fits import check_fits
from service.checks.outline import Outline
from service.config import Limits
from service.datasets import Dataset, read_dataset, with_sample_weight, with_validation
from service.errors import Finding, Findings
from service.formats.arrays import kind_of
from service.spec import TrainingRequest
from service.spec.mistakes import report
from service.spec.request import PARTS

_BULK = ("validation_data", "sample_weight")


@dataclass(frozen=True, slots=True)
class CheckedTraining:
    """A request and its data that fit together, and what was learnt about them on the way."""

    request: TrainingRequest
    dataset: Dataset
    outline: Outline
    warnings: list[Finding]


def read_training(document: Any, limits: Limits) -> CheckedTraining:
    """The training that a JSON document asks for; `Invalid` with every mistake in it."""
    findings = Findings(limit=limits.max_errors_shown)
    if not isinstance(document, Mapping):
        findings.error("#", "wrong_type", f"Expected an object; received {kind_of(document)}.")
        raise findings.refusal()
    request = _read_request(document, findings)
    dataset = _read_data(document, findings, limits)
    if request is None or dataset is None or findings.total:
        raise findings.refusal()
    found = check_fits(request, dataset, limits, findings, document=document)
    if found is None or findings.total:
        raise findings.refusal()
    return CheckedTraining(request, dataset, found, findings.warnings)


def _read_request(document: Mapping[str, Any], findings: Findings) -> TrainingRequest | None:
    asked = {key: value for key, value in document.items() if key != "data"}
    if isinstance(asked.get("fit"), Mapping):
        asked["fit"] = {key: value for key, value in asked["fit"].items() if key not in _BULK}
    try:
        return TrainingRequest.model_validate(asked)
    except ValidationError as error:
        report(error, document, TrainingRequest, PARTS, findings)
        return None


def _read_data(document: Mapping[str, Any], findings: Findings, limits: Limits) -> Dataset | None:
    if "data" not in document:
        findings.error("#/data", "missing", "'data' is missing.")
        return None
    dataset = read_dataset(document["data"], findings, limits)
    fit = document.get("fit")
    given = {key: fit.get(key) for key in _BULK} if isinstance(fit, Mapping) else {}
    if dataset is not None and given.get("sample_weight") is not None:
        at = "#/fit/sample_weight"
        dataset = with_sample_weight(dataset, given["sample_weight"], at, findings, limits)
    if dataset is not None and given.get("validation_data") is not None:
        dataset = with_validation(dataset, given["validation_data"], "#/fit/validation_data", findings, limits)
    return dataset

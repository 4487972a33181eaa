"""Reads a training request from a JSON document, and reports all its mistakes at once."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from service.checks.continuing import OpenStart, no_versions, read_start, settled
from service.checks.indices import check_places
from service.checks.presets import with_placeholders, with_preset
from service.checks.suitability import AT_ARRAYS, AT_TABLE, check_fits
from service.checks.transforms import with_transforms
from service.config import Limits
from service.data.datasets import Dataset, read_dataset, with_sample_weight, with_validation
from service.data.features import Learnt, Prepared, prepare
from service.data.tables import Table
from service.errors import Finding, Findings, NotFound
from service.formats.arrays import kind_of
from service.spec import TrainingRequest
from service.spec.data import DataSpec
from service.spec.mistakes import pointer_in, report
from service.task import AskedLoss
from service.task.network import scale_of
from service.task.outline import Outline
from service.task.output_meaning import activation_of
from service.task.presets import wants_preset
from service.task.start import Start
from service.task.target_scale import TargetScale

_BULK = ("validation_data", "sample_weight")
_ABOUT_ARRAYS = ("split", "target")
"""The keys that may stand next to arrays in `data`."""

OpenDataset = Callable[[str], Dataset | Table]
"""Opens a stored dataset by its id; `NotFound` if there is none."""


@dataclass(frozen=True, slots=True)
class CheckedTraining:
    """A request and its data that fit together, and what the checks found out about them."""

    request: TrainingRequest
    prepared: Prepared
    outline: Outline
    warnings: list[Finding]
    inline: Dataset | None
    """The data that came with the request, wholly or in part; None where it names a stored dataset alone."""
    start_id: str | None = None
    """The id of the version that it continues from."""

    @property
    def dataset(self) -> Dataset:
        """The data as it is trained on; of a table only a glimpse."""
        return self.prepared.dataset


def nothing_stored(dataset_id: str) -> Dataset | Table:
    """An `OpenDataset` where nothing is stored."""
    raise NotFound("dataset", dataset_id)


def read_training(
    document: Any,
    limits: Limits,
    open_dataset: OpenDataset = nothing_stored,
    open_start: OpenStart = no_versions,
) -> CheckedTraining:
    """The training that a JSON document asks for; `Invalid` with every mistake in it."""
    findings = Findings(limit=limits.max_errors_shown)
    if not isinstance(document, Mapping):
        findings.error("#", "wrong_type", f"Expected an object; received {kind_of(document)}.")
        raise findings.refusal()
    start = read_start(document, findings, open_start)
    compiles = document.get("compile") is not None
    learnt = None if start is None else start.learnt
    document = document if start is None else start.completed(document)
    document, request, data = _read(document, findings, limits, open_dataset, start)
    at_units = _units_to_find(document)
    if learnt is not None and isinstance(data, Table):
        request = request.model_copy(update={"data": learnt.completed(request.data or DataSpec(), findings)})
    loss = AskedLoss.of(request.compile)
    prepared = prepare(
        data,
        request.data or DataSpec(),
        findings,
        classifies=loss.classifies,
        validation_split=request.fit.validation_split,
        glimpse=True,
        learnt=learnt,
    )
    if prepared is None or findings.total:
        raise findings.refusal()
    if at_units:
        units = loss.fitting_units(prepared.dataset, activation_of(request.spec.make_layers()[-1]))
        spec = TrainingRequest.model_validate(_validated(_with(document, at_units, units))).spec
        request = request.model_copy(update={"spec": spec})
    request = with_transforms(request, prepared, start, document, findings)
    if findings.total:
        raise findings.refusal()
    scale = TargetScale.of(request, prepared.dataset) if start is None else scale_of(start.version)
    at = AT_TABLE if isinstance(data, Table) else AT_ARRAYS
    found = check_fits(request, prepared.dataset, limits, findings, document=document, at=at, scale=scale)
    if found is not None:
        size = pointer_in(document, "spec", "layers", found.places[0], "input_dim")
        check_places(prepared.encoder, found.layers[0], size, findings)
    if found is not None and start is not None:
        request = settled(request, found, start, document=document, compiles=compiles, findings=findings)
    if found is None or findings.total:
        raise findings.refusal()
    came_along = _is_inline(document["data"]) or _bulk(document)
    inline = data if isinstance(data, Dataset) and came_along else None
    start_id = None if start is None else start.version.id
    return CheckedTraining(request, prepared, found, findings.warnings, inline, start_id)


def _read(
    document: Mapping[str, Any], findings: Findings, limits: Limits, open_dataset: OpenDataset, start: Start | None
) -> tuple[Mapping[str, Any], TrainingRequest, Dataset | Table]:
    """The whole document, with what a preset makes of it, the request in it, and its data."""
    preset = wants_preset(document) if start is None else None
    request = _read_request(document if preset is None else with_placeholders(document), findings)
    data = _read_data(document, request, findings, limits, open_dataset, learnt=None if start is None else start.learnt)
    if request is None or data is None or findings.total:
        raise findings.refusal()
    if preset is not None:
        document = with_preset(preset, document, request, data, findings)
        request = _read_request(document, findings)
    if request is None:
        raise findings.refusal()
    return document, request, data


def _read_request(document: Mapping[str, Any], findings: Findings) -> TrainingRequest | None:
    """The request, with one unit where the number of units follows from the targets."""
    at_units = _units_to_find(document)
    try:
        return TrainingRequest.model_validate(_validated(_with(document, at_units, 1) if at_units else document))
    except ValidationError as error:
        report(error, document, TrainingRequest, findings)
        return None


def _validated(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without the numbers that are read apart."""
    asked = dict(document)
    if isinstance(asked.get("fit"), Mapping):
        asked["fit"] = {key: value for key, value in asked["fit"].items() if key not in _BULK}
    data = asked.pop("data", None)
    if not _is_inline(data):
        asked["data"] = data
    elif isinstance(data, Mapping):
        about = {key: data[key] for key in _ABOUT_ARRAYS if data.get(key) is not None}
        asked |= {"data": about} if about else {}
    return asked


def _is_inline(data: Any) -> bool:
    return not (isinstance(data, Mapping) and "dataset" in data)


def _read_data(
    document: Mapping[str, Any],
    request: TrainingRequest | None,
    findings: Findings,
    limits: Limits,
    open_dataset: OpenDataset,
    *,
    learnt: Learnt | None,
) -> Dataset | Table | None:
    if "data" not in document:
        findings.error("#/data", "missing", "'data' is missing.")
        return None
    data, given = document["data"], _bulk(document)
    dataset: Dataset | Table | None
    if _is_inline(data):
        if learnt is not None and not learnt.takes(findings, is_table=False):
            return None
        numbers = _without(data, _ABOUT_ARRAYS)
        named = isinstance(numbers, Mapping) and numbers.get("classes") is not None
        classes = None if learnt is None or named else learnt.classes
        dataset = read_dataset(numbers, findings, limits, classes=classes)
    else:
        dataset = _opened(request, findings, open_dataset)
    if isinstance(dataset, Table):
        for key in _BULK:
            if key in given:
                instead = (
                    "data.split holds rows out" if key == "validation_data" else "data.sample_weight names a column"
                )
                findings.error(f"#/fit/{key}", "conflict", f"This goes with arrays; for a table {instead}.")
        return dataset
    if dataset is not None and "sample_weight" in given:
        at = "#/fit/sample_weight"
        dataset = with_sample_weight(dataset, given["sample_weight"], at, findings, limits)
    if dataset is not None and "validation_data" in given:
        dataset = with_validation(dataset, given["validation_data"], "#/fit/validation_data", findings, limits)
        if isinstance(document["data"], Mapping) and document["data"].get("split") is not None:
            findings.error("#/data/split", "conflict", "Expected a split or validation_data; received both.")
    return dataset


def _without(value: Any, keys: Collection[str]) -> Any:
    return {key: value[key] for key in value if key not in keys} if isinstance(value, Mapping) else value


def _bulk(document: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that stand beside the data."""
    fit = document.get("fit")
    return {key: fit[key] for key in _BULK if fit.get(key) is not None} if isinstance(fit, Mapping) else {}


def _opened(request: TrainingRequest | None, findings: Findings, open_dataset: OpenDataset) -> Dataset | Table | None:
    if request is None or request.data is None or request.data.dataset is None:
        if request is not None:
            findings.error("#/data/dataset", "wrong_type", "Expected the id of a dataset; received null.")
        return None
    if request.data.split is not None and request.fit.validation_split and request.data.split.validation:
        expected = "Expected validation_split or a split with a validation part; received both."
        findings.error("#/fit/validation_split", "conflict", expected)
    try:
        return open_dataset(request.data.dataset)
    except NotFound:
        findings.error("#/data/dataset", "not_found", "There is no dataset of this id or name.")
        return None


def _units_to_find(document: Mapping[str, Any]) -> tuple[str | int, ...]:
    """The keys to `units` of the last layer that has any, where they are to be found; else none."""
    spec, keys = _inside(document.get("spec"), ("spec",))
    layers = spec["layers"] if isinstance(spec.get("layers"), list) else []
    for place in reversed(range(len(layers))):
        layer, at = _inside(layers[place], (*keys, "layers", place))
        if "units" in layer:
            return (*at, "units") if layer["units"] == "auto" else ()
    return ()


def _inside(value: Any, keys: tuple[str | int, ...]) -> tuple[Mapping[str, Any], tuple[str | int, ...]]:
    """The arguments of a network or layer, which Keras writes under `config`, and the keys to them."""
    if not isinstance(value, Mapping):
        return {}, keys
    return (value["config"], (*keys, "config")) if isinstance(value.get("config"), Mapping) else (value, keys)


def _with(whole: Any, keys: tuple[str | int, ...], value: Any) -> Any:
    """The same document with another value at the end of these keys."""
    if not keys:
        return value
    copied: Any = list(whole) if isinstance(whole, list) else dict(whole)
    copied[keys[0]] = _with(whole[keys[0]], keys[1:], value)
    return copied

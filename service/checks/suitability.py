"""Whether a request can be trained on its data, and would learn what it is meant to."""

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.checks.architecture import FAILURES, Locate, outline
from service.checks.calibration import check_calibration
from service.checks.class_weights import check_class_weight
from service.checks.factors import check_factors
from service.checks.indices import check_indices
from service.checks.losses import check_loss, warn_of_unreachable, warn_of_unscaled
from service.checks.memory import check_memory
from service.checks.metrics import check_metrics, reason_against, said_of
from service.checks.monitors import check_callbacks
from service.checks.targets import check_targets, warn_of_rare, warn_of_unseen, warn_of_unused
from service.config import Limits
from service.data.datasets import Dataset
from service.errors import Findings
from service.nn import layers
from service.nn.engine.objective import check_by_row
from service.spec import TrainingRequest
from service.spec.mistakes import pointer_in
from service.task import AskedLoss, OutputMeaning, Task
from service.task.cost import memory_of
from service.task.outline import Outline
from service.task.target_scale import TargetScale

AT_ARRAYS: Mapping[str, str] = {
    "x": "#/data/x",
    "y": "#/data/y",
    "validation_x": "#/fit/validation_data/x",
    "validation": "#/fit/validation_data/y",
}
AT_TABLE: Mapping[str, str] = {
    "x": "#/data",
    "y": "#/data/target",
    "validation_x": "#/data",
    "validation": "#/data/target",
}
"""Where the inputs and the targets, and those for validation, stand in a request."""

_LARGE_INPUT = 100.0
_FEW_STEPS, _FEW_STEPS_OF_ONE_EPOCH, _MANY_ROWS = 200, 1000, 1000


def check_fits(
    request: TrainingRequest,
    dataset: Dataset,
    limits: Limits,
    findings: Findings,
    *,
    document: Any = None,
    at: Mapping[str, str] = AT_ARRAYS,
    scale: TargetScale | None = None,
) -> Outline | None:
    """Notes what keeps this request from being trained on this dataset, with pointers into `document`.

    The dataset may be a glimpse; `at` says where its inputs, targets and validation part come from, and `scale` how
    its targets are scaled.
    """
    locate = functools.partial(pointer_in, request.to_json_dict() if document is None else document)
    before = findings.total
    found = outline(request.spec, dataset.columns, limits, locate, findings)
    if request.fit.epochs > limits.max_epochs:
        expected = f"Expected at most {limits.max_epochs:,} epochs; received {request.fit.epochs:,}."
        findings.error(locate("fit", "epochs"), "too_many_epochs", expected)
    _check_split(request, dataset, locate, findings)
    if found is not None:
        check_memory(memory_of(request, dataset, found), limits.max_memory_bytes, locate, findings)
        task = _task_of(request, dataset, found, scale)
        check_calibration(request, dataset, task, locate, findings)
        _check_learning(request, dataset, found, task, at=at, locate=locate, findings=findings)
        _warn_of_inputs(request, dataset, found, at=at, locate=locate, findings=findings)
        if findings.total == before and found.is_built:
            _rehearse(request, dataset, found, task, locate=locate, findings=findings)
    return found


def _task_of(request: TrainingRequest, dataset: Dataset, found: Outline, scale: TargetScale | None) -> Task:
    loss = AskedLoss.of(request.compile)
    outputs = OutputMeaning(found.layers[-1], found.shapes[-1], loss, classes=dataset.classes)
    return Task.of(dataset.y, outputs, scale)


def _check_split(request: TrainingRequest, dataset: Dataset, locate: Locate, findings: Findings) -> None:
    share, at = request.fit.validation_split, locate("fit", "validation_split")
    kept = request.fit.kept_rows(dataset.rows)
    if share and request.folds is not None:
        findings.error(at, "conflict", "Expected validation_split or folds, which are validated with; received both.")
    elif share and dataset.validation is not None:
        findings.error(at, "conflict", "Expected validation_split or validation_data; received both.")
    elif share and not 0 < kept < dataset.rows:
        parts = f"{kept} rows to train on and {dataset.rows - kept} to validate with"
        findings.error(at, "empty_split", f"Expected rows on both sides of the split; it leaves {parts}.")


def _check_learning(
    request: TrainingRequest,
    dataset: Dataset,
    found: Outline,
    task: Task,
    *,
    at: Mapping[str, str],
    locate: Locate,
    findings: Findings,
) -> None:
    before = findings.total
    at_activation = locate("spec", "layers", found.places[-1], *_own(found.layers[-1], "activation"))
    check_loss(task, at_loss=locate("compile", "loss"), at_activation=at_activation, findings=findings)
    held = (at["validation_x"], at["validation"], dataset.validation)
    for at_x, at_y, part in ((at["x"], at["y"], dataset), held):
        if part is not None:
            check_indices(part.x, found.layers[0], at_x, findings)
            check_targets(part.y, task, at_y, findings)
    check_class_weight(request, dataset, task, findings)
    if findings.total == before:
        warn_of_unreachable(task.encoded(dataset.y), task, at_activation, findings)
        at_units = locate("spec", "layers", found.places[-1], *_own(found.layers[-1], "units"))
        warn_of_unused(dataset.y, task, at_units, findings)
        warn_of_unscaled(task.encoded(dataset.y), task, found.layers[-1], at["y"], findings)
        warn_of_rare(dataset.y, task, at["y"], findings)
        if request.from_ is None:  # what is not seen now may have been learnt before
            _warn_of_held_out(request, dataset, task, at, locate=locate, findings=findings)
        measured = check_metrics(request, task.encoded(dataset.y[:2]), task, locate, findings)
        validates = bool(request.fit.validation_split or request.folds) or dataset.validation is not None
        check_callbacks(request, measured, validates=validates, locate=locate, findings=findings)


def _warn_of_held_out(
    request: TrainingRequest,
    dataset: Dataset,
    task: Task,
    at: Mapping[str, str],
    *,
    locate: Locate,
    findings: Findings,
) -> None:
    kept = request.fit.kept_rows(dataset.rows)
    held = [dataset.y[kept:], *(part.y for part in (dataset.validation, dataset.test) if part is not None)]
    if kept < dataset.rows:
        here = locate("fit", "validation_split")
    else:
        here = at["validation"] if request.data is None or request.data.split is None else locate("data", "split")
    warn_of_unseen(dataset.y[:kept], held, task, here, findings)


def _own(layer: layers.Layer, key: str) -> tuple[str, ...]:
    return (key,) if hasattr(layer, key) else ()


def _rehearse(
    request: TrainingRequest, dataset: Dataset, found: Outline, task: Task, *, locate: Locate, findings: Findings
) -> None:
    """Makes one step on two rows, so that what nobody thought of fails here and not in a worker."""
    try:
        with np.errstate(all="ignore"):
            model = request.spec.build(dataset.columns, seed=0, layers=found.layers)
            y = task.encoded(dataset.y[:2])
            model.compile(**task.compilation(request.compile, y))
            check_factors(model, locate, findings)
            model.train_on_batch(dataset.x[:2], y)
    except FAILURES as error:
        place = _broken_layer(found, dataset.columns)
        at = locate(*_broken_part(dataset, task)) if place is None else locate("spec", "layers", place)
        findings.error(at, "cannot_train", f"Not one step of this training can be made: {said_of(error)}")


def _broken_part(dataset: Dataset, task: Task) -> tuple[str, str]:
    """Where the request says what cannot go on from sound layers: the loss, or else the optimizer."""
    y = task.encoded(dataset.y[:2])
    reason = reason_against(task.loss, y, np.full((len(y), task.units), 0.5, np.float32))
    fails = (reason or reason_against(check_by_row, task.loss, 2)) is not None
    return ("compile", "loss" if fails else "optimizer")


def _broken_layer(found: Outline, columns: int) -> int | None:
    shape = (2, columns)
    for place, layer, after in zip(found.places, found.layers, found.shapes, strict=True):
        try:
            layer(np.zeros(shape, np.float32))
        except FAILURES:
            return place
        shape = (2, *after[1:])
    return None


def _warn_of_inputs(
    request: TrainingRequest,
    dataset: Dataset,
    found: Outline,
    *,
    at: Mapping[str, str],
    locate: Locate,
    findings: Findings,
) -> None:
    first = found.layers[0]
    if not (first.rescales_inputs or first.vocabulary) and np.abs(dataset.x).max() > _LARGE_INPUT:
        said = f"Some inputs are beyond {_LARGE_INPUT:g}; networks learn best from about -1 to 1. Scale the columns."
        findings.warn(at["x"], "unscaled_inputs", said)
    if dataset.y.ndim == 1 and dataset.rows > 1 and dataset.y.min() == dataset.y.max():
        findings.warn(at["y"], "constant_targets", "All targets are the same: there is nothing to tell apart.")
    batch, epochs = request.fit.batch_size or 32, request.fit.epochs
    steps = epochs * math.ceil(dataset.rows * (1 - request.fit.validation_split) / batch)
    few = steps < _FEW_STEPS or (epochs == 1 and steps < _FEW_STEPS_OF_ONE_EPOCH)
    if few and dataset.rows >= _MANY_ROWS and request.from_ is None:
        said = f"This training has {steps} steps; a network learns little in fewer than a thousand. Give more epochs."
        findings.warn(locate("fit", "epochs"), "few_steps", said)
    for place, layer in zip(found.places, found.layers, strict=True):
        if layer.has_moving_averages and steps < _FEW_STEPS:
            said = f"Its moving averages need about {_FEW_STEPS} steps at this momentum; this training has {steps}."
            findings.warn(locate("spec", "layers", place), "few_steps", said)

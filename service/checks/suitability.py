"""Whether a request can be trained on its data, and would learn what it is meant to."""

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.checks.architecture import FAILURES, Locate, Outline, outline
from service.checks.class_weights import check_class_weight
from service.checks.indices import check_indices
from service.checks.losses import SIGMOIDS, check_loss, warn_of_unreachable, warn_of_unscaled
from service.checks.memory import check_memory, memory
from service.checks.monitors import check_callbacks
from service.checks.targets import Want, check_targets, encoded, wanted_by, warn_of_rare, warn_of_unseen, warn_of_unused
from service.config import Limits
from service.data.datasets import Dataset
from service.errors import Findings
from service.nn import ArgumentError, layers, losses, metrics
from service.spec import CompileSpec, TrainingRequest
from service.spec.mistakes import pointer_in
from service.spec.spelling import BY_SHAPE
from service.spec.vocabulary import made

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
_FEW_STEPS = 200
_SCALING = (layers.Normalization, layers.BatchNormalization, layers.LayerNormalization, layers.Rescaling)


def check_fits(
    request: TrainingRequest,
    dataset: Dataset,
    limits: Limits,
    findings: Findings,
    *,
    document: Any = None,
    at: Mapping[str, str] = AT_ARRAYS,
) -> Outline | None:
    """Notes what keeps this request from being trained on this dataset, with pointers into `document`.

    The dataset may be a glimpse; `at` says where its inputs, targets and validation part come from.
    """
    locate = functools.partial(pointer_in, request.to_json_dict() if document is None else document)
    before = findings.total
    found = outline(request.spec, dataset.columns, limits, locate, findings)
    if request.fit.epochs > limits.max_epochs:
        expected = f"Expected at most {limits.max_epochs:,} epochs; received {request.fit.epochs:,}."
        findings.error(locate("fit", "epochs"), "too_many_epochs", expected)
    _check_split(request, dataset, locate, findings)
    if found is not None:
        check_memory(memory(request, dataset, found), limits.max_memory_bytes, locate, findings)
        _check_learning(request, dataset, found, at=at, locate=locate, findings=findings)
        _warn_of_inputs(request, dataset, found, at=at, locate=locate, findings=findings)
        if findings.total == before and found.is_built:
            _rehearse(request, dataset, found, locate, findings)
    return found


def resolved_loss(asked: CompileSpec, y: Any, units: int) -> losses.Loss:
    """The loss that is meant for these targets; "crossentropy" is chosen by shape."""
    loss = asked.loss
    return losses.resolve(loss, (None, units), y.shape) if isinstance(loss, str) else made("loss", loss)


def classifies(asked: CompileSpec) -> bool:
    """Whether the loss chooses among classes."""
    loss = asked.loss
    return loss in BY_SHAPE["loss"] or wanted_by(made("loss", loss)) is not Want.NUMBERS


def fitting_units(asked: CompileSpec, dataset: Dataset, activation: str | None) -> int:
    """How many units the last layer needs for these targets: one for each class or number."""
    y = dataset.y
    if y.ndim == 2 and y.shape[1] > 1:
        return int(y.shape[1])
    loss = asked.loss
    by_shape = loss in BY_SHAPE["loss"]
    want = (
        Want.SIDES
        if by_shape and activation in SIGMOIDS
        else Want.SHARES
        if by_shape
        else wanted_by(made("loss", loss))
    )
    if want in (Want.NUMBERS, Want.SIDES):
        return 1
    return max(2, int(y.max()) + 1 if dataset.classes is None else len(dataset.classes))


def resolved_metrics(names: list[Any] | None, y: Any, units: int) -> list[metrics.Metric]:
    """The metrics that are meant for these encoded targets; "accuracy" is chosen by shape."""
    shape = (len(y), 1) if y.ndim == 1 else y.shape
    given = [name if isinstance(name, str) else made("metric", name) for name in names or []]
    return [metrics.resolve(name, (None, units), shape) for name in given]


def _check_split(request: TrainingRequest, dataset: Dataset, locate: Locate, findings: Findings) -> None:
    share, at = request.fit.validation_split, locate("fit", "validation_split")
    kept = math.floor(dataset.rows * (1 - share))
    if share and dataset.validation is not None:
        findings.error(at, "conflict", "Expected validation_split or validation_data; received both.")
    elif share and not 0 < kept < dataset.rows:
        parts = f"{kept} rows to train on and {dataset.rows - kept} to validate with"
        findings.error(at, "empty_split", f"Expected rows on both sides of the split; it leaves {parts}.")


def _check_learning(
    request: TrainingRequest,
    dataset: Dataset,
    found: Outline,
    *,
    at: Mapping[str, str],
    locate: Locate,
    findings: Findings,
) -> None:
    before = findings.total
    loss = resolved_loss(request.compile, dataset.y, found.units)
    at_activation = locate("spec", "layers", found.places[-1], *_own(found.layers[-1], "activation"))
    check_loss(
        loss,
        found.activation,
        found.units,
        at_loss=locate("compile", "loss"),
        at_activation=at_activation,
        findings=findings,
    )
    held = (at["validation_x"], at["validation"], dataset.validation)
    for at_x, at_y, part in ((at["x"], at["y"], dataset), held):
        if part is not None:
            check_indices(part.x, found.layers[0], at_x, findings)
            check_targets(part.y, part.classes, loss=loss, units=found.units, at=at_y, findings=findings)
    check_class_weight(request, dataset, wanted_by(loss), found.units, findings)
    if findings.total == before:
        warn_of_unreachable(dataset.y, loss, found.activation, at_activation, findings)
        at_units = locate("spec", "layers", found.places[-1], *_own(found.layers[-1], "units"))
        warn_of_unused(dataset.y, dataset.classes, loss=loss, units=found.units, at=at_units, findings=findings)
        warn_of_unscaled(dataset.y, loss, found.layers[-1], at["y"], findings)
        warn_of_rare(dataset.y, dataset.classes, loss=loss, at=at["y"], findings=findings)
        if request.from_ is None:  # what is not seen now may have been learnt before
            _warn_of_held_out(request, dataset, loss, at, locate=locate, findings=findings)
        y = encoded(dataset.y[:2], wanted_by(loss), found.units)
        measured = _check_metrics(request, y, loss, units=found.units, locate=locate, findings=findings)
        validates = bool(request.fit.validation_split) or dataset.validation is not None
        check_callbacks(request, measured, validates=validates, locate=locate, findings=findings)


def _warn_of_held_out(
    request: TrainingRequest,
    dataset: Dataset,
    loss: losses.Loss,
    at: Mapping[str, str],
    *,
    locate: Locate,
    findings: Findings,
) -> None:
    kept = math.floor(dataset.rows * (1 - request.fit.validation_split))
    held = [dataset.y[kept:], *(part.y for part in (dataset.validation, dataset.test) if part is not None)]
    if kept < dataset.rows:
        here = locate("fit", "validation_split")
    else:
        here = at["validation"] if request.data is None or request.data.split is None else locate("data", "split")
    warn_of_unseen(dataset.y[:kept], held, dataset.classes, loss=loss, at=here, findings=findings)


def _own(layer: layers.Layer, key: str) -> tuple[str, ...]:
    return (key,) if hasattr(layer, key) else ()


def _check_metrics(
    request: TrainingRequest, y: Any, loss: losses.Loss, *, units: int, locate: Locate, findings: Findings
) -> list[metrics.Metric]:
    measured: list[metrics.Metric] = []
    plain = len(request.compile.metrics or [])
    for key in ("metrics", "weighted_metrics"):
        given = getattr(request.compile, key) or []
        for place, (name, metric) in enumerate(zip(given, resolved_metrics(given, y, units), strict=True)):
            at = locate("compile", key, place)
            if key == "weighted_metrics" and metric.name in {unweighted.name for unweighted in measured[:plain]}:
                metric.name = f"weighted_{metric.name}"  # as `compile` calls it
            measured.append(metric)
            most_likely = int(getattr(metric, "k", 0))
            if metric.takes_classes and y.ndim == 2 and y.shape[1] > 1:
                said = f"{metric.name} counts class indices, and {loss.name} works on rows. Use accuracy."
                findings.error(at, "metric_mismatch", said)
            elif name in ("accuracy", "acc") and wanted_by(loss) is Want.NUMBERS:
                said = f"Accuracy counts right classes and says little about {loss.name}; mae says how far off."
                findings.warn(at, "metric_mismatch", said)
            elif isinstance(metric, metrics.BinaryAccuracy) and getattr(loss, "from_logits", False):
                findings.warn(at, "metric_mismatch", "Accuracy takes 0.5 as the limit, and logits have theirs at 0.")
            elif _thresholds(metric) > 1:
                said = "It gives a number for each threshold, and the history keeps their mean. Ask for each by itself."
                findings.warn(at, "metric_mismatch", said)
            elif most_likely >= units > 1:
                said = f"With {units} outputs the true class is always among the {most_likely} most likely."
                findings.warn(at, "metric_mismatch", said)
    _check_names([str(metric.name) for metric in measured], locate("compile", "metrics"), findings)
    return measured


def _thresholds(metric: metrics.Metric) -> int:
    given = getattr(metric, "thresholds", None)
    return len(given) if isinstance(given, list | tuple) and not isinstance(metric, metrics.AUC) else 1


def _check_names(names: list[str], at: str, findings: Findings) -> None:
    held_out = {part + name for part in ("val_", "test_") for name in ("loss", *names)}
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            findings.error(at, "duplicate", f"Expected each metric once; {name[:60]} is repeated.")
        elif name in held_out | {"loss", "learning_rate"}:
            said = f"Expected names of their own for metrics; {name[:60]} means something else."
            findings.error(at, "duplicate", said)


def _rehearse(request: TrainingRequest, dataset: Dataset, found: Outline, locate: Locate, findings: Findings) -> None:
    """Makes one step on two rows, so that what nobody thought of fails here and not in a worker."""
    want = wanted_by(resolved_loss(request.compile, dataset.y, found.units))
    try:
        with np.errstate(all="ignore"):
            model = request.spec.build(dataset.columns, seed=0, layers=found.layers)
            model.compile(**request.compile.arguments())
            model.train_on_batch(dataset.x[:2], encoded(dataset.y[:2], want, found.units))
    except FAILURES as error:
        reason = f": {error}" if isinstance(error, ArgumentError) else "."
        place = _broken_layer(found, dataset.columns)
        at = "#" if place is None else locate("spec", "layers", place)
        findings.error(at, "cannot_train", f"Not one step of this training can be made{reason}")


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
    if not isinstance(found.layers[0], (*_SCALING, layers.Embedding)) and np.abs(dataset.x).max() > _LARGE_INPUT:
        said = f"Some inputs are beyond {_LARGE_INPUT:g}; networks learn best from about -1 to 1. Scale the columns."
        findings.warn(at["x"], "unscaled_inputs", said)
    if dataset.y.ndim == 1 and dataset.rows > 1 and dataset.y.min() == dataset.y.max():
        findings.warn(at["y"], "constant_targets", "All targets are the same: there is nothing to tell apart.")
    batch = request.fit.batch_size or 32
    steps = request.fit.epochs * math.ceil(dataset.rows * (1 - request.fit.validation_split) / batch)
    for place, layer in zip(found.places, found.layers, strict=True):
        if isinstance(layer, layers.BatchNormalization) and steps < _FEW_STEPS:
            said = f"Its moving averages need about {_FEW_STEPS} steps at this momentum; this training has {steps}."
            findings.warn(locate("spec", "layers", place), "few_steps", said)

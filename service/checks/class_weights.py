"""Class weights: how much the rows of each class count in the loss, as given or such that all classes count alike."""

import math

import numpy as np

from service.checks.targets import Want
from service.data.datasets import Dataset
from service.errors import Findings
from service.spec import CompileSpec, TrainingRequest
from service.spec.mistakes import pointer_in
from service.spec.spelling import BY_SHAPE
from service.spec.vocabulary import made


def class_weights(request: TrainingRequest, dataset: Dataset) -> dict[int, float] | None:
    """The weight of each class by its index, where the request may have named the classes."""
    if request.fit.class_weight is None:
        return None
    if request.fit.class_weight == "balanced":
        kept = math.floor(dataset.rows * (1 - request.fit.validation_split))
        y = dataset.y[:kept]
        labels = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1).round().astype(np.int64)
        ignored = _ignored_class(request.compile)
        classes, counts = np.unique(labels if ignored is None else labels[labels != ignored], return_counts=True)
        mean = counts.sum() / max(1, len(classes))
        return {int(label): float(mean / count) for label, count in zip(classes, counts, strict=True)}
    names = {name: index for index, name in enumerate(dataset.classes or ())}
    return {names[key] if key in names else int(key): value for key, value in request.fit.class_weight.items()}


def check_class_weight(request: TrainingRequest, dataset: Dataset, want: Want, units: int, findings: Findings) -> None:
    """Notes weights that go with no class of these, or twice with one."""
    if request.fit.class_weight is None:
        return
    if dataset.sample_weight is not None:
        findings.error("#/fit/class_weight", "conflict", "Expected class_weight or sample_weight; received both.")
    if want is Want.NUMBERS:
        findings.error("#/fit/class_weight", "conflict", "Class weights go with a loss for classes.")
        return
    if request.fit.class_weight == "balanced":
        if want is Want.SIDES and units > 1:
            said = "Several outputs of 0 or 1 are no classes of which each row has one."
            findings.error("#/fit/class_weight", "conflict", said)
        return
    classes = max(2, units)
    lowest = min(0, int(dataset.y.min())) if want is Want.SIDES else 0  # a hinge tells -1 from 1
    names = {name: index for index, name in enumerate(dataset.classes or ())}
    known = {str(index): index for index in range(lowest, classes)} | names
    taken: set[int] = set()
    for key in request.fit.class_weight:
        at = pointer_in({}, "fit", "class_weight", key)
        if key not in known:
            expected = f"Expected a class name or an index from {lowest} to {classes - 1}."
            findings.error(at, "unknown_class", expected)
        elif known[key] in taken:
            expected = "Expected each class once, by its name or its index; a key before says the same one."
            findings.error(at, "duplicate", expected)
        taken |= {known[key]} if key in known else set()


def _ignored_class(asked: CompileSpec) -> int | None:
    return None if asked.loss in BY_SHAPE["loss"] else getattr(made("loss", asked.loss), "ignore_class", None)

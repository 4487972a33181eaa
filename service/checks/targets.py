"""Checks that the loss can take the targets, and would not misread them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import Findings
from service.nn.losses import Targets
from service.nn.meaning import ANY_NUMBER
from service.task import Task

Array = NDArray[Any]

_MANY_CLASSES, _FEW_ROWS, _MOST_NAMED = 20, 5, 10


def check_targets(y: Array, task: Task, at: str, findings: Findings) -> None:
    """Notes every target that the loss cannot take, or would take for something else than it is."""
    targets, units, columns = task.targets, task.units, 1 if y.ndim == 1 else y.shape[1]
    if units == 1 and targets.is_one_class:
        return  # no targets suit a choice among one; the loss is the mistake
    if task.classes is not None and (wrong_classes := _wrong_classes(len(task.classes), task)):
        findings.error(at, *wrong_classes)
        return
    if columns == 1 and units > 1 and targets.is_one_class:
        _check_indices(y.reshape(len(y)), task, at, findings)
    elif columns != units:
        hint = ""
        if columns == 1 and targets is Targets.BINARY:
            hint = " For one class out of several use softmax with sparse_categorical_crossentropy."
        expected = f"Expected {_values(units)} in each target, one for each unit of the last layer"
        findings.error(at, "shape_mismatch", f"{expected}; received {_values(columns)}.{hint}")
    elif targets is Targets.CLASS_INDICES:
        hint = "categorical_crossentropy takes one-hot rows."
        expected = f"{task.loss_name} wants {targets.value}; received rows of {columns} values. {hint}"
        findings.error(at, "shape_mismatch", expected)
    elif targets is Targets.ONE_HOT:
        wrong = (y.min(axis=1) < 0) | (np.abs(y.sum(axis=1) - 1) > 1e-3)
        expected = "Expected shares of at least 0 that sum to 1, such as a one-hot row."
        _each(wrong, at, "not_one_hot", expected, findings)
    elif task.loss.target_range != ANY_NUMBER:
        low, high = task.loss.target_range
        wrong = ((y.reshape(len(y), -1) < low) | (y.reshape(len(y), -1) > high)).any(axis=1)
        expected = f"Expected targets {_between(low, high)}, as {task.loss_name} wants them."
        _each(wrong, at, "out_of_range", expected, findings)


def warn_of_unused(y: Array, task: Task, at: str, findings: Findings) -> None:
    """Warns of units for classes that targets found right do not know; `at` is the last layer's size."""
    classes, units = task.classes, task.units
    if not task.targets.is_one_class or (y.ndim == 2 and y.shape[1] > 1):
        return
    known = max(2, int(y.max()) + 1 if classes is None else len(classes))
    if known < units:
        said = f"The last layer has {units} units, one for each class; the targets have {known} classes."
        findings.warn(at, "unused_units", f"{said} The other units learn to be never chosen.")


def warn_of_rare(y: Array, task: Task, at: str, findings: Findings) -> None:
    """Warns of so many classes for so few rows that the targets are rather numbers, or names of single rows."""
    if not task.targets.is_one_class or (y.ndim == 2 and y.shape[1] > 1):
        return
    known = int(y.max()) + 1 if task.classes is None else len(task.classes)
    if known > _MANY_CLASSES and len(y) < _FEW_ROWS * known:
        said = f"The targets have {known:,} classes in {len(y):,} rows, too few to learn each from."
        hint = "Numbers to be estimated go with mean_squared_error and a last layer without activation."
        findings.warn(at, "rare_classes", f"{said} {hint}")


def warn_of_unseen(y: Array, held: Sequence[Array], task: Task, at: str, findings: Findings) -> None:
    """Warns of classes that only rows have which are held out, of which the network can learn nothing."""
    classes, parts = task.classes, (y, *held)
    if task.targets is Targets.NUMBERS or any(part.ndim == 2 and part.shape[1] > 1 for part in parts):
        return
    if any((part != np.floor(part)).any() for part in parts):
        return  # shares of one class
    unseen = np.setdiff1d(np.concatenate([part.reshape(-1) for part in held] or [y[:0]]), y)
    if len(unseen):
        names = [str(int(one)) if classes is None else classes[int(one)] for one in unseen[:_MOST_NAMED]]
        more = f" and {len(unseen) - _MOST_NAMED} more" if len(unseen) > _MOST_NAMED else ""
        said = f"Only rows that are held out have the classes {', '.join(name[:40] for name in names)}{more}"
        hint = "Tables sorted by class want a split that is stratified, or random."
        findings.warn(at, "unseen_classes", f"{said}; the network learns nothing of them. {hint}")


def _wrong_classes(classes: int, task: Task) -> tuple[str, str] | None:
    units = task.units
    if task.targets is Targets.NUMBERS:
        hint = "Class names go with a cross-entropy."
        return "loss_mismatch", f"{task.loss_name} wants {task.targets.value}; received class names. {hint}"
    if units == 1 and classes > 2:
        hint = "Give the last layer a unit for each class and softmax."
        return "too_many_classes", f"One unit distinguishes two classes; received {classes}. {hint}"
    if units > 1 and classes > units:
        expected = f"The last layer has {units} units, one for each class; received {classes} classes."
        return "too_many_classes", expected
    return None


def _check_indices(labels: Array, task: Task, at: str, findings: Findings) -> None:
    units, ignored = task.units, task.loss.ignored_class
    wrong = (labels < 0) | (labels >= units)
    if ignored is not None:
        wrong &= labels != ignored
    if labels.dtype.kind == "f":
        wrong |= labels != np.floor(labels)
    expected = f"Expected a class index, a whole number from 0 to {units - 1} (the last layer has {units} units)."
    _each(wrong, at, "out_of_range", expected, findings)


def _each(wrong: Any, at: str, code: str, detail: str, findings: Findings) -> None:
    rows = np.flatnonzero(wrong)
    for row in rows[: findings.limit]:
        findings.error(f"{at}/{row}", code, detail)
    findings.total += max(0, len(rows) - findings.limit)


def _values(count: int) -> str:
    return "one value" if count == 1 else f"{count} values"


def _between(low: float, high: float) -> str:
    return f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"

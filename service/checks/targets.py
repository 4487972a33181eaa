"""Targets and losses: what a loss wants to be given, whether targets are that, and how they become it."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import Findings
from service.nn import losses

Array = NDArray[Any]


class Want(Enum):
    """What the targets of a loss mean."""

    SHARES = "rows with a share for each class, such as one-hot rows"
    INDICES = "the index of a class for each row"
    SIDES = "0 or 1 for each output"
    NUMBERS = "a number for each output"


_SHARES = {"CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge", "KLDivergence"}
_SIDES = {"BinaryCrossentropy", "BinaryFocalCrossentropy", "Hinge", "SquaredHinge"}
_AT_LEAST_ZERO = {"MeanSquaredLogarithmicError", "Poisson"}
_MANY_CLASSES, _FEW_ROWS, _MOST_NAMED = 20, 5, 10


def wanted_by(loss: losses.Loss) -> Want:
    """What this loss wants to be given."""
    name = type(loss).__name__
    if loss.takes_classes:
        return Want.INDICES
    return Want.SHARES if name in _SHARES else Want.SIDES if name in _SIDES else Want.NUMBERS


def encoded(y: Array, want: Want, units: int) -> Array:
    """Targets that `check_targets` found right, in the form that the loss wants: float32, or int32 for indices."""
    if y.ndim == 2 and y.shape[1] == 1 and units > 1:
        y = y[:, 0]
    if want is Want.INDICES:
        return np.ascontiguousarray(y.reshape(len(y)), np.int32)
    if want is Want.SHARES and y.ndim == 1:
        rows = np.zeros((len(y), units), np.float32)
        rows[np.arange(len(y)), y.astype(np.int64)] = 1
        return rows
    return np.ascontiguousarray(y.reshape(len(y), -1), np.float32)


def check_targets(
    y: Array, classes: Sequence[str] | None, *, loss: losses.Loss, units: int, at: str, findings: Findings
) -> None:
    """Notes every target that the loss cannot take, or would take for something else than it is."""
    want, columns = wanted_by(loss), 1 if y.ndim == 1 else y.shape[1]
    name = str(loss.name or type(loss).__name__)
    if units == 1 and want in (Want.SHARES, Want.INDICES):
        return  # no targets suit a choice among one; the loss is the mistake
    if classes is not None and (wrong_classes := _wrong_classes(len(classes), want, name, units)):
        findings.error(at, *wrong_classes)
        return
    if columns == 1 and units > 1 and want in (Want.SHARES, Want.INDICES):
        _check_indices(y.reshape(len(y)), units, loss, at, findings)
    elif columns != units:
        hint = ""
        if columns == 1 and want is Want.SIDES:
            hint = " For one class out of several use softmax with sparse_categorical_crossentropy."
        expected = f"Expected {_values(units)} in each target, one for each unit of the last layer"
        findings.error(at, "shape_mismatch", f"{expected}; received {_values(columns)}.{hint}")
    elif want is Want.INDICES:
        hint = "categorical_crossentropy takes one-hot rows."
        findings.error(at, "shape_mismatch", f"{name} wants {want.value}; received rows of {columns} values. {hint}")
    elif want is Want.SHARES:
        wrong = (y.min(axis=1) < 0) | (np.abs(y.sum(axis=1) - 1) > 1e-3)
        expected = "Expected shares of at least 0 that sum to 1, such as a one-hot row."
        _each(wrong, at, "not_one_hot", expected, findings)
    elif want is Want.SIDES:
        low = -1 if "Hinge" in type(loss).__name__ else 0
        wrong = (y.reshape(len(y), -1) < low).any(axis=1) | (y.reshape(len(y), -1) > 1).any(axis=1)
        _each(wrong, at, "out_of_range", f"Expected targets from {low} to 1, as {name} wants them.", findings)
    elif type(loss).__name__ in _AT_LEAST_ZERO:
        wrong = (y.reshape(len(y), -1) < 0).any(axis=1)
        _each(wrong, at, "out_of_range", f"Expected targets of at least 0, as {name} wants them.", findings)


def warn_of_unused(
    y: Array, classes: Sequence[str] | None, *, loss: losses.Loss, units: int, at: str, findings: Findings
) -> None:
    """Warns of units for classes that targets found right do not know; `at` is the last layer's size."""
    if wanted_by(loss) not in (Want.SHARES, Want.INDICES) or (y.ndim == 2 and y.shape[1] > 1):
        return
    known = max(2, int(y.max()) + 1 if classes is None else len(classes))
    if known < units:
        said = f"The last layer has {units} units, one for each class; the targets have {known} classes."
        findings.warn(at, "unused_units", f"{said} The other units learn to be never chosen.")


def warn_of_rare(y: Array, classes: Sequence[str] | None, *, loss: losses.Loss, at: str, findings: Findings) -> None:
    """Warns of so many classes for so few rows that the targets are rather numbers, or names of single rows."""
    if wanted_by(loss) not in (Want.SHARES, Want.INDICES) or (y.ndim == 2 and y.shape[1] > 1):
        return
    known = int(y.max()) + 1 if classes is None else len(classes)
    if known > _MANY_CLASSES and len(y) < _FEW_ROWS * known:
        said = f"The targets have {known:,} classes in {len(y):,} rows, too few to learn each from."
        hint = "Numbers to be estimated go with mean_squared_error and a last layer without activation."
        findings.warn(at, "rare_classes", f"{said} {hint}")


def warn_of_unseen(
    y: Array, held: Sequence[Array], classes: Sequence[str] | None, *, loss: losses.Loss, at: str, findings: Findings
) -> None:
    """Warns of classes that only rows have which are held out, of which the network can learn nothing."""
    parts = (y, *held)
    if wanted_by(loss) is Want.NUMBERS or any(part.ndim == 2 and part.shape[1] > 1 for part in parts):
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


def _wrong_classes(classes: int, want: Want, name: str, units: int) -> tuple[str, str] | None:
    if want is Want.NUMBERS:
        hint = "Class names go with a cross-entropy."
        return "loss_mismatch", f"{name} wants {want.value}; received class names. {hint}"
    if units == 1 and classes > 2:
        hint = "Give the last layer a unit for each class and softmax."
        return "too_many_classes", f"One unit tells two classes apart; received {classes}. {hint}"
    if units > 1 and classes > units:
        expected = f"The last layer has {units} units, one for each class; received {classes} classes."
        return "too_many_classes", expected
    return None


def _check_indices(labels: Array, units: int, loss: losses.Loss, at: str, findings: Findings) -> None:
    wrong = (labels < 0) | (labels >= units)
    ignored = getattr(loss, "ignore_class", None)
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

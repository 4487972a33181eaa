"""Margin losses. Targets are -1 and 1; batches of 0 and 1 are converted."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from service.nn.losses.loss import REGISTRY, Array, Loss, Reduction
from service.nn.meaning import Interval, Targets


@REGISTRY.register()
@dataclass
class Hinge(Loss):
    """mean max(1 - y p, 0)."""

    targets: ClassVar[Targets] = Targets.BINARY
    target_range: ClassVar[Interval] = (-1, 1)
    takes_margins: ClassVar[bool] = True
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "hinge"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return np.maximum(1 - signs(y_true) * y_pred, 0).mean(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        y = signs(y_true)
        return (-1 / y_pred.shape[-1]) * y * (y * y_pred < 1)


@REGISTRY.register()
@dataclass
class SquaredHinge(Loss):
    """mean max(1 - y p, 0)^2."""

    targets: ClassVar[Targets] = Targets.BINARY
    target_range: ClassVar[Interval] = (-1, 1)
    takes_margins: ClassVar[bool] = True
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "squared_hinge"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return np.square(np.maximum(1 - signs(y_true) * y_pred, 0)).mean(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        y = signs(y_true)
        return (-2 / y_pred.shape[-1]) * y * np.maximum(1 - y * y_pred, 0)


@REGISTRY.register()
@dataclass
class CategoricalHinge(Loss):
    """max(n - s + 1, 0), s the score of the true class and n the best score of the others."""

    targets: ClassVar[Targets] = Targets.ONE_HOT
    takes_margins: ClassVar[bool] = True
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "categorical_hinge"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return np.maximum(self._margin(y_true, y_pred), 0)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        others = (1 - y_true) * y_pred
        best = others == others.max(axis=-1, keepdims=True)
        share = best / best.sum(axis=-1, keepdims=True).astype(y_pred.dtype)
        active = self._margin(y_true, y_pred)[..., None] > 0
        return active * ((1 - y_true) * share - y_true)

    def _margin(self, y_true: Array, y_pred: Array) -> Array:
        return ((1 - y_true) * y_pred).max(axis=-1) - (y_true * y_pred).sum(axis=-1) + 1


def signs(y_true: Array) -> Array:
    """Targets as -1 and 1: converted only if the whole batch is 0 and 1, as in Keras."""
    return 2 * y_true - 1 if ((y_true == 0) | (y_true == 1)).all() else y_true

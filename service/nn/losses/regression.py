"""Losses between numbers. Each value is a mean over the units of a row."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from service.nn.arguments import Range
from service.nn.losses.loss import EPSILON, REGISTRY, Array, Loss, Reduction
from service.nn.meaning import Interval, Targets


@REGISTRY.register("mse", "MSE")
@dataclass
class MeanSquaredError(Loss):
    """mean (y - p)^2."""

    targets: ClassVar[Targets] = Targets.NUMBERS
    grows_with_targets: ClassVar[bool] = True
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "mean_squared_error"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return np.square(y_pred - y_true).mean(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return (2 / y_pred.shape[-1]) * (y_pred - y_true)


@REGISTRY.register("mae", "MAE")
@dataclass
class MeanAbsoluteError(Loss):
    """mean |y - p|."""

    targets: ClassVar[Targets] = Targets.NUMBERS
    grows_with_targets: ClassVar[bool] = True
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "mean_absolute_error"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return np.abs(y_pred - y_true).mean(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return (1 / y_pred.shape[-1]) * np.sign(y_pred - y_true)


@REGISTRY.register("mape", "MAPE")
@dataclass
class MeanAbsolutePercentageError(Loss):
    """100 mean |y - p| / max(|y|, 1e-7)."""

    targets: ClassVar[Targets] = Targets.NUMBERS
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "mean_absolute_percentage_error"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return 100 * (np.abs(y_true - y_pred) / np.maximum(np.abs(y_true), EPSILON)).mean(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return (100 / y_pred.shape[-1]) * np.sign(y_pred - y_true) / np.maximum(np.abs(y_true), EPSILON)


@REGISTRY.register("msle", "MSLE")
@dataclass
class MeanSquaredLogarithmicError(Loss):
    """mean (log(max(y, 1e-7) + 1) - log(max(p, 1e-7) + 1))^2."""

    targets: ClassVar[Targets] = Targets.NUMBERS
    target_range: ClassVar[Interval] = (0, math.inf)
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "mean_squared_logarithmic_error"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return np.square(self._difference(y_true, y_pred)).mean(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        slope = (y_pred > EPSILON) / (np.maximum(y_pred, EPSILON) + 1)
        return (2 / y_pred.shape[-1]) * self._difference(y_true, y_pred) * slope

    def _difference(self, y_true: Array, y_pred: Array) -> Array:
        return np.log(np.maximum(y_pred, EPSILON) + 1) - np.log(np.maximum(y_true, EPSILON) + 1)


@REGISTRY.register()
@dataclass
class CosineSimilarity(Loss):
    """- sum (y / |y|) (p / |p|) along `axis`: -1 is the same direction."""

    targets: ClassVar[Targets] = Targets.NUMBERS
    axis: int = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "cosine_similarity"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return -(unit(y_true, self.axis) * unit(y_pred, self.axis)).sum(axis=self.axis)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        y, p = unit(y_true, self.axis), unit(y_pred, self.axis)
        cosine = (y * p).sum(axis=self.axis, keepdims=True)
        return -(y - cosine * p) / norm(y_pred, self.axis)


@REGISTRY.register()
@dataclass
class Huber(Loss):
    """mean of e^2 / 2 for |e| <= delta, delta |e| - delta^2 / 2 beyond (Huber 1964)."""

    targets: ClassVar[Targets] = Targets.NUMBERS
    grows_with_targets: ClassVar[bool] = True
    delta: Annotated[float, Range(above=0)] = 1.0
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "huber_loss"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        size = np.abs(y_pred - y_true)
        delta = self.delta
        return np.where(size <= delta, 0.5 * size * size, delta * size - 0.5 * delta * delta).mean(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return (1 / y_pred.shape[-1]) * np.clip(y_pred - y_true, -self.delta, self.delta)


@REGISTRY.register()
@dataclass
class LogCosh(Loss):
    """mean log cosh (p - y)."""

    targets: ClassVar[Targets] = Targets.NUMBERS
    grows_with_targets: ClassVar[bool] = True
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "log_cosh"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        e = y_pred - y_true
        return (e + np.logaddexp(-2 * e, e.dtype.type(0)) - math.log(2)).mean(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return (1 / y_pred.shape[-1]) * np.tanh(y_pred - y_true)


@REGISTRY.register()
@dataclass
class Poisson(Loss):
    """mean p - y log(p + 1e-7)."""

    targets: ClassVar[Targets] = Targets.NUMBERS
    target_range: ClassVar[Interval] = (0, math.inf)
    output_range: ClassVar[Interval] = (0, math.inf)
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "poisson"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (y_pred - y_true * np.log(y_pred + EPSILON)).mean(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return (1 / y_pred.shape[-1]) * (1 - y_true / (y_pred + EPSILON))


def norm(x: Array, axis: int) -> Array:
    """Length along `axis`, at least 1e-7."""
    return np.maximum(np.sqrt(np.square(x).sum(axis=axis, keepdims=True)), EPSILON)


def unit(x: Array, axis: int) -> Array:
    """x over its length along `axis`."""
    return x / norm(x, axis)

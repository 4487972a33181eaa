"""Losses of probabilities, watched as metrics."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from service.nn import losses
from service.nn.arguments import Range
from service.nn.metrics.metric import REGISTRY, Array, MeanOfRows

Smoothing = Annotated[float, Range(minimum=0, maximum=1)]


@REGISTRY.register("bce", "BCE")
@dataclass
class BinaryCrossentropy(MeanOfRows):
    """mean -(y log p + (1 - y) log(1 - p))."""

    name: str | None = "binary_crossentropy"
    dtype: Any = None
    from_logits: bool = False
    label_smoothing: Smoothing = 0

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.BinaryCrossentropy(self.from_logits, self.label_smoothing).call(y_true, y_pred)


@REGISTRY.register()
@dataclass
class CategoricalCrossentropy(MeanOfRows):
    """mean -sum y log p of one-hot targets."""

    name: str | None = "categorical_crossentropy"
    dtype: Any = None
    from_logits: bool = False
    label_smoothing: Smoothing = 0
    axis: int = -1

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.CategoricalCrossentropy(self.from_logits, self.label_smoothing, self.axis).call(y_true, y_pred)


@REGISTRY.register()
@dataclass
class SparseCategoricalCrossentropy(MeanOfRows):
    """mean -log p[y] of class indices."""

    takes_classes: ClassVar[bool] = True
    name: str | None = "sparse_categorical_crossentropy"
    dtype: Any = None
    from_logits: bool = False
    ignore_class: int | None = None
    axis: int = -1

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return self._loss().call(y_true.astype(np.int64), y_pred)

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        """Rows of `ignore_class` weigh nothing among weighted rows; without weights they count with a loss of 0."""
        mask = self._loss().mask(y_true)
        if mask is not None and weights is not None:
            weights = (weights[..., 0] if weights.ndim > mask.ndim else weights) * mask
        super().update(y_true, y_pred, weights)

    def _loss(self) -> losses.SparseCategoricalCrossentropy:
        return losses.SparseCategoricalCrossentropy(self.from_logits, self.ignore_class)


@REGISTRY.register()
@dataclass
class KLDivergence(MeanOfRows):
    """mean of sum y log(y / p)."""

    name: str | None = "kl_divergence"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.KLDivergence().call(y_true, y_pred)


@REGISTRY.register()
@dataclass
class Poisson(MeanOfRows):
    """mean p - y log p."""

    name: str | None = "poisson"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.Poisson().call(y_true, y_pred)


@REGISTRY.register()
@dataclass
class Hinge(MeanOfRows):
    """mean max(1 - y p, 0)."""

    name: str | None = "hinge"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.Hinge().call(y_true, y_pred)


@REGISTRY.register()
@dataclass
class SquaredHinge(MeanOfRows):
    """mean max(1 - y p, 0)^2."""

    name: str | None = "squared_hinge"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.SquaredHinge().call(y_true, y_pred)


@REGISTRY.register()
@dataclass
class CategoricalHinge(MeanOfRows):
    """mean max(n - s + 1, 0), s the score of the true class and n the best of the others."""

    name: str | None = "categorical_hinge"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.CategoricalHinge().call(y_true, y_pred)

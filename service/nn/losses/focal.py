"""Cross-entropies that look away from what is already learned (Lin et al. 2017)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from service.nn.activations import sigmoid, softmax
from service.nn.losses.crossentropy import Smoothing, clip, inside, through_normalization
from service.nn.losses.loss import REGISTRY, Array, Loss, Reduction
from service.nn.meaning import Interval, Targets


@REGISTRY.register()
@dataclass
class BinaryFocalCrossentropy(Loss):
    """mean (1 - p_t)^gamma times the binary cross-entropy, p_t the probability of the truth (Lin et al. 2017)."""

    targets: ClassVar[Targets] = Targets.BINARY
    target_range: ClassVar[Interval] = (0, 1)
    apply_class_balancing: bool = False
    alpha: float = 0.25
    gamma: float = 2.0
    from_logits: bool = False
    label_smoothing: Smoothing = 0.0
    axis: int = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "binary_focal_crossentropy"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y, p, weight = self._parts(y_true, y_pred)
        q = clip(p)
        entropy = -(y * np.log(q) + (1 - y) * np.log(1 - q))
        truth = y * p + (1 - y) * (1 - p)
        return (weight * np.power(1 - truth, self.gamma) * entropy).mean(axis=self.axis)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        y, p, weight = self._parts(y_true, y_pred)
        q = clip(p)
        entropy = -(y * np.log(q) + (1 - y) * np.log(1 - q))
        d_entropy = inside(p) * (q - y) / (q * (1 - q))
        miss = 1 - (y * p + (1 - y) * (1 - p))
        d_factor = -self.gamma * np.power(miss, self.gamma - 1) * (2 * y - 1)
        slope = weight * (d_factor * entropy + np.power(miss, self.gamma) * d_entropy) / y_pred.shape[self.axis]
        return slope * p * (1 - p) if self.from_logits else slope

    def _parts(self, y_true: Array, y_pred: Array) -> tuple[Array, Array, Any]:
        s = self.label_smoothing
        y = y_true * (1 - s) + 0.5 * s if s else y_true
        p = sigmoid(y_pred) if self.from_logits else y_pred
        weight = y * self.alpha + (1 - y) * (1 - self.alpha) if self.apply_class_balancing else 1
        return y, p, weight


@REGISTRY.register()
@dataclass
class CategoricalFocalCrossentropy(Loss):
    """-sum alpha (1 - p)^gamma y log p."""

    targets: ClassVar[Targets] = Targets.ONE_HOT
    alpha: float = 0.25
    gamma: float = 2.0
    from_logits: bool = False
    label_smoothing: Smoothing = 0.0
    axis: int = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "categorical_focal_crossentropy"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y = self._smooth(y_true)
        p = softmax(y_pred, axis=self.axis) if self.from_logits else y_pred
        q = clip(p / p.sum(axis=self.axis, keepdims=True))
        return -(self.alpha * np.power(1 - q, self.gamma) * y * np.log(q)).sum(axis=self.axis)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        y = self._smooth(y_true)

        def slope(q: Array) -> Array:
            falling = self.gamma * np.power(1 - q, self.gamma - 1) * np.log(q)
            return -self.alpha * y * (np.power(1 - q, self.gamma) / q - falling)

        if not self.from_logits:
            return through_normalization(slope, y_pred, self.axis)
        p = softmax(y_pred, axis=self.axis)
        return softmax.gradient(through_normalization(slope, p, self.axis), y_pred, p, axis=self.axis)

    def _smooth(self, y_true: Array) -> Array:
        s = self.label_smoothing
        return y_true * (1 - s) + s / y_true.shape[self.axis] if s else y_true

"""Cross-entropies. Probabilities are kept within [1e-7, 1 - 1e-7]; categorical ones are first made to sum to one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from service.nn.activations import sigmoid, softmax
from service.nn.arguments import Range
from service.nn.losses.loss import EPSILON, REGISTRY, Array, Loss, Reduction
from service.nn.meaning import Interval, Targets

Smoothing = Annotated[float, Range(minimum=0, maximum=1)]


@REGISTRY.register("bce", "BCE")
@dataclass
class BinaryCrossentropy(Loss):
    """mean -(y log p + (1 - y) log(1 - p)); label smoothing s makes y(1 - s) + s / 2 of the targets."""

    targets: ClassVar[Targets] = Targets.BINARY
    target_range: ClassVar[Interval] = (0, 1)
    from_logits: bool = False
    label_smoothing: Smoothing = 0.0
    axis: int = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "binary_crossentropy"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y = self._smooth(y_true)
        if self.from_logits:
            each = np.maximum(y_pred, 0) - y_pred * y + np.log1p(np.exp(-np.abs(y_pred)))
        else:
            p = clip(y_pred)
            each = -(y * np.log(p) + (1 - y) * np.log(1 - p))
        return each.mean(axis=self.axis)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        y = self._smooth(y_true)
        n = y_pred.shape[self.axis]
        if self.from_logits:
            return (sigmoid(y_pred) - y) / n
        p = clip(y_pred)
        # A clipped probability is constant, so its gradient is zero.
        return inside(y_pred) * (p - y) / (p * (1 - p)) / n

    def fuses_with(self, activation: str | None) -> bool:
        """sigmoid and cross-entropy: (p - y) / units."""
        return activation == "sigmoid" and not self.from_logits

    def fused(self, shape: tuple[int, ...], dtype: Any, *, unit_rows: bool) -> Callable[[Array, Array], Array]:
        """(p - y) / units."""
        dz, share = np.empty(shape, dtype), np.asarray(1 / shape[self.axis], dtype)
        smooth, single = self._smooth, shape[self.axis] == 1

        def gradient(y_true: Array, y_pred: Array) -> Array:
            np.subtract(y_pred, smooth(y_true), out=dz)
            return dz if single else np.multiply(dz, share, out=dz)

        return gradient

    def _smooth(self, y_true: Array) -> Array:
        s = self.label_smoothing
        return y_true * (1 - s) + 0.5 * s if s else y_true


@REGISTRY.register()
@dataclass
class CategoricalCrossentropy(Loss):
    """-sum y log p; label smoothing s makes y(1 - s) + s / classes of the one-hot targets."""

    targets: ClassVar[Targets] = Targets.ONE_HOT
    from_logits: bool = False
    label_smoothing: Smoothing = 0.0
    axis: int = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "categorical_crossentropy"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y = self._smooth(y_true)
        return -row_sums(y * log_probabilities(y_pred, self.axis, self.from_logits), self.axis).squeeze(self.axis)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        y = self._smooth(y_true)
        if self.from_logits:
            # The targets of a row need not sum to one: they may be soft labels, or none.
            return softmax(y_pred, axis=self.axis) * y.sum(axis=self.axis, keepdims=True) - y
        return through_normalization(lambda q: -y / q, y_pred, self.axis)

    def fuses_with(self, activation: str | None) -> bool:
        """softmax and cross-entropy: p - y."""
        return activation == "softmax" and not self.from_logits and self.axis == -1

    def fused(self, shape: tuple[int, ...], dtype: Any, *, unit_rows: bool) -> Callable[[Array, Array], Array]:
        """p sum(y) - y; the sum is one for one-hot rows and left out."""
        dz = np.empty(shape, dtype)
        smooth = self._smooth

        def gradient(y_true: Array, y_pred: Array) -> Array:
            y = smooth(y_true)
            if unit_rows:
                return np.subtract(y_pred, y, out=dz)
            np.multiply(y_pred, y.sum(axis=-1, keepdims=True), out=dz)
            return np.subtract(dz, y, out=dz)

        return gradient

    def _smooth(self, y_true: Array) -> Array:
        s = self.label_smoothing
        return y_true * (1 - s) + s / y_true.shape[self.axis] if s else y_true


@REGISTRY.register()
@dataclass
class SparseCategoricalCrossentropy(Loss):
    """-log p[y] for class indices y; rows of `ignore_class` do not count."""

    targets: ClassVar[Targets] = Targets.CLASS_INDICES
    from_logits: bool = False
    ignore_class: int | None = None
    reduction: Reduction = "sum_over_batch_size"
    axis: int = -1
    name: str | None = "sparse_categorical_crossentropy"
    dtype: Any = None

    def mask(self, y_true: Array) -> Array | None:
        """The rows whose class is not `ignore_class`; class indices without a last axis of one."""
        return None if self.ignore_class is None else y_true != self.ignore_class

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y_true = _without_last_axis(y_true, y_pred)
        index = self._index(y_true)
        values = -np.take_along_axis(log_probabilities(y_pred, -1, self.from_logits), index, axis=-1)[..., 0]
        mask = self.mask(y_true)
        return values if mask is None else values * mask

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        y_true = _without_last_axis(y_true, y_pred)
        y = np.zeros_like(y_pred)
        np.put_along_axis(y, self._index(y_true), 1, axis=-1)
        if self.from_logits:
            slope = softmax(y_pred) - y
        else:
            slope = through_normalization(lambda q: -y / q, y_pred, -1)
        mask = self.mask(y_true)
        return slope if mask is None else slope * mask[..., None]

    def fuses_with(self, activation: str | None) -> bool:
        """softmax and cross-entropy: p - 1 at the true class, p elsewhere."""
        return activation == "softmax" and not self.from_logits and self.ignore_class is None

    def fused(self, shape: tuple[int, ...], dtype: Any, *, unit_rows: bool) -> Callable[[Array, Array], Array]:
        """p, less one at the true class."""
        dz = np.empty(shape, dtype)
        flat = dz.reshape(-1)
        row_starts = np.arange(0, flat.size, shape[-1]).reshape(shape[:-1])

        def gradient(y_true: Array, y_pred: Array) -> Array:
            np.copyto(dz, y_pred)
            flat[row_starts + y_true] -= 1
            return dz

        return gradient

    def _index(self, y_true: Array) -> Array:
        if self.ignore_class is not None:
            y_true = np.where(y_true == self.ignore_class, 0, y_true)
        return y_true[..., None]


@REGISTRY.register(by_name=False)
@dataclass
class CategoricalGeneralizedCrossEntropy(Loss):
    """(1 - p[y]^q) / q, between cross-entropy (q -> 0) and absolute error (q = 1) (Zhang & Sabuncu 2018)."""

    targets: ClassVar[Targets] = Targets.CLASS_INDICES
    q: Annotated[float, Range(above=0, below=1)] = 0.5
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "categorical_generalized_cross_entropy"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        p = np.take_along_axis(y_pred, y_true[..., None], axis=-1)[..., 0]
        return (1 - np.power(p, self.q)) / self.q

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        index = y_true[..., None]
        p = np.take_along_axis(y_pred, index, axis=-1)
        slope = np.zeros_like(y_pred)
        np.put_along_axis(slope, index, -(inside(p) * np.power(clip(p), self.q - 1)), axis=-1)
        return slope


@REGISTRY.register("kld", "KLD")
@dataclass
class KLDivergence(Loss):
    """sum y log(y / p), both kept within [1e-7, 1]."""

    targets: ClassVar[Targets] = Targets.ONE_HOT
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "kl_divergence"
    dtype: Any = None

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y, p = np.clip(y_true, EPSILON, 1), np.clip(y_pred, EPSILON, 1)
        return (y * np.log(y / p)).sum(axis=-1)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        y, p = np.clip(y_true, EPSILON, 1), np.clip(y_pred, EPSILON, 1)
        return -(y / p) * ((y_pred >= EPSILON) & (y_pred <= 1))


def _without_last_axis(y_true: Array, y_pred: Array) -> Array:
    return y_true[..., 0] if y_true.ndim == y_pred.ndim else y_true


def row_sums(x: Array, axis: int) -> Array:
    """Sums along `axis`, which is kept; along the last one a product with ones is several times faster."""
    if axis in (-1, x.ndim - 1):
        return x @ np.ones((x.shape[-1], 1), x.dtype)
    return x.sum(axis=axis, keepdims=True)


def clip(p: Array) -> Array:
    """p within [1e-7, 1 - 1e-7]."""
    return np.clip(p, EPSILON, 1 - EPSILON)


def inside(p: Array) -> Array:
    """Where clipping changed nothing, so that the gradient passes."""
    return (p >= EPSILON) & (p <= 1 - EPSILON)


def log_probabilities(y_pred: Array, axis: int, from_logits: bool) -> Array:
    """Logarithms of the class probabilities, as Keras counts them."""
    if from_logits:
        shifted = y_pred - y_pred.max(axis=axis, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return np.log(clip(y_pred / row_sums(y_pred, axis)))


def through_normalization(slope: Callable[[Array], Array], y_pred: Array, axis: int) -> Array:
    """The gradient by p of f(clip(p / sum p)), where `slope` is the derivative of f."""
    total = y_pred.sum(axis=axis, keepdims=True)
    q = y_pred / total
    dq = slope(clip(q)) * inside(q)
    return (dq - (dq * q).sum(axis=axis, keepdims=True)) / total

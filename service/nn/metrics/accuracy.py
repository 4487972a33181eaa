"""Shares of rows that are right."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from service.nn.arguments import Range
from service.nn.metrics.metric import REGISTRY, Array, MeanOfRows


@REGISTRY.register()
@dataclass
class Accuracy(MeanOfRows):
    """Share of outputs that equal the target exactly; compile's "accuracy" means another, chosen by shape."""

    name: str | None = "accuracy"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return y_true == y_pred


@REGISTRY.register()
@dataclass
class BinaryAccuracy(MeanOfRows):
    """Share of outputs on the target's side of `threshold`."""

    name: str | None = "binary_accuracy"
    dtype: Any = None
    threshold: Annotated[float, Range(minimum=0, maximum=1)] = 0.5

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return y_true == (y_pred > self.threshold)


@REGISTRY.register()
@dataclass
class CategoricalAccuracy(MeanOfRows):
    """Share of rows whose largest output is at the one of the one-hot target."""

    name: str | None = "categorical_accuracy"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return y_true.argmax(axis=-1) == y_pred.argmax(axis=-1)


@REGISTRY.register()
@dataclass
class SparseCategoricalAccuracy(MeanOfRows):
    """Share of rows whose largest output is at the target's class index."""

    takes_classes: ClassVar[bool] = True
    name: str | None = "sparse_categorical_accuracy"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return y_true == y_pred.argmax(axis=-1)


@REGISTRY.register()
@dataclass
class TopKCategoricalAccuracy(MeanOfRows):
    """Share of rows whose class is among the k largest outputs; one-hot targets."""

    k: Annotated[int, Range(minimum=1)] = 5
    name: str | None = "top_k_categorical_accuracy"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return among_largest(y_true.argmax(axis=-1), y_pred, self.k)


@REGISTRY.register()
@dataclass
class SparseTopKCategoricalAccuracy(MeanOfRows):
    """Share of rows whose class index is among the k largest outputs, or in the first k of sorted class ids."""

    takes_classes: ClassVar[bool] = True
    k: Annotated[int, Range(minimum=1)] = 5
    name: str | None = "sparse_top_k_categorical_accuracy"
    dtype: Any = None
    from_sorted_ids: bool = False

    def values(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_sorted_ids:
            return (y_pred[..., : self.k] == y_true[..., None]).any(axis=-1)
        return among_largest(y_true.astype(np.int64), y_pred, self.k)


def among_largest(classes: Array, y_pred: Array, k: int) -> Array:
    """Whether fewer than k outputs of the row are larger than that of the class."""
    own = np.take_along_axis(y_pred, classes[..., None], axis=-1)
    return (y_pred > own).sum(axis=-1) < k

"""Counts of hits and misses at thresholds, and the metrics made of them.

Multi-class outputs with class indices are compared with one-hot targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn.arguments import ArgumentError, Range
from service.nn.losses.loss import EPSILON
from service.nn.metrics.metric import REGISTRY, Array, Metric, broadcast, divide

Thresholds = float | list | tuple | None  # type: ignore[type-arg]
ClassId = Annotated[int, Range(minimum=0)] | None


class ConfusionMetric(Metric):
    """Counts true and false positives and negatives at each threshold; an output counts as positive above it."""

    top_k: int | None = None
    class_id: int | None = None

    def at(self) -> list[float]:
        """The thresholds."""
        thresholds = getattr(self, "thresholds", None)
        if thresholds is None:
            return [0.5]
        return checked_thresholds([thresholds] if isinstance(thresholds, int | float) else thresholds)

    def reset_state(self) -> None:
        n = len(self.at())
        self.tp, self.fp, self.tn, self.fn = (np.zeros(n) for _ in range(4))

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        """Weights are a scalar, one per row, or one per output; the weights that `of_units` returns multiply them."""
        truth, thresholds = y_true != 0, self.at()
        full = (
            np.ones(y_pred.shape)
            if weights is None
            else broadcast("sample_weight", _rank(weights, y_pred), y_pred.shape)
        )
        of_units = self.of_units(y_pred)
        if of_units is not None:
            full = full * of_units
        if self.top_k is not None:
            y_pred = _largest(y_pred, self.top_k)
            if getattr(self, "thresholds", None) is None:
                thresholds = [-1e10]
        if self.class_id is not None:
            truth, y_pred, full = (_column(a, self.class_id) for a in (truth, y_pred, full))
        hits, misses = (_above(thresholds, y_pred, full * side) for side in (truth, ~truth))
        positives, negatives = (full * truth).sum(), (full * ~truth).sum()
        self.tp += hits
        self.fp += misses
        self.fn += positives - hits
        self.tn += negatives - misses

    def of_units(self, y_pred: Array) -> Array | None:
        """A weight for each output of a row; None is one for all."""
        return None


def checked_thresholds(given: Sequence[Any]) -> list[float]:
    """The thresholds as numbers; `ArgumentError` unless each lies between 0 and 1."""
    if not len(given):
        raise ArgumentError("thresholds", "at least one number, or left out", given)
    for value in given:
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= 1:
            raise ArgumentError("thresholds", "between 0 and 1", value)
    return [float(value) for value in given]


def _rank(weights: Array, y_pred: Array) -> Array:
    """Weights with an axis for the outputs of a row, where they have none."""
    if weights.ndim == y_pred.ndim + 1 and weights.shape[-1] == 1:
        return weights[..., 0]
    return weights[..., None] if 0 < weights.ndim < y_pred.ndim else weights


def _largest(y_pred: Array, k: int) -> Array:
    """The k largest outputs of each row, the first of equal ones; the others are far below every threshold."""
    if k > y_pred.shape[-1]:
        raise ArgumentError("top_k", f"at most {y_pred.shape[-1]}, the number of outputs", k)
    places = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.zeros(y_pred.shape, bool)
    np.put_along_axis(kept, places, values=True, axis=-1)
    return np.where(kept, y_pred, y_pred.dtype.type(-1e10))


def _column(values: Array, place: int) -> Array:
    if values.ndim < 2 or place >= values.shape[-1]:
        units = values.shape[-1] if values.ndim > 1 else 0
        raise ArgumentError("class_id", f"the place of one of {units} outputs, counted from 0", place)
    return values[..., place]


def _above(thresholds: Sequence[float], y_pred: Array, weights: Array) -> Array:
    """The weights of the outputs above each threshold; evenly spaced ones are found by a product, as in Keras."""
    given, count = np.asarray(thresholds), len(thresholds)
    order = np.argsort(given, kind="stable")
    if count >= 3 and np.allclose(given, np.arange(count) / (count - 1), atol=EPSILON):
        scaled = np.clip(y_pred, 0, 1) * y_pred.dtype.type(count - 1)
        bucket = np.ceil(scaled).astype(np.int64)
        if given[0] < 0 or given[-1] > 1:
            np.maximum(bucket, 1, out=bucket)
    else:
        bucket = np.searchsorted(given[order].astype(y_pred.dtype), y_pred, side="left")
    counts = np.bincount(bucket.ravel(), weights.ravel(), minlength=count + 1)
    above = np.empty(count)
    above[order] = counts[::-1].cumsum()[::-1][1:]
    return above


def _one_or_all(values: Array) -> Any:
    return float(values[0]) if len(values) == 1 else values.copy()


@REGISTRY.register()
@dataclass
class Precision(ConfusionMetric):
    """tp / (tp + fp)."""

    thresholds: Thresholds = None
    top_k: Annotated[int, Range(minimum=1)] | None = None
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def result(self) -> Any:
        return _one_or_all(divide(self.tp, self.tp + self.fp))


@REGISTRY.register()
@dataclass
class Recall(ConfusionMetric):
    """tp / (tp + fn)."""

    thresholds: Thresholds = None
    top_k: Annotated[int, Range(minimum=1)] | None = None
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def result(self) -> Any:
        return _one_or_all(divide(self.tp, self.tp + self.fn))


@REGISTRY.register()
@dataclass
class TruePositives(ConfusionMetric):
    """How many positives were called positive."""

    thresholds: Thresholds = None
    name: str | None = None
    dtype: Any = None

    def result(self) -> Any:
        return _one_or_all(self.tp)


@REGISTRY.register()
@dataclass
class TrueNegatives(ConfusionMetric):
    """How many negatives were called negative."""

    thresholds: Thresholds = None
    name: str | None = None
    dtype: Any = None

    def result(self) -> Any:
        return _one_or_all(self.tn)


@REGISTRY.register()
@dataclass
class FalsePositives(ConfusionMetric):
    """How many negatives were called positive."""

    thresholds: Thresholds = None
    name: str | None = None
    dtype: Any = None

    def result(self) -> Any:
        return _one_or_all(self.fp)


@REGISTRY.register()
@dataclass
class FalseNegatives(ConfusionMetric):
    """How many positives were called negative."""

    thresholds: Thresholds = None
    name: str | None = None
    dtype: Any = None

    def result(self) -> Any:
        return _one_or_all(self.fn)

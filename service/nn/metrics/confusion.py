"""Counts of hits and misses at thresholds, and the metrics made of them.

Multi-class outputs with class indices are compared with one-hot targets.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn.arguments import ArgumentError, Range
from service.nn.metrics.metric import REGISTRY, Array, Metric, divide

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
        given = [thresholds] if isinstance(thresholds, int | float) else list(thresholds)
        for value in given:
            if not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ArgumentError("thresholds", "between 0 and 1", value)
        return [float(value) for value in given]

    def reset_state(self) -> None:
        n = len(self.at())
        self.tp, self.fp, self.tn, self.fn = (np.zeros(n) for _ in range(4))

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        truth = y_true > 0.5
        thresholds = self.at()
        if self.top_k is not None:
            cut = -np.partition(-y_pred, self.top_k - 1, axis=-1)[..., self.top_k - 1 : self.top_k]
            y_pred = np.where(y_pred >= cut, y_pred, -np.inf)
            if getattr(self, "thresholds", None) is None:
                thresholds = [-1e30]
        w = np.ones(len(y_pred)) if weights is None else weights
        full = np.broadcast_to(w.reshape(-1, *[1] * (y_pred.ndim - 1)), y_pred.shape)
        if self.class_id is not None:
            truth, y_pred, full = (a[..., self.class_id] for a in (truth, y_pred, full))
        order = np.asarray(thresholds, y_pred.dtype)
        hits, misses = (self._above(order, y_pred, full * side) for side in (truth, ~truth))
        positives, negatives = (full * truth).sum(), (full * ~truth).sum()
        self.tp += hits
        self.fp += misses
        self.fn += positives - hits
        self.tn += negatives - misses

    @staticmethod
    def _above(thresholds: Array, y_pred: Array, weights: Array) -> Array:
        order = np.argsort(thresholds)
        bucket = np.searchsorted(thresholds[order], y_pred.ravel(), side="left")
        counts = np.bincount(bucket, weights.ravel(), minlength=len(thresholds) + 1)
        above = np.empty(len(thresholds))
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

"""Counts of hits and misses at thresholds, and the metrics made of them.

Multi-class outputs with class indices are compared with one-hot targets.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

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


class _AtLeast(ConfusionMetric):
    """The best of one rate where another is at least a given value."""

    num_thresholds: int

    def at(self) -> list[float]:
        n = self.num_thresholds
        return [0.5] if n == 1 else [0.0, *((i + 1) / (n - 1) for i in range(n - 2)), 1.0]

    def rates(self) -> tuple[float, Array, Array]:
        """The demanded value, the rate it is demanded of, and the rate to make large."""
        raise NotImplementedError

    def result(self) -> float:
        demanded, constrained, wanted = self.rates()
        feasible = wanted[constrained >= demanded]
        return float(feasible.max()) if feasible.size else 0.0

    def sensitivity_rate(self) -> Array:
        """tp / (tp + fn) at each threshold."""
        rate: Array = divide(self.tp, self.tp + self.fn)
        return rate

    def specificity_rate(self) -> Array:
        """tn / (tn + fp) at each threshold."""
        rate: Array = divide(self.tn, self.tn + self.fp)
        return rate

    def precision_rate(self) -> Array:
        """tp / (tp + fp) at each threshold."""
        rate: Array = divide(self.tp, self.tp + self.fp)
        return rate


Share = Annotated[float, Range(minimum=0, maximum=1)]
Count = Annotated[int, Range(minimum=1, maximum=10_000)]


@REGISTRY.register()
@dataclass
class SensitivityAtSpecificity(_AtLeast):
    """The best sensitivity where specificity is at least `specificity`."""

    specificity: Share
    num_thresholds: Count = 200
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def rates(self) -> tuple[float, Array, Array]:
        return self.specificity, self.specificity_rate(), self.sensitivity_rate()


@REGISTRY.register()
@dataclass
class SpecificityAtSensitivity(_AtLeast):
    """The best specificity where sensitivity is at least `sensitivity`."""

    sensitivity: Share
    num_thresholds: Count = 200
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def rates(self) -> tuple[float, Array, Array]:
        return self.sensitivity, self.sensitivity_rate(), self.specificity_rate()


@REGISTRY.register()
@dataclass
class PrecisionAtRecall(_AtLeast):
    """The best precision where recall is at least `recall`."""

    recall: Share
    num_thresholds: Count = 200
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def rates(self) -> tuple[float, Array, Array]:
        return self.recall, self.sensitivity_rate(), self.precision_rate()


@REGISTRY.register()
@dataclass
class RecallAtPrecision(_AtLeast):
    """The best recall where precision is at least `precision`."""

    precision: Share
    num_thresholds: Count = 200
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def rates(self) -> tuple[float, Array, Array]:
        return self.precision, self.precision_rate(), self.sensitivity_rate()


Average = Literal["micro", "macro", "weighted"] | None
Threshold = Annotated[float, Range(above=0, maximum=1)] | None


class _HarmonicMean(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall) from counts of each class."""

    average: str | None
    beta: float
    threshold: float | None

    def __post_init__(self) -> None:
        self.tp: Any
        self.fp: Any
        self.fn: Any
        self.support: Any
        super().__post_init__()

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        if self.threshold is None:
            called = (y_pred >= y_pred.max(axis=-1, keepdims=True)) & (np.abs(y_pred) > 1e-9)
        else:
            called = y_pred > self.threshold
        y = y_true.astype(np.float64)
        w = np.ones((len(y), 1)) if weights is None else weights[:, None]
        axis = None if self.average == "micro" else 0
        self.tp = self.tp + (w * called * y).sum(axis=axis)
        self.fp = self.fp + (w * called * (1 - y)).sum(axis=axis)
        self.fn = self.fn + (w * ~called * y).sum(axis=axis)
        self.support = self.support + (w * y).sum(axis=axis)

    def result(self) -> Any:
        precision, recall = divide(self.tp, self.tp + self.fp), divide(self.tp, self.tp + self.fn)
        square = self.beta**2
        score = divide((1 + square) * precision * recall, square * precision + recall)
        if self.average == "weighted":
            return float((score * divide(self.support, np.sum(self.support))).sum())
        if self.average is None:
            return score
        return float(np.mean(score))

    def reset_state(self) -> None:
        self.tp = self.fp = self.fn = self.support = 0.0


@REGISTRY.register()
@dataclass
class FBetaScore(_HarmonicMean):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), for each class unless averaged.

    Without `threshold` the class of the largest output is the prediction.
    """

    average: Average = None
    beta: Annotated[float, Range(above=0)] = 1.0
    threshold: Threshold = None
    name: str | None = "fbeta_score"
    dtype: Any = None


@REGISTRY.register()
@dataclass
class F1Score(_HarmonicMean):
    """The harmonic mean of precision and recall, for each class unless averaged."""

    beta = 1.0

    average: Average = None
    threshold: Threshold = None
    name: str | None = "f1_score"
    dtype: Any = None

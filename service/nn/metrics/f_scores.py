"""Precision and recall in one number, for each class or averaged."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np

from service.nn.arguments import Range
from service.nn.metrics.metric import REGISTRY, Array, Metric, divide

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
        w = np.ones((len(y), 1)) if weights is None else weights.reshape(-1, 1)
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

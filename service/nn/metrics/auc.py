"""The area under a curve of rates, from counts at evenly spaced thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np

from service.nn.activations import sigmoid
from service.nn.arguments import ArgumentError, Range
from service.nn.losses.loss import EPSILON
from service.nn.metrics.confusion import ConfusionMetric, checked_thresholds
from service.nn.metrics.metric import REGISTRY, Array, Metric, broadcast, divide


@dataclass
class _Counts(ConfusionMetric):
    """The counts of one label."""

    thresholds: Any = None
    label_weights: Any = None
    name: str | None = None

    def of_units(self, y_pred: Array) -> Array | None:
        weights = self.label_weights
        return None if weights is None else broadcast("label_weights", np.asarray(weights), y_pred.shape)

    def at(self) -> list[float]:
        values: list[float] = self.thresholds
        return values


@REGISTRY.register()
@dataclass
class AUC(Metric):
    """Area under the ROC or precision-recall curve, by a Riemann sum over `num_thresholds` as in Keras.

    It is an approximation of the rank statistic, close where predictions fill [0, 1].
    """

    num_thresholds: Annotated[int, Range(minimum=2, maximum=10_000)] | None = 200
    curve: Literal["ROC", "PR"] = "ROC"
    summation_method: Literal["interpolation", "minoring", "majoring"] = "interpolation"
    name: str | None = None
    dtype: Any = None
    thresholds: list | tuple | None = None  # type: ignore[type-arg]
    multi_label: bool = False
    num_labels: Annotated[int, Range(minimum=1)] | None = None
    label_weights: list | tuple | None = None  # type: ignore[type-arg]
    from_logits: bool = False

    def __post_init__(self) -> None:
        if self.num_thresholds is None and self.thresholds is None:
            raise ArgumentError("num_thresholds", "an integer >= 2 where no thresholds are given", None)
        if self.num_labels is not None and not self.multi_label:
            raise ArgumentError("num_labels", "left out unless multi_label is true", self.num_labels)
        if self.thresholds is not None:  # as in Keras, regardless of the argument
            self.num_thresholds = len(checked_thresholds(self.thresholds)) + 2
        super().__post_init__()

    def at(self) -> list[float]:
        """The thresholds, with one below 0 and one above 1."""
        if self.thresholds is None:
            assert self.num_thresholds is not None
            inner = [(i + 1) / (self.num_thresholds - 1) for i in range(self.num_thresholds - 2)]
        else:
            inner = sorted(checked_thresholds(self.thresholds))
        return [-EPSILON, *inner, 1 + EPSILON]

    def reset_state(self) -> None:
        self._labels: list[_Counts] = []

    def get_state(self) -> dict[str, Array]:
        counts = [[label.tp, label.fp, label.tn, label.fn] for label in self._labels]
        return {"counts": np.array(counts).reshape(len(counts), 4, len(self.at()))}

    def set_state(self, state: Mapping[str, Array]) -> None:
        self._labels = [self._counts() for _ in state["counts"]]
        for label, counts in zip(self._labels, state["counts"], strict=True):
            label.tp, label.fp, label.tn, label.fn = counts.copy()

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        if self.from_logits:
            y_pred = sigmoid(y_pred)
        columns = y_pred.shape[-1] if self.multi_label else 1
        if self.multi_label:
            self._check_labels(y_pred)
        while len(self._labels) < columns:
            self._labels.append(self._counts())
        for index, counts in enumerate(self._labels):
            part = slice(index, index + 1) if self.multi_label else slice(None)
            counts.update(y_true[..., part], y_pred[..., part], weights)

    def _counts(self) -> _Counts:
        return _Counts(thresholds=self.at(), label_weights=None if self.multi_label else self.label_weights)

    def _check_labels(self, y_pred: Array) -> None:
        if y_pred.ndim != 2:
            raise ArgumentError("y_pred", "of shape (rows, labels) for multi_label", y_pred.shape)
        labels = y_pred.shape[-1]
        if self.num_labels not in (None, labels):
            raise ArgumentError("num_labels", f"{labels}, the number of outputs", self.num_labels)
        if self.label_weights is not None and len(self.label_weights) != labels:
            raise ArgumentError("label_weights", f"one for each of {labels} labels", len(self.label_weights))

    def result(self) -> float:
        if not self._labels:
            return 0.0
        areas = [self._area(counts) for counts in self._labels]
        if not self.multi_label or self.label_weights is None:
            return float(np.mean(areas))
        return float(divide(np.dot(areas, self.label_weights), np.sum(self.label_weights)))

    def _area(self, counts: _Counts) -> float:
        tp, fp, tn, fn = counts.tp, counts.fp, counts.tn, counts.fn
        if self.curve == "PR" and self.summation_method == "interpolation":
            return interpolated_precision_recall(tp, fp, fn)
        recall = divide(tp, tp + fn)
        x, y = (divide(fp, fp + tn), recall) if self.curve == "ROC" else (recall, divide(tp, tp + fp))
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2
        elif self.summation_method == "minoring":
            heights = np.minimum(y[:-1], y[1:])
        else:
            heights = np.maximum(y[:-1], y[1:])
        return float(((x[:-1] - x[1:]) * heights).sum())


def interpolated_precision_recall(tp: Array, fp: Array, fn: Array) -> float:
    """Area under the precision-recall curve with precision interpolated between counts (Davis & Goadrich 2006)."""
    called = tp + fp
    d_tp, d_called = tp[:-1] - tp[1:], called[:-1] - called[1:]
    slope = divide(d_tp, np.maximum(d_called, 0))
    intercept = tp[1:] - slope * called[1:]
    both = (called[:-1] > 0) & (called[1:] > 0)
    ratio = np.where(both, divide(called[:-1], called[1:]), 1.0)
    return float(divide(slope * (d_tp + intercept * np.log(ratio)), tp[1:] + fn[1:]).sum())

"""Distances between targets and predictions."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np

from service.nn import losses
from service.nn.arguments import ArgumentError, Range
from service.nn.losses.loss import EPSILON
from service.nn.losses.regression import unit
from service.nn.metrics.metric import REGISTRY, Array, MeanOfRows, Metric, broadcast


@REGISTRY.register("mse", "MSE")
@dataclass
class MeanSquaredError(MeanOfRows):
    """mean (y - p)^2."""

    name: str | None = "mean_squared_error"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.MeanSquaredError().call(y_true, y_pred)


@REGISTRY.register()
@dataclass
class RootMeanSquaredError(MeanOfRows):
    """sqrt(mean (y - p)^2)."""

    name: str | None = "root_mean_squared_error"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.square(y_pred - y_true)

    def result(self) -> float:
        return math.sqrt(super().result())


@REGISTRY.register("mae", "MAE")
@dataclass
class MeanAbsoluteError(MeanOfRows):
    """mean |y - p|."""

    name: str | None = "mean_absolute_error"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.MeanAbsoluteError().call(y_true, y_pred)


@REGISTRY.register("mape", "MAPE")
@dataclass
class MeanAbsolutePercentageError(MeanOfRows):
    """100 mean |y - p| / max(|y|, 1e-7)."""

    name: str | None = "mean_absolute_percentage_error"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.MeanAbsolutePercentageError().call(y_true, y_pred)


@REGISTRY.register("msle", "MSLE")
@dataclass
class MeanSquaredLogarithmicError(MeanOfRows):
    """mean (log(y + 1) - log(p + 1))^2."""

    name: str | None = "mean_squared_logarithmic_error"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.MeanSquaredLogarithmicError().call(y_true, y_pred)


@REGISTRY.register()
@dataclass
class LogCoshError(MeanOfRows):
    """mean log cosh (p - y)."""

    name: str | None = "logcosh"
    dtype: Any = None

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.LogCosh().call(y_true, y_pred)


@REGISTRY.register()
@dataclass
class CosineSimilarity(MeanOfRows):
    """mean of the cosine between target and prediction: 1 is the same direction."""

    name: str | None = "cosine_similarity"
    dtype: Any = None
    axis: int = -1

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return (unit(y_true, self.axis) * unit(y_pred, self.axis)).sum(axis=self.axis)


@REGISTRY.register()
@dataclass
class PearsonCorrelation(MeanOfRows):
    """mean over rows of the correlation along `axis`."""

    name: str | None = "pearson_correlation"
    dtype: Any = None
    axis: int = -1

    def values(self, y_true: Array, y_pred: Array) -> Array:
        y = y_true - y_true.mean(axis=self.axis, keepdims=True)
        p = y_pred - y_pred.mean(axis=self.axis, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN where a row is constant, as in Keras
            return (y / y.std(axis=self.axis, keepdims=True) * (p / p.std(axis=self.axis, keepdims=True))).mean(
                self.axis
            )


@REGISTRY.register()
@dataclass
class ConcordanceCorrelation(MeanOfRows):
    """mean over rows of Lin's concordance along `axis`: correlation that also asks for equal mean and spread."""

    name: str | None = "concordance_correlation"
    dtype: Any = None
    axis: int = -1

    def values(self, y_true: Array, y_pred: Array) -> Array:
        y_mean = y_true.mean(axis=self.axis, keepdims=True)
        p_mean = y_pred.mean(axis=self.axis, keepdims=True)
        covariance = ((y_true - y_mean) * (y_pred - p_mean)).mean(axis=self.axis)
        spread = y_true.var(axis=self.axis) + y_pred.var(axis=self.axis)
        apart = np.square(y_mean - p_mean).mean(axis=self.axis)
        return 2 * covariance / (spread + apart + EPSILON)


@REGISTRY.register()
@dataclass
class R2Score(Metric):
    """1 - squared error / variance of the target, for each output, then aggregated."""

    class_aggregation: Literal["uniform_average", "variance_weighted_average"] | None = "uniform_average"
    num_regressors: Annotated[int, Range(minimum=0)] = 0
    name: str | None = "r2_score"
    dtype: Any = None

    def __post_init__(self) -> None:
        self.sum: Any
        self.squares: Any
        self.errors: Any
        self.count: Any
        self.numbers: int
        super().__post_init__()

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        if y_pred.ndim != 2:
            raise ArgumentError("y_pred", "of shape (rows, outputs)", y_pred.shape)
        y, p = y_true.astype(np.float64), y_pred.astype(np.float64)
        given = np.ones(1) if weights is None else weights[:, None] if weights.ndim == 1 else weights
        w = broadcast("sample_weight", given, y.shape)
        self.sum = self.sum + (w * y).sum(axis=0)
        self.squares = self.squares + (w * y * y).sum(axis=0)
        self.errors = self.errors + (w * np.square(y - p)).sum(axis=0)
        self.count = self.count + w.sum(axis=0)
        self.numbers += y.size

    def result(self) -> Any:
        if not self.numbers:
            return 0.0
        spread = self.squares - self.sum * self.sum / self.count
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.where(spread == 0, 0.0, 1 - self.errors / spread)
            if self.class_aggregation == "variance_weighted_average":
                score = (score * spread).sum() / spread.sum()
        if self.class_aggregation == "uniform_average":
            score = score.mean()
        n, p = self.numbers, self.num_regressors
        if p and n - p - 1 > 0:
            score = 1 - (1 - score) * (n - 1) / (n - p - 1)
        return score if self.class_aggregation is None else float(score)

    def reset_state(self) -> None:
        self.sum = self.squares = self.errors = 0.0
        self.count = 0.0
        self.numbers = 0

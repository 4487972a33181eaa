"""Metrics by Keras's names."""

import inspect
from typing import Any

from service.nn import registry
from service.nn.functions import class_of, function_of
from service.nn.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from service.nn.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from service.nn.metrics.auc import AUC
from service.nn.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from service.nn.metrics.f_scores import F1Score, FBetaScore
from service.nn.metrics.metric import REGISTRY, MeanOfFunction, MeanOfRows, Metric
from service.nn.metrics.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from service.nn.metrics.reduction import Mean, Sum
from service.nn.metrics.regression import (
    ConcordanceCorrelation,
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    PearsonCorrelation,
    R2Score,
    RootMeanSquaredError,
)
from service.nn.metrics.trade_offs import (
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from service.nn.registry import snake_case

__all__ = [
    "AUC",
    "REGISTRY",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanOfRows",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "cosine_similarity",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]


binary_accuracy = function_of(BinaryAccuracy)
categorical_accuracy = function_of(CategoricalAccuracy)
sparse_categorical_accuracy = function_of(SparseCategoricalAccuracy)
top_k_categorical_accuracy = function_of(TopKCategoricalAccuracy)
sparse_top_k_categorical_accuracy = function_of(SparseTopKCategoricalAccuracy)
pearson_correlation = function_of(PearsonCorrelation)
concordance_correlation = function_of(ConcordanceCorrelation)
cosine_similarity = function_of(CosineSimilarity)


def get(identifier: Any) -> Any:
    """The metric of a name or configuration, or the mean of a function of targets and predictions; None is none."""
    if identifier is None or isinstance(identifier, Metric):
        return identifier
    if inspect.isroutine(identifier):
        made_of = class_of(identifier)
        return MeanOfFunction(identifier) if made_of is None else _named(REGISTRY.get(snake_case(made_of.__name__)))
    return REGISTRY.get(identifier)


def _named(metric: Metric) -> Metric:
    """The metric under the name of the function that it is of."""
    metric.name = snake_case(type(metric).__name__)
    return metric


def serialize(metric: Metric) -> Any:
    """The metric's class name and configuration, in Keras's form."""
    return registry.serialize(metric)


def deserialize(config: Any) -> Metric:
    """The metric of a configuration."""
    return REGISTRY.get(config)


BY_SHAPE = {
    "accuracy": (BinaryAccuracy, SparseCategoricalAccuracy, CategoricalAccuracy),
    "acc": (BinaryAccuracy, SparseCategoricalAccuracy, CategoricalAccuracy),
    "crossentropy": (BinaryCrossentropy, SparseCategoricalCrossentropy, CategoricalCrossentropy),
    "ce": (BinaryCrossentropy, SparseCategoricalCrossentropy, CategoricalCrossentropy),
}


def resolve(identifier: Any, output_shape: tuple[Any, ...], y_shape: tuple[int, ...]) -> Metric:
    """The metric that compile means; `"accuracy"` and `"crossentropy"` are chosen by shape as Keras does.

    The metric's name is the text that was written.
    """
    if isinstance(identifier, str) and identifier in BY_SHAPE:
        binary, sparse, categorical = BY_SHAPE[identifier]
        if output_shape[-1] == 1:
            metric: Metric = binary()
        elif len(y_shape) < len(output_shape) or y_shape[-1] == 1:
            metric = sparse()
        else:
            metric = categorical()
    else:
        metric = get("" if identifier is None else identifier)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric

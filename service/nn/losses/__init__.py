"""Losses by Keras's names."""

import inspect
from typing import Any

from service.nn import registry
from service.nn.arguments import ArgumentError
from service.nn.functions import class_of, function_of
from service.nn.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
)
from service.nn.losses.focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from service.nn.losses.hinge import CategoricalHinge, Hinge, SquaredHinge
from service.nn.losses.loss import REGISTRY, Loss
from service.nn.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from service.nn.meaning import Targets

__all__ = [
    "REGISTRY",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Targets",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
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
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]

binary_crossentropy = function_of(BinaryCrossentropy)
binary_focal_crossentropy = function_of(BinaryFocalCrossentropy)
categorical_crossentropy = function_of(CategoricalCrossentropy)
categorical_focal_crossentropy = function_of(CategoricalFocalCrossentropy)
categorical_generalized_cross_entropy = function_of(CategoricalGeneralizedCrossEntropy)
categorical_hinge = function_of(CategoricalHinge)
cosine_similarity = function_of(CosineSimilarity)
hinge = function_of(Hinge)
huber = function_of(Huber)
kl_divergence = function_of(KLDivergence)
log_cosh = function_of(LogCosh)
mean_absolute_error = function_of(MeanAbsoluteError)
mean_absolute_percentage_error = function_of(MeanAbsolutePercentageError)
mean_squared_error = function_of(MeanSquaredError)
mean_squared_logarithmic_error = function_of(MeanSquaredLogarithmicError)
poisson = function_of(Poisson)
sparse_categorical_crossentropy = function_of(SparseCategoricalCrossentropy)
squared_hinge = function_of(SquaredHinge)


def get(identifier: Any) -> Any:
    """As in Keras: a function of targets and predictions for a name in small letters, a `Loss` for anything else."""
    if identifier is None:
        return None
    if isinstance(identifier, str) and identifier not in REGISTRY.classes():
        return function_of(REGISTRY.class_of(identifier))
    return REGISTRY.get(identifier)


def serialize(loss: Loss) -> Any:
    """The loss's class name and configuration, in Keras's form."""
    return registry.serialize(loss)


def deserialize(name: Any) -> Loss:
    """The loss of a configuration."""
    return REGISTRY.get(name)


def resolve(identifier: Any, output_shape: tuple[Any, ...], y_shape: tuple[int, ...]) -> Loss:
    """Like `get`, and `"crossentropy"` (or `"ce"`) chosen by the shapes of outputs and targets as Keras does."""
    made_of = class_of(identifier)
    if made_of is not None:
        identifier = made_of
    elif inspect.isroutine(identifier):
        expected = "a loss of nn.losses: the gradient of a function is not known, and no step can be made without it"
        raise ArgumentError("loss", expected, identifier)
    if not isinstance(identifier, str) or identifier not in ("crossentropy", "ce"):
        return REGISTRY.get(identifier)
    if output_shape[-1] == 1:
        return BinaryCrossentropy()
    if len(y_shape) < len(output_shape) or y_shape[-1] == 1:
        return SparseCategoricalCrossentropy()
    return CategoricalCrossentropy()

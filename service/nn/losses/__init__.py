"""Losses by Keras's names."""

from typing import Any

from service.nn.losses.crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
)
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
    "get",
]


def get(identifier: Any) -> Loss:
    """The loss of a name or configuration."""
    return REGISTRY.get(identifier)


def resolve(identifier: Any, output_shape: tuple[Any, ...], y_shape: tuple[int, ...]) -> Loss:
    """Like `get`, and `"crossentropy"` (or `"ce"`) chosen by the shapes of outputs and targets as Keras does."""
    if identifier not in ("crossentropy", "ce"):
        return get(identifier)
    if output_shape[-1] == 1:
        return BinaryCrossentropy()
    if len(y_shape) < len(output_shape) or y_shape[-1] == 1:
        return SparseCategoricalCrossentropy()
    return CategoricalCrossentropy()

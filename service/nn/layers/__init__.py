"""Layers by Keras's names."""

from typing import Any

from service.nn.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from service.nn.layers.batch_normalization import BatchNormalization
from service.nn.layers.column_transformer import ColumnTransformer
from service.nn.layers.dense import Dense
from service.nn.layers.embedding import Embedding
from service.nn.layers.ensemble import EnsembleDense, EnsembleScale
from service.nn.layers.ensemble_average import EnsembleAverage
from service.nn.layers.input_layer import Input, InputLayer
from service.nn.layers.layer import REGISTRY, Layer
from service.nn.layers.noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from service.nn.layers.normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from service.nn.layers.numerical_embedding import PeriodicEmbedding, PiecewiseLinearEmbedding
from service.nn.layers.parametric_activation import ParametricActivation
from service.nn.layers.scale import Clamp, Scale, SmoothClip
from service.nn.layers.shaping import (
    ActivityRegularization,
    Flatten,
    Identity,
    Normalization,
    Permute,
    RepeatVector,
    Rescaling,
    Reshape,
)
from service.nn.layers.temperature import Temperature

__all__ = [
    "ELU",
    "REGISTRY",
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "BatchNormalization",
    "Clamp",
    "ColumnTransformer",
    "Dense",
    "Dropout",
    "Embedding",
    "EnsembleAverage",
    "EnsembleDense",
    "EnsembleScale",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "ParametricActivation",
    "PeriodicEmbedding",
    "Permute",
    "PiecewiseLinearEmbedding",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Scale",
    "SmoothClip",
    "Softmax",
    "Temperature",
    "UnitNormalization",
    "deserialize",
    "serialize",
]


def serialize(layer: Layer) -> dict[str, Any]:
    """The layer's class name and configuration, in Keras's form."""
    return {
        "module": layer.keras_module,
        "class_name": type(layer).__name__,
        "config": layer.get_config(),
        "registered_name": None,
    }


def deserialize(config: Any) -> Layer:
    """The layer of a configuration in any of the accepted forms."""
    return REGISTRY.get(config)

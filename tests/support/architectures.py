"""Networks that together have every layer and every activation, with weights that make each of them matter."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from service import nn
from service.nn import layers

ACTIVATIONS = sorted({nn.activations.REGISTRY.get(name).name for name in nn.activations.REGISTRY.names()})
ROWS = 7

_MADE: dict[str, tuple[int, Callable[[], Sequence[layers.Layer]]]] = {
    "dense": (5, lambda: [layers.Dense(8, "relu"), layers.Dropout(0.2), layers.Dense(3, "softmax")]),
    "without biases": (4, lambda: [layers.Dense(3, "tanh", use_bias=False), layers.Dense(1, use_bias=False)]),
    "normalizations": (
        6,
        lambda: [
            layers.Normalization(),
            layers.Dense(6),
            layers.BatchNormalization(),
            layers.LayerNormalization(),
            layers.GroupNormalization(groups=3),
            layers.RMSNormalization(),
            layers.UnitNormalization(),
            layers.Dense(2),
        ],
    ),
    "normalizations without weights": (
        4,
        lambda: [
            layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 3.0, 4.0]),
            layers.Normalization(mean=0.5, variance=4.0, invert=True),
            layers.Normalization(mean=0.5, variance=2.0, axis=None),
            layers.Dense(4),
            layers.BatchNormalization(scale=False, center=False),
            layers.LayerNormalization(scale=False),
            layers.GroupNormalization(groups=-1, center=False),
            layers.Dense(2),
        ],
    ),
    "rectifiers": (
        4,
        lambda: [
            layers.Dense(6),
            layers.PReLU(),
            layers.LeakyReLU(0.1),
            layers.ELU(0.7),
            layers.ReLU(max_value=2.5, negative_slope=0.2, threshold=0.1),
            layers.Softmax(),
            layers.Dense(2),
            layers.ReLU(),
        ],
    ),
    "noise": (
        3,
        lambda: [
            layers.Dense(4, "selu"),
            layers.AlphaDropout(0.1),
            layers.GaussianDropout(0.1),
            layers.GaussianNoise(0.1),
            layers.Identity(),
            layers.ActivityRegularization(0.1),
            layers.Dense(2),
        ],
    ),
    "places": (
        6,
        lambda: [
            layers.Rescaling(0.5, offset=0.1),
            layers.Rescaling([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            layers.Reshape((2, -1)),
            layers.Permute((2, 1)),
            layers.Dense(4, "glu"),
            layers.Dense(4),
            layers.BatchNormalization(axis=1),
            layers.LayerNormalization(axis=[1, 2]),
            layers.GroupNormalization(groups=3, axis=1),
            layers.RMSNormalization(axis=2),
            layers.UnitNormalization(axis=1),
            layers.Normalization(axis=1),
            layers.PReLU(shared_axes=[1]),
            layers.Softmax(axis=1),
            layers.Flatten(),
            layers.RepeatVector(2),
            layers.Flatten(),
            layers.Dense(2),
        ],
    ),
    "embedded columns": (
        5,
        lambda: [
            layers.SmoothClip(2.0),
            layers.ColumnTransformer(
                [
                    {"columns": [4, 1], "layers": [layers.PeriodicEmbedding(3, 5, 0.5)]},
                    {"columns": [2, 1], "layers": [layers.PiecewiseLinearEmbedding(4, 6), layers.Dense(5)]},
                    {"columns": [3], "layers": [layers.Embedding(3, 2)]},
                ]
            ),
            layers.Scale(),
            layers.Dense(6, parametrization="ntk"),
            layers.ParametricActivation("mish"),
            layers.Dense(2, parametrization="ntk"),
            layers.Clamp(-1.0, 1.5),
        ],
    ),
    "plain in the end": (
        5,
        lambda: [
            layers.SmoothClip(2.0),
            layers.Scale(),
            layers.Dense(6, "selu", parametrization="ntk", kernel_initializer="unit_variance"),
            layers.Dropout(0.2, rate_schedule="flat_cosine_decay"),
            layers.Dense(3, parametrization="ntk", bias_initializer="convex_combination"),
            layers.Clamp(-0.2, 0.3),
            layers.Scale(),
        ],
    ),
    "members": (
        4,
        lambda: [
            layers.EnsembleScale(3, chunks=[1, 3]),
            layers.Dense(6, "relu"),
            layers.Dropout(0.1),
            layers.EnsembleDense(3, "softmax"),
        ],
    ),
    "bag": (
        4,
        lambda: [
            layers.EnsembleAverage(
                [
                    {
                        "columns": [0, 1, 2, 3],
                        "layers": [
                            layers.ColumnTransformer([{"columns": [1], "layers": [layers.PeriodicEmbedding(3, 5)]}]),
                            layers.Scale(),
                            layers.Dense(6, "selu", parametrization="ntk"),
                            layers.Dense(3, "softmax"),
                        ],
                    },
                    {"columns": [2, 0], "layers": [layers.Dense(5, "relu"), layers.Dense(3, "softmax")]},
                ]
            ),
        ],
    ),
    "calibrated members": (
        4,
        lambda: [
            layers.EnsembleScale(3),
            layers.EnsembleDense(3, "softmax"),
            layers.Temperature(1.7),
            layers.Temperature(0.6, independent=True),
        ],
    ),
    "embedding": (3, lambda: [layers.Embedding(7, 4), layers.Flatten(), layers.Dense(2, "sigmoid")]),
}


SIGNED = ("kernel", "beta", "bias", "embeddings", "amplitudes", "slopes", "offsets")
KEPT = ("edges", "minimum", "maximum")
"""Weights that say where something lies."""


def _of_activation(name: str) -> Callable[[], Sequence[layers.Layer]]:
    return lambda: [layers.Dense(6, name), layers.Dense(4), layers.LayerNormalization(), layers.Activation(name)]


ARCHITECTURES = _MADE | {name: (5, _of_activation(name)) for name in ACTIVATIONS}
"""By name: the number of columns, and what makes the layers."""


def made(name: str) -> nn.Sequential:
    """The network of this name, with weights from a fixed seed."""
    columns, stack = ARCHITECTURES[name]
    return weighted([nn.Input((columns,)), *stack()])


def weighted(stack: Sequence[layers.Layer], seed: int = 1) -> nn.Sequential:
    """A network of these layers, with weights between 0.1 and 0.9, some of them below zero."""
    model = nn.Sequential(stack)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.name in KEPT:
            continue
        value = rng.uniform(0.1, 0.9, weight.shape)
        signs = rng.choice([-1, 1], weight.shape) if weight.name in SIGNED else 1
        weight.assign((value * signs).astype(weight.value.dtype))
    return model


def rows_for(model: nn.Sequential, rows: int = ROWS) -> Any:
    """Rows for a network: whole numbers where it begins with an embedding."""
    rng = np.random.default_rng(2)
    columns = model.input_shape[-1]
    first = model.layers[0]
    if isinstance(first, layers.Embedding):
        return rng.integers(0, first.input_dim, (rows, columns)).astype(np.float32)
    return rng.normal(0, 1.5, (rows, columns)).astype(np.float32)

"""Keras's face: `from fitd import keras` in place of `import keras`, and the training happens on a service."""

from fitd.keras import (
    activations,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
)
from fitd.keras.layers import Input
from fitd.keras.models import Sequential

__all__ = [
    "Input",
    "Sequential",
    "activations",
    "callbacks",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "utils",
]

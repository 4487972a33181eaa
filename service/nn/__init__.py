"""Dense neural networks on NumPy, with the names and the numbers of Keras 3.

A script that was written for Keras runs with only its import changed: `from service import nn as keras`.
"""

from service.nn import (
    activations,
    callbacks,
    config,
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
from service.nn.arguments import ArgumentError, Of, Range
from service.nn.engine import blas
from service.nn.layers import Input, Layer
from service.nn.registry import Registry, UnknownNameError
from service.nn.sequential import Sequential

__all__ = [
    "ArgumentError",
    "Input",
    "Layer",
    "Of",
    "Range",
    "Registry",
    "Sequential",
    "UnknownNameError",
    "activations",
    "blas",
    "callbacks",
    "config",
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

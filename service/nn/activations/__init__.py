"""Activations by Keras's names; each is a function of an array with a `gradient`."""

from typing import Any

from service.nn.activations.activation import REGISTRY, Activation
from service.nn.activations.exponentials import celu, elu, exponential, selu
from service.nn.activations.gelu import gelu
from service.nn.activations.rectifiers import leaky_relu, linear, relu, relu6
from service.nn.activations.shrinks import (
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    soft_shrink,
    sparse_plus,
    sparse_sigmoid,
    threshold,
)
from service.nn.activations.sigmoids import (
    log_sigmoid,
    mish,
    sigmoid,
    silu,
    softplus,
    softsign,
    squareplus,
    tanh,
    tanh_shrink,
)
from service.nn.activations.softmaxes import glu, log_softmax, softmax, sparsemax

__all__ = [
    "REGISTRY",
    "Activation",
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "tanh",
    "tanh_shrink",
    "threshold",
]


def get(identifier: Any) -> Activation:
    """Returns the activation of a name; None means `linear`. `threshold` is known here only, not to layers."""
    return threshold if identifier == "threshold" else REGISTRY.get(identifier)


def serialize(activation: Activation) -> str:
    """The activation's name."""
    return activation.name


def deserialize(config: Any) -> Activation:
    """The activation of a name."""
    return REGISTRY.get(config)

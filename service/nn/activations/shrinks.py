"""Activations made of straight pieces, with flat or cut-out parts."""

import math

import numpy as np

from service.nn.activations.activation import REGISTRY, Activation, Array
from service.nn.meaning import Outputs


@REGISTRY.register(outputs=Outputs.PROBABILITIES)
def hard_sigmoid(x: Array) -> Array:
    """y = x / 6 + 1/2, kept within [0, 1]."""
    return np.clip(x / 6 + 0.5, 0, 1)


@hard_sigmoid.derivative
def _hard_sigmoid_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * ((x > -3) & (x < 3)) / 6


@REGISTRY.register("hard_swish", output_range=(-0.375, math.inf))
def hard_silu(x: Array) -> Array:
    """y = x hard_sigmoid(x)."""
    return x * hard_sigmoid(x)


@hard_silu.derivative
def _hard_silu_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * (hard_sigmoid(x) + x * ((x > -3) & (x < 3)) / 6)


@REGISTRY.register(output_range=(-1, 1))
def hard_tanh(x: Array) -> Array:
    """y = x, kept within [-1, 1]."""
    return np.clip(x, -1, 1)


@hard_tanh.derivative
def _hard_tanh_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * ((x > -1) & (x < 1))


@REGISTRY.register()
def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """y = x where |x| > threshold, else 0."""
    return np.where(np.abs(x) > threshold, x, x.dtype.type(0))


@hard_shrink.derivative
def _hard_shrink_gradient(dy: Array, x: Array, y: Array, threshold: float = 0.5) -> Array:
    return dy * (np.abs(x) > threshold)


@REGISTRY.register()
def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """y = x moved towards 0 by `threshold`, 0 within it."""
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


@soft_shrink.derivative
def _soft_shrink_gradient(dy: Array, x: Array, y: Array, threshold: float = 0.5) -> Array:
    return dy * (np.abs(x) > threshold)


@Activation
def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """y = x above `threshold`, else `default_value`; not registered, as no layer has a place for its arguments."""
    return np.where(x > threshold, x, x.dtype.type(default_value))


@threshold.derivative
def _threshold_gradient(dy: Array, x: Array, y: Array, threshold: float, default_value: float) -> Array:
    return dy * (x > threshold)


@REGISTRY.register(output_range=(0, math.inf), can_die=True)
def sparse_plus(x: Array) -> Array:
    """y = 0 up to -1, (x + 1)^2 / 4 between, x from 1."""
    return np.where(x <= -1, x.dtype.type(0), np.where(x < 1, np.square(x + 1) / 4, x))


@sparse_plus.derivative
def _sparse_plus_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * np.clip((x + 1) / 2, 0, 1)


@REGISTRY.register(outputs=Outputs.PROBABILITIES)
def sparse_sigmoid(x: Array) -> Array:
    """y = (x + 1) / 2, kept within [0, 1]."""
    return np.clip((x + 1) / 2, 0, 1)


@sparse_sigmoid.derivative
def _sparse_sigmoid_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * ((x > -1) & (x < 1)) / 2

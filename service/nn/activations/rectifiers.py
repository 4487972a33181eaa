"""Piecewise linear activations and their exponential relatives."""

import math
from typing import Any

import numpy as np

from service.nn.activations.activation import REGISTRY, Array, InPlace

# More numbers leave the cache, where a second array to read costs more than it saves.
CACHED = 1 << 18


def zeros_like(shape: tuple[int, ...], dtype: Any) -> Array:
    """What to compare an array of this shape with for its positive part.

    NumPy takes the larger of two arrays in whole registers, that of an array and a number one after the other.
    """
    return np.zeros(shape if math.prod(shape) <= CACHED else (), dtype)


@REGISTRY.register()
def linear(x: Array) -> Array:
    """y = x."""
    return x


@linear.derivative
def _linear_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy


@linear.in_place
def linear_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """Nothing to do in either direction."""
    return InPlace(lambda x: x, lambda dy, y: dy)


@REGISTRY.register()
def relu(x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """y = x above `threshold` (at most `max_value`), negative_slope * (x - threshold) below."""
    y = np.where(x > threshold, x, negative_slope * (x - threshold))
    return y if max_value is None else np.minimum(y, max_value)


@relu.derivative
def _relu_gradient(
    dy: Array,
    x: Array,
    y: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    slope = np.where(x > threshold, x.dtype.type(1), x.dtype.type(negative_slope))
    if max_value is not None:
        slope = np.where(x < max_value, slope, x.dtype.type(0))
    return dy * slope


@relu.in_place
def relu_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """y = max(x, 0); dx = dy where y > 0, else 0."""
    # Multiplying by a mask of booleans would convert it each time.
    slope = np.empty(shape, dtype)
    zero, zeros = np.zeros((), dtype), zeros_like(shape, dtype)

    def forward(x: Array) -> Array:
        return np.maximum(x, zeros, out=x)

    def backward(dy: Array, y: Array) -> Array:
        np.greater(y, zero, out=slope)
        return np.multiply(dy, slope, out=dy)

    return InPlace(forward, backward)


@REGISTRY.register()
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """y = x for x >= 0, negative_slope * x below."""
    return np.where(x >= 0, x, negative_slope * x)


@leaky_relu.derivative
def _leaky_relu_gradient(dy: Array, x: Array, y: Array, negative_slope: float = 0.2) -> Array:
    return np.where(x >= 0, dy, negative_slope * dy)


@REGISTRY.register()
def relu6(x: Array) -> Array:
    """y = min(max(x, 0), 6)."""
    return np.clip(x, 0, 6)


@relu6.derivative
def _relu6_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * ((x > 0) & (x < 6))


@REGISTRY.register()
def elu(x: Array, alpha: float = 1.0) -> Array:
    """y = x for x > 0, alpha (e^x - 1) below (Clevert et al. 2015)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@elu.derivative
def _elu_gradient(dy: Array, x: Array, y: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, dy, dy * (y + alpha))


@REGISTRY.register()
def celu(x: Array, alpha: float = 1.0) -> Array:
    """y = x for x > 0, alpha (e^(x / alpha) - 1) below (Barron 2017)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


@celu.derivative
def _celu_gradient(dy: Array, x: Array, y: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, dy, dy * (y / alpha + 1))


SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


@REGISTRY.register()
def selu(x: Array) -> Array:
    """y = scale * elu(x, alpha), with the constants of Klambauer et al. 2017."""
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


@selu.derivative
def _selu_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * np.where(x > 0, x.dtype.type(SELU_SCALE), y + x.dtype.type(SELU_SCALE * SELU_ALPHA))


@REGISTRY.register()
def exponential(x: Array) -> Array:
    """y = e^x."""
    with np.errstate(over="ignore"):
        return np.exp(x)


@exponential.derivative
def _exponential_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * y

"""Piecewise linear activations."""

import math
from typing import Any

import numpy as np

from service.nn.activations.activation import REGISTRY, Array, InPlace

# More numbers leave the cache, where a second array to read costs more than it saves.
CACHED = 1 << 18


def zeros_like(shape: tuple[int, ...], dtype: Any) -> Array:
    """What to compare an array of this shape with for its positive part.

    NumPy takes the larger of two arrays in whole registers, that of an array and a number one after another.
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


@REGISTRY.register(output_range=(0, math.inf), can_die=True)
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


@leaky_relu.in_place
def leaky_relu_in_place(shape: tuple[int, ...], dtype: Any, negative_slope: float = 0.2) -> InPlace | None:
    """y = max(x, slope x); dx = dy (slope + (1 - slope) [y >= 0]); only for slopes from 0 up to 1."""
    if not 0 <= negative_slope < 1:
        return None
    factor, zero = np.empty(shape, dtype), np.zeros((), dtype)
    slope, rest = np.asarray(negative_slope, dtype), np.asarray(1 - negative_slope, dtype)

    def forward(x: Array) -> Array:
        np.multiply(x, slope, out=factor)
        return np.maximum(x, factor, out=x)

    def backward(dy: Array, y: Array) -> Array:
        np.greater_equal(y, zero, out=factor)
        np.multiply(factor, rest, out=factor)
        np.add(factor, slope, out=factor)
        return np.multiply(dy, factor, out=dy)

    return InPlace(forward, backward)


@REGISTRY.register(output_range=(0, 6), can_die=True)
def relu6(x: Array) -> Array:
    """y = min(max(x, 0), 6)."""
    return np.clip(x, 0, 6)


@relu6.derivative
def _relu6_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * ((x > 0) & (x < 6))

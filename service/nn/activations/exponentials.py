"""Activations that are exponential below zero, or everywhere."""

import math
from typing import Any

import numpy as np

from service.nn.activations.activation import REGISTRY, Array, InPlace
from service.nn.activations.rectifiers import zeros_like


@REGISTRY.register(output_range=(-1, math.inf))
def elu(x: Array, alpha: float = 1.0) -> Array:
    """y = x for x > 0, alpha (e^x - 1) below (Clevert et al. 2015)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@elu.derivative
def _elu_gradient(dy: Array, x: Array, y: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, dy, dy * (y + alpha))


@elu.in_place
def elu_in_place(shape: tuple[int, ...], dtype: Any, alpha: float = 1.0) -> InPlace:
    """The same over fixed memory."""
    return scaled_elu_in_place(shape, dtype, 1.0, alpha)


def scaled_elu_in_place(shape: tuple[int, ...], dtype: Any, scale: float, alpha: float) -> InPlace:
    """y = scale (max(x, 0) + alpha expm1(min(x, 0))); dx = dy (min(y, 0) + scale alpha), but scale dy above zero."""
    below, zero, zeros = np.empty(shape, dtype), np.zeros((), dtype), zeros_like(shape, dtype)
    above, size, lowest = (np.asarray(value, dtype) for value in (scale - scale * alpha, scale, scale * alpha))
    slope = np.empty(shape if above else (), dtype)

    def forward(x: Array) -> Array:
        np.minimum(x, zeros, out=below)
        np.expm1(below, out=below)
        np.maximum(x, zeros, out=x)
        if lowest != 1:
            np.multiply(below, lowest, out=below)
        if size != 1:
            np.multiply(x, size, out=x)
        return np.add(x, below, out=x)

    def backward(dy: Array, y: Array) -> Array:
        np.minimum(y, zeros, out=below)
        np.add(below, lowest, out=below)
        if above:
            np.greater(y, zero, out=slope)
            np.multiply(slope, above, out=slope)
            np.add(below, slope, out=below)
        return np.multiply(dy, below, out=dy)

    return InPlace(forward, backward)


@REGISTRY.register(output_range=(-1, math.inf))
def celu(x: Array, alpha: float = 1.0) -> Array:
    """y = x for x > 0, alpha (e^(x / alpha) - 1) below (Barron 2017)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


@celu.derivative
def _celu_gradient(dy: Array, x: Array, y: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, dy, dy * (y / alpha + 1))


SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


@REGISTRY.register(output_range=(-SELU_SCALE * SELU_ALPHA, math.inf))
def selu(x: Array) -> Array:
    """y = scale * elu(x, alpha), with the constants of Klambauer et al. 2017."""
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


@selu.derivative
def _selu_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * np.where(x > 0, x.dtype.type(SELU_SCALE), y + x.dtype.type(SELU_SCALE * SELU_ALPHA))


@selu.in_place
def selu_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """The same over fixed memory."""
    return scaled_elu_in_place(shape, dtype, SELU_SCALE, SELU_ALPHA)


@REGISTRY.register(output_range=(0, math.inf))
def exponential(x: Array) -> Array:
    """y = e^x."""
    with np.errstate(over="ignore"):
        return np.exp(x)


@exponential.derivative
def _exponential_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * y

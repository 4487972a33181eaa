"""Activations that tie the units of a row together."""

from typing import Any

import numpy as np

from service.nn.activations.activation import REGISTRY, Array, InPlace
from service.nn.activations.sigmoids import sigmoid
from service.nn.meaning import Outputs


@REGISTRY.register(outputs=Outputs.DISTRIBUTION)
def softmax(x: Array, axis: int = -1) -> Array:
    """y = e^x / sum e^x along `axis`, shifted by the maximum so that nothing overflows."""
    y = np.exp(x - x.max(axis=axis, keepdims=True))
    return y / y.sum(axis=axis, keepdims=True)


@softmax.derivative
def _softmax_gradient(dy: Array, x: Array, y: Array, axis: int = -1) -> Array:
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


FEW_UNITS = 32
NO_OVERFLOW = 80.0**2


@softmax.in_place
def softmax_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """The same with every intermediate in one buffer.

    Small inputs need no shift: a sum of squares below 80^2 tells that no e^x can overflow, nor all of a row vanish.
    A product with a square of ones sums the rows and spreads the sums in one go.
    """
    if len(shape) != 2:
        return softmax_of_any_rank(shape, dtype)
    row = np.empty((shape[0], 1), dtype)
    starts = np.arange(0, shape[0] * shape[1], shape[1])
    few = shape[1] <= FEW_UNITS
    square = np.ones((shape[1], shape[1] if few else 1), dtype)
    sums = np.empty((shape[0], square.shape[1]), dtype)
    ones = np.ones((shape[1], 1), dtype)
    product = np.empty(shape, dtype)

    def forward(x: Array) -> Array:
        flat = x.reshape(-1)
        if not np.dot(flat, flat) < NO_OVERFLOW:
            np.subtract(x, np.maximum.reduceat(flat, starts)[:, None], out=x)
        np.exp(x, out=x)
        np.dot(x, square, out=sums)
        return np.divide(x, sums, out=x)

    def backward(dy: Array, y: Array) -> Array:
        np.multiply(dy, y, out=product)
        np.dot(product, ones, out=row)
        np.subtract(dy, row, out=dy)
        return np.multiply(dy, y, out=dy)

    return InPlace(forward, backward)


def softmax_of_any_rank(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """The plain form, for inputs that are not rows of units."""
    return InPlace(softmax, lambda dy, y: _softmax_gradient(dy, y, y))


@REGISTRY.register(outputs=Outputs.LOG_DISTRIBUTION)
def log_softmax(x: Array, axis: int = -1) -> Array:
    """y = x - log sum e^x along `axis`."""
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@log_softmax.derivative
def _log_softmax_gradient(dy: Array, x: Array, y: Array, axis: int = -1) -> Array:
    return dy - np.exp(y) * dy.sum(axis=axis, keepdims=True)


@REGISTRY.register(outputs=Outputs.DISTRIBUTION)
def sparsemax(x: Array, axis: int = -1) -> Array:
    """The point of the probability simplex nearest to x (Martins & Astudillo 2016)."""
    ordered = -np.sort(-x, axis=axis)
    total = np.cumsum(ordered, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    rank = np.arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape(shape)
    support = 1 + rank * ordered > total
    size = support.sum(axis=axis, keepdims=True)
    threshold = (np.take_along_axis(total, size - 1, axis=axis) - 1) / size.astype(x.dtype)
    return np.maximum(x - threshold, 0)


@sparsemax.derivative
def _sparsemax_gradient(dy: Array, x: Array, y: Array, axis: int = -1) -> Array:
    support = y > 0
    mean = (dy * support).sum(axis=axis, keepdims=True) / support.sum(axis=axis, keepdims=True).astype(dy.dtype)
    return support * (dy - mean)


@REGISTRY.register()
def glu(x: Array, axis: int = -1) -> Array:
    """y = a sigmoid(b), where a and b are the halves of x along `axis` (Dauphin et al. 2017); halves the axis."""
    if x.shape[axis] % 2:
        raise ValueError(f"glu needs an even number of units; received {x.shape[axis]}.")
    a, b = np.split(x, 2, axis=axis)
    return a * sigmoid(b)


@glu.derivative
def _glu_gradient(dy: Array, x: Array, y: Array, axis: int = -1) -> Array:
    a, b = np.split(x, 2, axis=axis)
    gate = sigmoid(b)
    return np.concatenate([dy * gate, dy * a * gate * (1 - gate)], axis=axis)

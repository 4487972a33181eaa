"""S-shaped activations and the gates made of them."""

import math
from typing import Any

import numpy as np

from service.nn.activations.activation import REGISTRY, Array, InPlace
from service.nn.activations.rectifiers import zeros_like
from service.nn.meaning import Outputs

# Beyond it e^-x leaves float32; the result, 1.6e-38, is already zero for every purpose.
SATURATION = -87.0


@REGISTRY.register(outputs=Outputs.PROBABILITIES)
def sigmoid(x: Array) -> Array:
    """y = 1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-np.maximum(x, SATURATION)))


@sigmoid.derivative
def _sigmoid_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * y * (1 - y)


@sigmoid.in_place
def sigmoid_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """The same with every intermediate in one buffer."""
    slope = np.empty(shape, dtype)
    lowest, one = np.asarray(SATURATION, dtype), np.ones((), dtype)

    def forward(x: Array) -> Array:
        np.maximum(x, lowest, out=x)
        np.negative(x, out=x)
        np.exp(x, out=x)
        np.add(x, one, out=x)
        return np.reciprocal(x, out=x)

    def backward(dy: Array, y: Array) -> Array:
        np.subtract(one, y, out=slope)
        np.multiply(slope, y, out=slope)
        return np.multiply(dy, slope, out=dy)

    return InPlace(forward, backward)


@REGISTRY.register(output_range=(-1, 1))
def tanh(x: Array) -> Array:
    """y = tanh x."""
    return np.tanh(x)


@tanh.derivative
def _tanh_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * (1 - y * y)


@tanh.in_place
def tanh_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """The same with every intermediate in one buffer."""
    slope = np.empty(shape, dtype)
    one = np.ones((), dtype)

    def forward(x: Array) -> Array:
        return np.tanh(x, out=x)

    def backward(dy: Array, y: Array) -> Array:
        np.multiply(y, y, out=slope)
        np.subtract(one, slope, out=slope)
        return np.multiply(dy, slope, out=dy)

    return InPlace(forward, backward)


@REGISTRY.register(output_range=(0, math.inf))
def softplus(x: Array) -> Array:
    """y = log(1 + e^x)."""
    return np.logaddexp(x, x.dtype.type(0))


@softplus.derivative
def _softplus_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * sigmoid(x)


@softplus.in_place
def softplus_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """y = max(x, 0) + log(1 + e^-|x|); dx = dy (1 - e^-y), which is dy sigmoid(x)."""
    rest, zeros = np.empty(shape, dtype), zeros_like(shape, dtype)

    def forward(x: Array) -> Array:
        np.abs(x, out=rest)
        np.negative(rest, out=rest)
        np.exp(rest, out=rest)
        np.log1p(rest, out=rest)
        np.maximum(x, zeros, out=x)
        return np.add(x, rest, out=x)

    def backward(dy: Array, y: Array) -> Array:
        np.negative(y, out=rest)
        np.expm1(rest, out=rest)
        np.negative(rest, out=rest)
        return np.multiply(dy, rest, out=dy)

    return InPlace(forward, backward)


@REGISTRY.register(outputs=Outputs.LOG_PROBABILITIES)
def log_sigmoid(x: Array) -> Array:
    """y = log sigmoid(x) = -softplus(-x)."""
    return -np.logaddexp(-x, x.dtype.type(0))


@log_sigmoid.derivative
def _log_sigmoid_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * sigmoid(-x)


@REGISTRY.register(output_range=(-1, 1))
def softsign(x: Array) -> Array:
    """y = x / (1 + |x|)."""
    return x / (1 + np.abs(x))


@softsign.derivative
def _softsign_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy / np.square(1 + np.abs(x))


@REGISTRY.register("swish", output_range=(-0.2785, math.inf))
def silu(x: Array) -> Array:
    """y = x sigmoid(x) (Ramachandran et al. 2017)."""
    return x * sigmoid(x)


@silu.derivative
def _silu_gradient(dy: Array, x: Array, y: Array) -> Array:
    s = sigmoid(x)
    return dy * (s + y * (1 - s))


@silu.in_place
def silu_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """The same with sigmoid(x) kept for the way back."""
    s, y_kept, slope = (np.empty(shape, dtype) for _ in range(3))
    one = np.ones((), dtype)
    squash = sigmoid_in_place(shape, dtype).forward

    def forward(x: Array) -> Array:
        np.copyto(s, x)
        squash(s)
        return np.multiply(x, s, out=y_kept)

    def backward(dy: Array, y: Array) -> Array:
        np.subtract(one, s, out=slope)
        np.multiply(slope, y, out=slope)
        np.add(slope, s, out=slope)
        return np.multiply(dy, slope, out=dy)

    return InPlace(forward, backward)


@REGISTRY.register(output_range=(-0.3089, math.inf))
def mish(x: Array) -> Array:
    """y = x tanh(softplus(x)) (Misra 2019)."""
    return x * np.tanh(softplus(x))


@mish.derivative
def _mish_gradient(dy: Array, x: Array, y: Array) -> Array:
    t = np.tanh(softplus(x))
    return dy * (t + x * (1 - t * t) * sigmoid(x))


@mish.in_place
def mish_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace:
    """The same with x, t = tanh(softplus(x)) and sigmoid(x) kept: dx = dy (t + x (1 - t^2) sigmoid(x))."""
    kept, t, s, slope = (np.empty(shape, dtype) for _ in range(4))
    one = np.ones((), dtype)
    soft = softplus_in_place(shape, dtype)

    def forward(x: Array) -> Array:
        np.copyto(kept, x)
        soft.forward(x)
        s.fill(1)
        soft.backward(s, x)
        np.tanh(x, out=t)
        return np.multiply(kept, t, out=x)

    def backward(dy: Array, y: Array) -> Array:
        np.multiply(t, t, out=slope)
        np.subtract(one, slope, out=slope)
        np.multiply(slope, kept, out=slope)
        np.multiply(slope, s, out=slope)
        np.add(slope, t, out=slope)
        return np.multiply(dy, slope, out=dy)

    return InPlace(forward, backward)


@REGISTRY.register(output_range=(0, math.inf))
def squareplus(x: Array, b: float = 4) -> Array:
    """y = (x + sqrt(x^2 + b)) / 2 (Barron 2021)."""
    return (x + np.sqrt(x * x + b)) / 2


@squareplus.derivative
def _squareplus_gradient(dy: Array, x: Array, y: Array, b: float = 4) -> Array:
    return dy * (1 + x / np.sqrt(x * x + b)) / 2


@REGISTRY.register()
def tanh_shrink(x: Array) -> Array:
    """y = x - tanh x."""
    return x - np.tanh(x)


@tanh_shrink.derivative
def _tanh_shrink_gradient(dy: Array, x: Array, y: Array) -> Array:
    return dy * np.square(x - y)

"""The activation that weighs its input by the normal distribution."""

import math
from typing import Any

import numpy as np

from service.nn.activations import erf
from service.nn.activations.activation import REGISTRY, Array, InPlace


@REGISTRY.register(output_range=(-0.17, math.inf))
def gelu(x: Array, approximate: bool = False) -> Array:
    """y = x Phi(x), Phi the normal distribution; `approximate` takes its tanh form (Hendrycks & Gimpel 2016)."""
    if approximate:
        return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * erf.normal_distribution(x)


@gelu.derivative
def _gelu_gradient(dy: Array, x: Array, y: Array, approximate: bool = False) -> Array:
    if approximate:
        c = math.sqrt(2 / math.pi)
        t = np.tanh(c * (x + 0.044715 * x**3))
        return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x))
    density = np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return dy * (erf.normal_distribution(x) + x * density)


@gelu.in_place
def gelu_in_place(shape: tuple[int, ...], dtype: Any) -> InPlace | None:
    """The same in float32 with Phi kept for the way back: dx = dy (Phi(x) + x phi(x)); absolute error below 1e-6."""
    if np.dtype(dtype) != np.float32:
        return None
    kept, y_kept, probability, slope = (np.empty(shape, dtype) for _ in range(4))
    distribute = erf.connect_normal_distribution(kept, probability)
    exponent, height = np.asarray(-0.5, dtype), np.asarray(1 / math.sqrt(2 * math.pi), dtype)

    def forward(x: Array) -> Array:
        np.copyto(kept, x)
        distribute()
        return np.multiply(x, probability, out=y_kept)

    def backward(dy: Array, y: Array) -> Array:
        np.square(kept, out=slope)
        np.multiply(slope, exponent, out=slope)
        np.exp(slope, out=slope)
        np.multiply(slope, height, out=slope)
        np.multiply(slope, kept, out=slope)
        np.add(slope, probability, out=slope)
        return np.multiply(dy, slope, out=dy)

    return InPlace(forward, backward)

"""Probabilities that are made less sure, or surer."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from service.nn import activations
from service.nn.arguments import Range
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape

SMALLEST = 1e-37
"""A smaller probability is taken for this one, whose logarithm is a number."""


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Temperature(Layer):
    """y = softmax(log(x) / temperature) for probabilities x (Guo et al. 2017, "On Calibration").

    That is the softmax of the logits that x came from, divided by the temperature. With `independent` each x is a
    probability by itself, as those of sigmoid, and y = sigmoid((log(x) - log(1 - x)) / temperature).
    """

    in_keras = False
    fuses: ClassVar[bool] = False

    temperature: Annotated[float, Range(above=0)] = 1.0
    independent: bool = False

    @property
    def output_activation(self) -> str | None:
        """The activation whose outputs these could be."""
        return "sigmoid" if self.independent else "softmax"

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = dz / temperature / x, of dz before the softmax; / (x (1 - x)) where probabilities are independent."""
        share = np.asarray(1 / self.temperature, setting.dtype)
        apart, slope = self.independent, np.empty(shape, setting.dtype)
        activate, deactivate = activations.REGISTRY.get(self.output_activation).connect(shape, setting.dtype)

        y = slope

        def forward(x: Array) -> Array:
            nonlocal y
            p = np.maximum(x, SMALLEST)
            z = np.log(p)
            np.divide(share, p, out=slope)
            if apart:
                left = np.maximum(1 - x, SMALLEST)
                z -= np.log(left)
                np.add(slope, share / left, out=slope)
                slope[left == SMALLEST] = 0
            slope[p == SMALLEST] = 0
            y = activate(z * share)
            return y

        def backward(dy: Array) -> Array:
            return np.multiply(deactivate(dy, y), slope, out=dy)

        return Pass(forward, backward)

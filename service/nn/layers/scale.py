"""Layers that rescale or bound each unit by itself."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn.arguments import ArgumentError, Of, Range
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape, require_width


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Scale(Layer):
    """y = x scale, with a learned factor for each unit: a soft selection of features (Holzmueller et al. 2024)."""

    in_keras = False

    scale_initializer: Annotated[Any, Of("initializer")] = "ones"
    scale_regularizer: Annotated[Any, Of("regularizer")] = None
    scale_constraint: Annotated[Any, Of("constraint")] = None

    def build(self, input_shape: Shape) -> None:
        """One factor for each unit of the last axis."""
        self.scale = self.add_weight(
            (require_width(self, input_shape),),
            self.scale_initializer,
            "scale",
            regularizer=self.scale_regularizer,
            constraint=self.scale_constraint,
        )
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = dy scale; dscale = the sum over rows of dy x."""
        scale, gradient, learns = self.scale.value, self.scale.gradient, self.trainable
        y = np.empty(shape, setting.dtype)
        ones, needs_dx = np.ones(y.size // shape[-1], setting.dtype), setting.needs_input_gradient
        x, product = y, y  # the output, which the backward pass no longer needs

        def forward(inputs: Array) -> Array:
            nonlocal x
            x = inputs
            return np.multiply(x, scale, out=y)

        def backward(dy: Array) -> Array:
            if learns:
                np.multiply(dy, x, out=product)
                np.dot(ones, product.reshape(-1, shape[-1]), out=gradient)
            return np.multiply(dy, scale, out=dy) if needs_dx else dy

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class SmoothClip(Layer):
    """y = x / sqrt(1 + (x / max_value)^2), which stays between -max_value and max_value (Holzmueller et al. 2024)."""

    in_keras = False
    rescales_inputs = True

    max_value: Annotated[float, Range(above=0)] = 3.0

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = dy / sqrt(1 + (x / max_value)^2)^3."""
        y, root = np.empty(shape, setting.dtype), np.empty(shape, setting.dtype)
        share, one = np.asarray(1 / self.max_value, setting.dtype), np.ones((), setting.dtype)

        def forward(x: Array) -> Array:
            np.multiply(x, share, out=root)
            np.hypot(root, one, out=root)  # which does not overflow
            return np.divide(x, root, out=y)

        def backward(dy: Array) -> Array:
            np.multiply(np.square(root), root, out=root)
            return np.divide(dy, root, out=dy)

        return Pass(forward, backward)


LARGEST = float(np.finfo(np.float32).max)
NO_LIMIT = LARGEST / 2
"""A bound that is larger is none: no targets were seen."""


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Clamp(Layer):
    """y = x in training, and in inference the nearest number within [minimum, maximum] (Holzmueller et al. 2024).

    A bound that is not given is that of the targets of the training rows, for each unit. Both are kept as weights.
    """

    in_keras = False

    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if not all(map(math.isfinite, given)):
            raise ArgumentError("minimum", "a finite number", given)
        if len(given) == 2 and given[0] > given[1]:
            raise ArgumentError("maximum", f"at least minimum ({self.minimum:g})", self.maximum)

    def build(self, input_shape: Shape) -> None:
        """Both bounds for each unit of the last axis; no bounds as long as no targets were seen."""
        shape = (require_width(self, input_shape),)
        self.bounds = [
            self.add_weight(shape, _constant(self.minimum, -LARGEST), "minimum", trainable=False),
            self.add_weight(shape, _constant(self.maximum, LARGEST), "maximum", trainable=False),
        ]
        super().build(input_shape)

    @property
    def initializes_from_data(self) -> bool:
        """Whether a bound was left to the targets."""
        return self.minimum is None or self.maximum is None

    def initialize_from(self, x: Array, y: Array) -> None:
        """Takes the bounds that were not given from the targets."""
        y, (low, high) = y.reshape(len(y), -1), self.bounds
        if y.shape[1:] != low.shape:
            raise ArgumentError("y", f"of {low.shape[0]} numbers for each row, whose range the layer takes", y.shape)
        if self.minimum is None:
            low.assign(y.min(axis=0))
        if self.maximum is None:
            high.assign(y.max(axis=0))

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """Two passes in inference, none in training."""
        if setting.training:
            return Pass(lambda x: x, lambda dy: dy)
        low, high = (bound.value for bound in self.bounds)
        y = np.empty(shape, setting.dtype)

        def forward(x: Array) -> Array:
            np.maximum(x, low, out=y)
            return np.minimum(y, high, out=y)

        def backward(dy: Array) -> Array:
            return np.multiply(dy, (y > low) & (y < high), out=dy)

        return Pass(forward, backward)


def _constant(given: float | None, otherwise: float) -> dict[str, Any]:
    return {"class_name": "Constant", "value": otherwise if given is None else given}

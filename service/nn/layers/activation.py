"""Activations as layers of their own."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn import activations
from service.nn.arguments import ArgumentError, Of, Range
from service.nn.layers.affine import axes_of
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape
from service.nn.variable import Variable


class _ActivationLayer(Layer):
    """An activation without weights; subclasses say which and with which arguments."""

    def _function(self) -> tuple[activations.Activation, dict[str, Any]]:
        raise NotImplementedError

    @property
    def output_activation(self) -> str | None:
        """The activation's name, where its arguments are the defaults."""
        function, arguments = self._function()
        return None if arguments else function.name

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """The activation's passes on a copy of the input."""
        function, arguments = self._function()
        activate, deactivate = function.connect(shape, setting.dtype, **arguments)
        buffer = np.empty(shape, setting.dtype)
        fused = setting.fused
        y = buffer

        def forward(x: Array) -> Array:
            nonlocal y
            np.copyto(buffer, x)
            y = activate(buffer)
            return y

        def backward(dy: Array) -> Array:
            return dy if fused else deactivate(dy, y)

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Activation(_ActivationLayer):
    """y = activation(x)."""

    activation: Annotated[Any, Of("activation")]
    activity_regularizer: Annotated[Any, Of("regularizer")] = None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same, or half the units for glu."""
        halves = activations.REGISTRY.get(self.activation).name == "glu"
        return (*input_shape[:-1], input_shape[-1] // 2) if halves else tuple(input_shape)

    def _function(self) -> tuple[activations.Activation, dict[str, Any]]:
        return activations.REGISTRY.get(self.activation), {}


@REGISTRY.register("relu")
@dataclass(eq=False, repr=False)
class ReLU(_ActivationLayer):
    """y = x above `threshold` (at most `max_value`), negative_slope * (x - threshold) below."""

    max_value: Annotated[float, Range(minimum=0)] | None = None
    negative_slope: Annotated[float, Range(minimum=0)] = 0.0
    threshold: Annotated[float, Range(minimum=0)] = 0.0

    def _function(self) -> tuple[activations.Activation, dict[str, Any]]:
        if self.max_value is None and not self.negative_slope and not self.threshold:
            return activations.relu, {}
        arguments = {
            "negative_slope": self.negative_slope,
            "max_value": self.max_value,
            "threshold": self.threshold,
        }
        return activations.relu, arguments


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class LeakyReLU(_ActivationLayer):
    """y = x for x >= 0, negative_slope * x below."""

    negative_slope: Annotated[float, Range(minimum=0)] = 0.3

    def _function(self) -> tuple[activations.Activation, dict[str, Any]]:
        return activations.leaky_relu, {"negative_slope": self.negative_slope}


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class ELU(_ActivationLayer):
    """y = x for x > 0, alpha (e^x - 1) below."""

    alpha: float = 1.0

    def _function(self) -> tuple[activations.Activation, dict[str, Any]]:
        return activations.elu, {"alpha": self.alpha}


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Softmax(_ActivationLayer):
    """y = e^x / sum e^x along `axis`."""

    axis: int = -1

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        axes_of(self.axis, len(input_shape))
        return tuple(input_shape)

    def _function(self) -> tuple[activations.Activation, dict[str, Any]]:
        return activations.softmax, {} if self.axis == -1 else {"axis": self.axis}


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class PReLU(Layer):
    """y = x for x >= 0, alpha * x below, where alpha is learned for each unit (He et al. 2015)."""

    alpha_initializer: Annotated[Any, Of("initializer")] = "Zeros"
    alpha_regularizer: Annotated[Any, Of("regularizer")] = None
    alpha_constraint: Annotated[Any, Of("constraint")] = None
    shared_axes: int | list | tuple | None = None  # type: ignore[type-arg]

    def build(self, input_shape: Shape) -> None:
        """One alpha for each place of a row; axes in `shared_axes` share it."""
        shape = list(input_shape[1:])
        shared = [self.shared_axes] if isinstance(self.shared_axes, int) else list(self.shared_axes or [])
        for axis in shared:
            if not 1 <= axis <= len(shape):
                raise ArgumentError("shared_axes", f"between 1 and {len(shape)}", axis)
            shape[axis - 1] = 1
        self.alpha: Variable = self.add_weight(
            tuple(shape),
            self.alpha_initializer,
            "alpha",
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = dy or alpha dy; dalpha = the sum over rows of dy min(x, 0)."""
        alpha, alpha_gradient = self.alpha.value, self.alpha.gradient
        summed = (
            0,
            *(axis + 1 for axis, size in enumerate(alpha.shape) if size == 1 and shape[axis + 1] != 1),
        )
        x: Array = np.empty(0)

        def forward(inputs: Array) -> Array:
            nonlocal x
            x = inputs
            return np.where(x >= 0, x, alpha * x)

        def backward(dy: Array) -> Array:
            if self.trainable:
                alpha_gradient[...] = (dy * np.minimum(x, 0)).sum(axis=summed).reshape(alpha.shape)
            return np.where(x >= 0, dy, alpha * dy)

        return Pass(forward, backward)

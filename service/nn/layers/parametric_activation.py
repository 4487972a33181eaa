"""An activation whose strength is learned for each unit."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn import activations
from service.nn.arguments import ArgumentError, Of
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape, require_width


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class ParametricActivation(Layer):
    """y = x + alpha (activation(x) - x), with an alpha learned for each unit (Holzmueller et al. 2024).

    An alpha of 0 is the identity, of 1 the activation.
    """

    in_keras = False

    activation: Annotated[Any, Of("activation")]
    alpha_initializer: Annotated[Any, Of("initializer")] = "ones"
    alpha_regularizer: Annotated[Any, Of("regularizer")] = None
    alpha_constraint: Annotated[Any, Of("constraint")] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if activations.REGISTRY.get(self.activation).name == "glu":
            raise ArgumentError("activation", "one that keeps the number of units", self.activation)

    def build(self, input_shape: Shape) -> None:
        """One alpha for each unit of the last axis."""
        self.alpha = self.add_weight(
            (require_width(self, input_shape),),
            self.alpha_initializer,
            "alpha",
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = dy - alpha dy + f'(alpha dy); dalpha = the sum over rows of dy (f(x) - x)."""
        activate, deactivate = activations.REGISTRY.get(self.activation).connect(shape, setting.dtype)
        alpha, gradient, learns = self.alpha.value, self.alpha.gradient, self.trainable
        active, difference, y = (np.empty(shape, setting.dtype) for _ in range(3))
        ones, product = np.ones(y.size // shape[-1], setting.dtype), y  # which the backward pass no longer needs
        add, subtract, multiply = np.add, np.subtract, np.multiply
        answer = active

        def forward(x: Array) -> Array:
            nonlocal answer
            np.copyto(active, x)
            answer = activate(active)
            subtract(answer, x, out=difference)
            multiply(difference, alpha, out=y)
            return add(y, x, out=y)

        def backward(dy: Array) -> Array:
            if learns:
                multiply(dy, difference, out=product)
                np.dot(ones, product.reshape(-1, shape[-1]), out=gradient)
            multiply(dy, alpha, out=product)
            subtract(dy, product, out=dy)
            return add(dy, deactivate(product, answer), out=dy)

        return Pass(forward, backward)

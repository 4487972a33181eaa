"""What a case runs on: the Keras-like module and a way to ask it for derivatives.

A case is a function of an `Engine`. While recording, the engine is real Keras and its derivatives come from
`jax.grad` (see `record.py`); in a test it is `service.nn` and its own `gradient` methods. Everything else in
a case is written against Keras's public API, once for both.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Outcome = dict[str, Any]
"""What a case computed: named arrays, numbers or lists of numbers."""


class Engine(Protocol):
    """A module with Keras's names, and the derivatives of what it offers."""

    keras: Any

    def activation_gradient(self, name: str, x: Array, dy: Array, options: Mapping[str, Any]) -> Any:
        """The gradient with respect to `x` of the activation `name`, given that of its output."""

    def loss_gradient(self, loss: Any, y_true: Any, y_pred: Array) -> Any:
        """The derivative of the sum of `loss.call(y_true, y_pred)` with respect to `y_pred`."""

    def penalty(self, regularizer: Any, weights: Array) -> tuple[Any, Any]:
        """The penalty and its derivative with respect to the weights."""


Case = Callable[[Engine], Outcome]


class OurEngine:
    """`service.nn`: imported on first use, so that collecting the tests does not need it."""

    def __init__(self) -> None:
        from service import nn

        self.keras: Any = nn

    def activation_gradient(self, name: str, x: Array, dy: Array, options: Mapping[str, Any]) -> Any:
        """Ask the activation itself."""
        activation = self.keras.activations.get(name)
        return activation.gradient(dy, x, activation(x, **options), **options)

    def loss_gradient(self, loss: Any, y_true: Any, y_pred: Array) -> Any:
        """Ask the loss itself."""
        return loss.gradient(y_true, y_pred)

    def penalty(self, regularizer: Any, weights: Array) -> tuple[Any, Any]:
        """Ask the regularizer itself."""
        return regularizer(weights), regularizer.gradient(weights)

"""A weight of a layer, and the flat buffers that all trainable weights of a model live in."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from service.nn.constraints import Constraint
from service.nn.initializers import Initializer
from service.nn.regularizers import Regularizer

Array = np.ndarray[Any, Any]


class Variable:
    """One weight: its value, its gradient, and what holds it in place."""

    def __init__(
        self,
        name: str,
        value: Array,
        *,
        initializer: Initializer,
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
        trainable: bool = True,
    ) -> None:
        self.name = name
        self.path = name
        self.value = value
        self.gradient = np.zeros_like(value)
        self.initializer = initializer
        self.regularizer = regularizer
        self.constraint = constraint
        self.trainable = trainable
        self.place = slice(0, 0)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.shape

    def numpy(self) -> Array:
        """A copy of the value."""
        return self.value.copy()

    def assign(self, value: Any) -> None:
        """Overwrites the value in place; ValueError unless the shape is the same."""
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(f"Weight {self.path!r} has shape {self.shape}; received shape {value.shape}.")
        self.value[...] = value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype=dtype)

    def __repr__(self) -> str:
        return f"<Variable {self.path} {self.shape} {self.value.dtype}>"


class PlannedVariable(Variable):
    """A weight of which only the shape is decided: it takes no memory, however large it is to be."""

    def __init__(self, name: str, shape: tuple[int, ...], *, initializer: Initializer, trainable: bool) -> None:
        super().__init__(name, np.empty(0), initializer=initializer, trainable=trainable)
        self._shape = tuple(shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value that it is to have."""
        return self._shape

    def assign(self, value: Any) -> None:
        """Changes nothing: there is no value yet."""


class Parameters:
    """All trainable weights as one flat buffer, so that an optimizer is a few passes over whole arrays.

    `values` and `gradients` are one-dimensional; each variable's value and gradient become views of them.
    """

    def __init__(self, variables: Sequence[Variable], dtype: Any) -> None:
        self.variables = list(variables)
        size = sum(math.prod(variable.shape) for variable in self.variables)
        self.values = np.empty(size, dtype)
        self.gradients = np.zeros(size, dtype)
        self.slices: list[slice] = []
        offset = 0
        for variable in self.variables:
            part = slice(offset, offset + math.prod(variable.shape))
            self.slices.append(part)
            self.values[part] = variable.value.ravel()
            variable.value = self.values[part].reshape(variable.shape)
            variable.gradient = self.gradients[part].reshape(variable.shape)
            variable.place = part
            offset = part.stop

    @contextlib.contextmanager
    def gradients_in(self, other: Array) -> Iterator[None]:
        """Makes the gradients views of `other` inside the `with` block: layers connected there store them in it."""
        own = self.gradients
        self._place_gradients(other)
        try:
            yield
        finally:
            self._place_gradients(own)

    def _place_gradients(self, flat: Array) -> None:
        self.gradients = flat
        for variable, view in zip(self.variables, self.like(flat), strict=True):
            variable.gradient = view

    def joined(self, kernel: Variable, bias: Variable) -> tuple[Array, Array] | None:
        """Kernel and bias as one matrix (features + 1, units) and its gradient; None unless they lie side by side."""
        if kernel not in self.variables or bias not in self.variables or bias.place.start != kernel.place.stop:
            return None
        place, shape = slice(kernel.place.start, bias.place.stop), (kernel.shape[0] + 1, kernel.shape[1])
        return self.values[place].reshape(shape), self.gradients[place].reshape(shape)

    def like(self, flat: Array) -> list[Array]:
        """Views of a flat array of the same size, one of each variable's shape."""
        return [flat[part].reshape(variable.shape) for part, variable in zip(self.slices, self.variables, strict=True)]

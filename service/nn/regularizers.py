"""Penalties on weights or outputs, added to the loss; each with its gradient."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from service.nn import registry
from service.nn.arguments import ArgumentError, Range
from service.nn.registry import Configurable, Registry

Array = np.ndarray[Any, Any]


class Regularizer(Configurable):
    """A penalty: `r(w)` is its value, `r.gradient(w)` its derivative by w."""

    keras_module: ClassVar[str] = "keras.regularizers"

    def __call__(self, x: Array) -> float:
        raise NotImplementedError

    def gradient(self, x: Array) -> Array:
        """Derivative of the penalty, shape of x."""
        raise NotImplementedError


REGISTRY: Registry[Regularizer] = Registry("regularizer")


@REGISTRY.register()
@dataclass
class L1(Regularizer):
    """l1 * sum |w|."""

    l1: Annotated[float, Range(minimum=0)] = 0.01

    def __call__(self, x: Array) -> float:
        return self.l1 * float(np.abs(x).sum())

    def gradient(self, x: Array) -> Array:
        return self.l1 * np.sign(x)


@REGISTRY.register()
@dataclass
class L2(Regularizer):
    """l2 * sum w^2 (without one half)."""

    l2: Annotated[float, Range(minimum=0)] = 0.01

    def __call__(self, x: Array) -> float:
        return self.l2 * float(np.square(x).sum())

    def gradient(self, x: Array) -> Array:
        return 2 * self.l2 * x


@REGISTRY.register("l1l2")
@dataclass
class L1L2(Regularizer):
    """l1 * sum |w| + l2 * sum w^2."""

    l1: Annotated[float, Range(minimum=0)] = 0.0
    l2: Annotated[float, Range(minimum=0)] = 0.0

    def __call__(self, x: Array) -> float:
        return self.l1 * float(np.abs(x).sum()) + self.l2 * float(np.square(x).sum())

    def gradient(self, x: Array) -> Array:
        return self.l1 * np.sign(x) + 2 * self.l2 * x


@REGISTRY.register()
@dataclass
class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean absolute cosine between different rows (or columns) of a matrix."""

    factor: Annotated[float, Range(minimum=0)] = 0.01
    mode: Literal["rows", "columns"] = "rows"

    def __call__(self, x: Array) -> float:
        cosines, _, pairs = self._cosines(x)
        off_diagonal = cosines - np.diag(np.diag(cosines))
        return self.factor * 0.5 * float(np.abs(off_diagonal).sum()) / pairs

    def gradient(self, x: Array) -> Array:
        cosines, norms, pairs = self._cosines(x)
        signs = np.sign(cosines)
        np.fill_diagonal(signs, 0)
        rows = x if self.mode == "rows" else x.T
        unit = rows / norms
        towards = signs @ unit
        slope = self.factor / pairs * (towards - (towards * unit).sum(axis=1, keepdims=True) * unit) / norms
        return slope if self.mode == "rows" else slope.T

    def _cosines(self, x: Array) -> tuple[Array, Array, float]:
        if x.ndim != 2:
            raise ArgumentError("weight", "two-dimensional for the orthogonal regularizer", x.shape)
        rows = x if self.mode == "rows" else x.T
        norms = np.maximum(np.sqrt(np.square(rows).sum(axis=1, keepdims=True)), 1e-12)
        unit = rows / norms
        return unit @ unit.T, norms, len(rows) * (len(rows) - 1) / 2


def get(identifier: Any) -> Regularizer | None:
    """The regularizer of a name or configuration; None is none."""
    return None if identifier is None else REGISTRY.get(identifier)


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def serialize(regularizer: Regularizer) -> Any:
    """The regularizer's class name and configuration, in Keras's form."""
    return registry.serialize(regularizer)


def deserialize(config: Any) -> Regularizer:
    """The regularizer of a configuration."""
    return REGISTRY.get(config)


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "REGISTRY",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

"""Limits that a weight is brought back to after each update."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from service.nn import config, registry
from service.nn.arguments import Range
from service.nn.registry import Configurable, Registry

Array = np.ndarray[Any, Any]
Axis = int | list | tuple  # type: ignore[type-arg]


class Constraint(Configurable):
    """`c(w)` is the nearest weight that keeps the limit; shape of w."""

    keras_module: ClassVar[str] = "keras.constraints"

    def __call__(self, w: Array) -> Array:
        raise NotImplementedError


REGISTRY: Registry[Constraint] = Registry("constraint")


@REGISTRY.register()
@dataclass
class MaxNorm(Constraint):
    """Norm along `axis` at most `max_value`; axis 0 of a Dense kernel is the incoming vector of each unit."""

    max_value: Annotated[float, Range(minimum=0)] = 2
    axis: Axis = 0

    def __call__(self, w: Array) -> Array:
        norms = _norms(w, self.axis)
        return w * (np.clip(norms, 0, self.max_value) / (norms + config.epsilon()))


@REGISTRY.register()
@dataclass
class NonNeg(Constraint):
    """No weight below zero."""

    def __call__(self, w: Array) -> Array:
        return w * (w >= 0)


@REGISTRY.register()
@dataclass
class UnitNorm(Constraint):
    """Norm along `axis` equal to one."""

    axis: Axis = 0

    def __call__(self, w: Array) -> Array:
        return w / (_norms(w, self.axis) + config.epsilon())


@REGISTRY.register()
@dataclass
class MinMaxNorm(Constraint):
    """Norm along `axis` moved towards [min_value, max_value] by the share `rate`."""

    min_value: Annotated[float, Range(minimum=0)] = 0.0
    max_value: Annotated[float, Range(minimum=0)] = 1.0
    rate: Annotated[float, Range(minimum=0, maximum=1)] = 1.0
    axis: Axis = 0

    def __call__(self, w: Array) -> Array:
        norms = _norms(w, self.axis)
        desired = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (desired / (norms + config.epsilon()))


def _norms(w: Array, axis: Any) -> Array:
    axes = tuple(axis) if isinstance(axis, list | tuple) else axis
    return np.sqrt(np.square(w).sum(axis=axes, keepdims=True))


def get(identifier: Any) -> Constraint | None:
    """The constraint of a name or configuration; None is none."""
    return None if identifier is None else REGISTRY.get(identifier)


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def serialize(constraint: Constraint) -> Any:
    """The constraint's class name and configuration, in Keras's form."""
    return registry.serialize(constraint)


def deserialize(config: Any) -> Constraint:
    """The constraint of a configuration."""
    return REGISTRY.get(config)


__all__ = [
    "REGISTRY",
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

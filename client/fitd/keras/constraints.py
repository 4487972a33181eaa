"""Keras's constraints as specs. Made by client/generate.py from the signatures of the service."""

from typing import Any

from fitd.keras.specs import Spec


class Constraint(Spec):
    """The parent of all constraints."""


class MaxNorm(Constraint):
    """Norm along `axis` at most `max_value`; axis 0 of a Dense kernel is the incoming vector of each unit."""

    def __init__(self, max_value: Any = 2, axis: Any = 0) -> None:
        super().__init__(max_value=max_value, axis=axis)


class MinMaxNorm(Constraint):
    """Norm along `axis` moved towards [min_value, max_value] by the share `rate`."""

    def __init__(self, min_value: Any = 0.0, max_value: Any = 1.0, rate: Any = 1.0, axis: Any = 0) -> None:
        super().__init__(min_value=min_value, max_value=max_value, rate=rate, axis=axis)


class NonNeg(Constraint):
    """No weight below zero."""


class UnitNorm(Constraint):
    """Norm along `axis` equal to one."""

    def __init__(self, axis: Any = 0) -> None:
        super().__init__(axis=axis)


__all__ = ["Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"]

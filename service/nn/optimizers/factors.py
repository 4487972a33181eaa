"""Factors of variables, such as those of the learning rate, by the names of variables and layers."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from service.nn.arguments import ArgumentError
from service.nn.variable import Variable

Factors = dict[str, float] | None
"""Factors by what they are of: a variable of a layer (`"dense/kernel"`), all variables of a name, all of a layer."""


def check_factors(argument: str, factors: Any) -> None:
    """Raises `ArgumentError` unless every factor is a number >= 0."""
    if factors is not None and not isinstance(factors, Mapping):
        raise ArgumentError(argument, "an object of numbers by the names of variables", factors)
    for name, factor in (factors or {}).items():
        is_number = isinstance(factor, int | float) and not isinstance(factor, bool)
        if not (is_number and math.isfinite(factor) and factor >= 0):
            raise ArgumentError(argument, f"numbers >= 0, also for {name[:40]!r}", factor)


def factor_of(factors: Factors, variable: Variable) -> float:
    """The factor of a variable: that of the longest key which fits, the variable's name before a layer's; else 1."""
    return next((float(factors[key]) for key in keys_of(variable) if key in factors), 1.0) if factors else 1.0


def keys_of(variable: Variable) -> Iterator[str]:
    """What a variable may be called: the longest key first, of equal ones that which is nearer to its name."""
    parts = variable.path.split("/")
    for length in range(len(parts), 0, -1):
        for start in range(len(parts) - length, -1, -1):
            yield "/".join(parts[start : start + length])

"""Losses and metrics as plain functions of targets and predictions, under Keras's names."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from service.nn.registry import snake_case

Array = np.ndarray[Any, Any]
NOT_ARGUMENTS = frozenset({"reduction", "name", "dtype"})
POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


class ByRow(Protocol):
    """Something with a number for each row."""

    def rows(self, y_true: Any, y_pred: Any) -> Array:
        """The number of each row."""


_made: dict[int, Callable[..., Array]] = {}


def function_of(cls: Callable[..., ByRow]) -> Callable[..., Array]:
    """Returns the function that computes the loss or metric of each row; it takes the arguments of the class."""
    if id(cls) not in _made:
        _made[id(cls)] = _function_of(cls)
    return _made[id(cls)]


def _function_of(cls: Callable[..., ByRow]) -> Callable[..., Array]:
    fields = [field for field in dataclasses.fields(cls) if field.name not in NOT_ARGUMENTS]  # type: ignore[arg-type]
    names = [field.name for field in fields]

    def function(y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Array:
        return cls(**dict(zip(names, args, strict=False)), **kwargs).rows(y_true, y_pred)

    parameters = [inspect.Parameter("y_true", POSITIONAL), inspect.Parameter("y_pred", POSITIONAL)]
    parameters += [inspect.Parameter(field.name, POSITIONAL, default=field.default) for field in fields]
    function.__name__ = function.__qualname__ = snake_case(cls.__name__)
    function.__module__ = cls.__module__.rpartition(".")[0]  # where it is found again when it is unpickled
    function.made_of = cls  # type: ignore[attr-defined]
    function.__doc__ = cls.__doc__
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function


def class_of(function: Any) -> Callable[..., ByRow] | None:
    """The loss or metric that a function was made of by `function_of`; None for any other value."""
    made_of: Callable[..., ByRow] | None = getattr(function, "made_of", None)
    return made_of

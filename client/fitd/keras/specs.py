"""What the classes of Keras's vocabulary share: they only remember their arguments, and say them as JSON."""

import inspect
from collections.abc import Mapping
from typing import Any, Self

import numpy as np


class Spec:
    """A layer, loss, optimizer or the like, as it will be asked for."""

    def __init__(self, **arguments: Any) -> None:
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        arguments = self.__dict__.get("_arguments", {})
        if name in arguments:
            return arguments[name]
        raise AttributeError(f"{type(self).__name__} has no argument {name!r}; known: {', '.join(arguments) or 'none'}")

    def get_config(self) -> dict[str, Any]:
        """Every argument by its name, as in Keras."""
        return {name: json_of(value) for name, value in self._arguments.items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The object of these arguments."""
        return cls(**config)

    def to_json_object(self) -> dict[str, Any]:
        """The class name, and beside it the arguments that are not the default."""
        defaults = {name: one.default for name, one in inspect.signature(type(self)).parameters.items()}
        said = {
            name: json_of(value)
            for name, value in self._arguments.items()
            if not _is_same(value, defaults.get(name, inspect.Parameter.empty))
        }
        return {"class_name": type(self).__name__, **said}

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.to_json_object().items() if name != "class_name")
        return f"{type(self).__name__}({said})"


def json_of(value: Any) -> Any:
    """A value with specs, arrays and classes of the vocabulary as JSON says them."""
    if isinstance(value, Spec):
        return value.to_json_object()
    if isinstance(value, type) and issubclass(value, Spec):
        return value().to_json_object()
    if isinstance(value, Mapping):
        return {str(key): json_of(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [json_of(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


def _is_same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and not isinstance(value, Spec) and value == default)

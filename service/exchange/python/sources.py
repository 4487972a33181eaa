"""The source of our own formulas, with all that they stand on, for scripts that run without Fitd."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from service.nn.activations import Activation

_KNOWN = ("csv", "json", "math", "numpy", "sys")


def sources_of(functions: Iterable[Activation | Callable[..., Any]]) -> list[str]:
    """The definitions of these functions and of what they use, each after what it uses."""
    found: dict[str, str] = {}
    for function in functions:
        _collect(function, found)
    return list(found.values())


def _collect(function: Any, found: dict[str, str]) -> None:
    plain: Any = inspect.unwrap(function)
    if plain.__name__ in found:
        return
    source = textwrap.dedent(inspect.getsource(plain))
    source = source[source.index("def ") :].rstrip()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = plain.__globals__.get(node.value.id)
            if isinstance(module, ModuleType) and module.__name__ not in _KNOWN:
                source = source.replace(f"{node.value.id}.{node.attr}", node.attr)
                _collect(getattr(module, node.attr), found)
        elif isinstance(node, ast.Name) and node.id not in plain.__code__.co_varnames:
            value = plain.__globals__.get(node.id)
            if isinstance(value, Activation | FunctionType):
                _collect(value, found)
            elif isinstance(value, int | float | tuple):
                found[node.id] = f"{node.id} = {value!r}"
    found[plain.__name__] = source


def standardize(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """x without its mean, over its deviation."""
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)

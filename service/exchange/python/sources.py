"""The source of our own formulas, with all that they stand on, for scripts that run without Fitd."""

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from service.nn.activations import Activation
from service.nn.layers import numerical_embedding

_KNOWN = ("csv", "io", "json", "math", "numpy", "re", "sys")


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


def piecewise_linear(x: Any, edges: Any, kernel: Any, slopes: Any, offsets: Any) -> Any:
    """Vectors of numbers (rows, features) by the bins that they lie in, side by side."""
    start, share, low, high = numerical_embedding.bins_of(edges)
    e = np.minimum(np.maximum((x[:, :, None] - start) * share, low), high)
    y = np.einsum("rfb,fbw->rfw", e, kernel) + x[:, :, None] * slopes + offsets
    return y.reshape(len(x), -1)


def periodic(x: Any, frequencies: Any, phases: Any, amplitudes: Any, offsets: Any) -> Any:
    """Vectors of numbers (rows, features) out of waves, side by side."""
    waves = np.cos(np.float32(2 * math.pi) * x[:, :, None] * frequencies + phases)
    return (np.einsum("rfn,fnw->rfw", waves, amplitudes) + offsets).reshape(len(x), -1)


def standardize(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """x without its mean, over its deviation."""
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)

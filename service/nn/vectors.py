"""Passes over vectors that multiply and add at once, by OpenBLAS; NumPy needs two or three for the same."""

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from service.nn import openblas

Array = np.ndarray[Any, Any]
# A number that bound passes read anew each time: set its `value`.
Scalar = ctypes.c_float | ctypes.c_double
Pass = Callable[[], object]

_TYPES: dict[Any, tuple[str, type[Scalar]]] = {
    np.dtype(np.float32): ("s", ctypes.c_float),
    np.dtype(np.float64): ("d", ctypes.c_double),
}


def offered(dtype: Any) -> bool:
    """Whether there are such passes over vectors of this type."""
    known = _TYPES.get(np.dtype(dtype))
    return known is not None and _function("axpy", known[0]) is not None and _function("axpby", known[0]) is not None


def scalar(dtype: Any, value: float = 0.0) -> Scalar:
    """A number of this type for passes to read."""
    return _TYPES[np.dtype(dtype)][1](value)


def axpy(a: Scalar, x: Array, y: Array) -> Pass:
    """A call that makes y = a x + y; only where `offered`, for contiguous memory that stays where it is."""
    return _bound("axpy", a, x, None, y)


def axpby(a: Scalar, x: Array, b: Scalar, y: Array) -> Pass:
    """A call that makes y = a x + b y; only where `offered`, for contiguous memory that stays where it is."""
    return _bound("axpby", a, x, b, y)


def _bound(name: str, a: Scalar, x: Array, b: Scalar | None, y: Array) -> Pass:
    found = _function(name, _TYPES[y.dtype][0])
    assert found is not None
    assert x.dtype == y.dtype
    assert x.size == y.size
    assert x.flags.c_contiguous
    assert y.flags.c_contiguous
    function, integer = found
    size, stride = integer(x.size), integer(1)
    before, after = (array.ctypes.data_as(ctypes.c_void_p) for array in (x, y))
    factors = () if b is None else (b,)
    return functools.partial(function, size, a, before, stride, *factors, after, stride)


@functools.cache
def _function(name: str, letter: str) -> tuple[Any, Any] | None:
    found = openblas.function(f"cblas_{letter}{name}")
    if found is not None:
        found[0].restype = None
    return found

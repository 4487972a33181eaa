"""Calls the OpenBLAS inside NumPy for operations that NumPy lacks, such as multiplying and adding in one pass.

A pass is bound to its memory and numbers once, so that a call of it is a call of C with nothing to convert.
"""

import contextlib
import ctypes
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
ROW_MAJOR, TRANSPOSED = ctypes.c_int(101), ctypes.c_int(112)
# A number that bound passes read at every call: set its `value`.
Scalar = ctypes.c_float | ctypes.c_double
Pass = Callable[[], object]

_TYPES: dict[Any, tuple[str, type[Scalar]]] = {
    np.dtype(np.float32): ("s", ctypes.c_float),
    np.dtype(np.float64): ("d", ctypes.c_double),
}
# Before and after the plain name; integers have 64 bits where a name ends in 64_.
FORMS = (("scipy_", "64_"), ("", "64_"), ("", ""))


def _library() -> Any:
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in folder.glob("*openblas*"):
            with contextlib.suppress(OSError):
                return ctypes.CDLL(str(path))
    return None


_LIBRARY = _library()


def function(name: str) -> tuple[Any, Any] | None:
    """A function by its plain name (`cblas_saxpby`) and its type of integers; None where there is none of the name."""
    for before, after in FORMS:
        found = getattr(_LIBRARY, f"{before}{name}{after}", None)
        if found is not None:
            return found, ctypes.c_int64 if after else ctypes.c_int
    return None


def offered(dtype: Any) -> bool:
    """Whether there are such passes over numbers of this type."""
    known = _TYPES.get(np.dtype(dtype))
    return known is not None and all(_typed(name, known[0]) for name in ("axpby", "omatcopy"))


def scalar(dtype: Any, value: float = 0.0) -> Scalar:
    """A number of this type for passes to read; of two words for types that no pass is offered for."""
    known = _TYPES.get(np.dtype(dtype))
    return ctypes.c_double(value) if known is None else known[1](value)


def axpby(a: Scalar, x: Array, b: Scalar, y: Array) -> Pass:
    """A call that makes y = a x + b y; only where `offered`, for contiguous memory that stays where it is."""
    call, integer = _found("axpby", x, y)
    size, stride = integer(x.size), integer(1)
    return functools.partial(call, size, a, _at(x), stride, b, _at(y), stride)


def transpose(x: Array, y: Array) -> Pass:
    """A call that makes y = x.T for matrices; only where `offered`, for contiguous memory that stays where it is."""
    call, integer = _found("omatcopy", x, y)
    rows, columns = (integer(size) for size in x.shape)
    one = scalar(x.dtype, 1)
    return functools.partial(call, ROW_MAJOR, TRANSPOSED, rows, columns, one, _at(x), columns, _at(y), rows)


def _found(name: str, x: Array, y: Array) -> tuple[Any, Any]:
    found = _typed(name, _TYPES[y.dtype][0])
    assert found is not None
    assert x.dtype == y.dtype
    assert x.size == y.size
    assert x.flags.c_contiguous
    assert y.flags.c_contiguous
    return found


def _at(array: Array) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)  # which keeps the array alive


@functools.cache
def _typed(name: str, letter: str) -> tuple[Any, Any] | None:
    found = function(f"cblas_{letter}{name}")
    if found is not None:
        found[0].restype = None
    return found

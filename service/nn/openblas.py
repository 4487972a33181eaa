"""The OpenBLAS that NumPy carries, for what NumPy itself offers no call for."""

import contextlib
import ctypes
from pathlib import Path
from typing import Any

import numpy as np

# Before and after the plain name; integers have 64 bits where a name ends in 64_.
FORMS = (("scipy_", "64_"), ("", "64_"), ("", ""))


def _library() -> Any:
    for path in (Path(np.__file__).parent.parent / "numpy.libs").glob("*openblas*"):
        with contextlib.suppress(OSError):
            return ctypes.CDLL(str(path))
    return None


_LIBRARY = _library()


def function(name: str) -> tuple[Any, Any] | None:
    """A function by its plain name (`cblas_saxpy`) and its type of integers; None where there is none of the name."""
    for before, after in FORMS:
        found = getattr(_LIBRARY, f"{before}{name}{after}", None)
        if found is not None:
            return found, ctypes.c_int64 if after else ctypes.c_int
    return None

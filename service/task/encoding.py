"""Targets as a loss takes them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.nn.losses import Targets

Array = NDArray[Any]


def encoded(y: Array, targets: Targets, units: int) -> Array:
    """Targets that were checked, in the form that the loss takes: float32, or int32 for class indices.

    `y` is (rows,) or (rows, columns). The result is (rows,) for class indices, else (rows, units).
    """
    if y.ndim == 2 and y.shape[1] == 1 and units > 1:
        y = y[:, 0]
    if targets is Targets.CLASS_INDICES:
        return np.ascontiguousarray(y.reshape(len(y)), np.int32)
    if targets is Targets.ONE_HOT and y.ndim == 1:
        rows = np.zeros((len(y), units), np.float32)
        rows[np.arange(len(y)), y.astype(np.int64)] = 1
        return rows
    return np.ascontiguousarray(y.reshape(len(y), -1), np.float32)

"""Rows: some rows of a table, in order; a range where they follow each other, which takes no memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Rows = Indices | range


def compact(rows: Indices) -> Rows:
    """The same rows, which are in order, as a range if they are one."""
    if len(rows) and int(rows[-1]) - int(rows[0]) == len(rows) - 1:
        return range(int(rows[0]), int(rows[-1]) + 1)
    return rows


def taken(values: NDArray[Any], rows: Rows) -> NDArray[Any]:
    """The values of these rows; those of a range are not copied."""
    return values[rows.start : rows.stop] if isinstance(rows, range) else values[rows]


def cut(rows: Rows, start: int, stop: int) -> tuple[slice, Rows]:
    """Those of the rows from `start` to `stop`: their places among the rows, and the rows counted from `start`."""
    if isinstance(rows, range):
        low = min(max(start, rows.start), rows.stop)
        high = max(min(stop, rows.stop), low)
        return slice(low - rows.start, high - rows.start), range(low - start, high - start)
    low, high = map(int, np.searchsorted(rows, (start, stop)))
    return slice(low, high), rows[low:high] - start

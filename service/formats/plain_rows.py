"""Rows of numbers straight from a JSON text that holds little else, without an object for each number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.config import Limits

try:
    import simdjson
except ImportError:  # there is no wheel for this Python
    simdjson = None  # type: ignore[assignment]

_LARGEST_SQUARE = float(np.finfo(np.float32).max) ** 2


def read_plain_rows(text: bytes, key: str, columns: int, limits: Limits) -> NDArray[np.float32] | None:
    """The rows (rows, columns) of an object that has this key alone; None where the text says anything else.

    What it refuses may be right all the same, and is to be read by those who can say what is wrong with it.
    """
    if simdjson is None:
        return None
    try:
        document: Any = simdjson.Parser().parse(text)
        rows: Any = document[key] if list(document) == [key] else ()
        # The buffer is flat whatever the lists are. No key has a bracket, so all brackets are of lists.
        brackets = len(text) - len(text.replace(b"[", b""))  # a sixth of the time of count
        if {len(row) for row in rows} != {columns} or brackets != len(rows) + 1:
            return None
        if len(rows) > limits.max_rows or len(rows) * columns > limits.max_cells:
            return None
        numbers = np.frombuffer(rows.as_buffer(of_type="d"))
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
        return None
    # The sum of the squares is not above it: then no number is beyond float32.
    return numbers.astype(np.float32).reshape(-1, columns) if np.vdot(numbers, numbers) <= _LARGEST_SQUARE else None

"""Inputs that an Embedding looks up: numbers that it has a vector for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.data.features import Encoder
from service.data.features.columns import CategoryColumn
from service.errors import Findings
from service.nn import layers


def check_indices(x: NDArray[Any], first: layers.Layer, at: str, findings: Findings) -> None:
    """Notes every input that the first layer, if it looks them up, would take for another than it is."""
    size = first.vocabulary
    if size is None:
        return
    wrong = (x < 0) | (x >= size) | (x != np.floor(x))
    rows, columns = np.nonzero(wrong)
    if not len(rows):
        return
    expected = f"a whole number from 0 to {size - 1}, as the {type(first).__name__} has {size:,} vectors"
    if at.endswith("/x"):
        for row, column in zip(rows[: findings.limit], columns[: findings.limit], strict=True):
            findings.error(f"{at}/{row}/{column}", "out_of_range", f"Expected {expected}.")
        findings.total += max(0, len(rows) - findings.limit)
        return
    said = f"Expected {expected}, in each input; received others. Texts become such inputs with the encoding integer."
    findings.error(at, "out_of_range", said)


def check_places(encoder: Encoder, first: layers.Layer, at: str, findings: Findings) -> None:
    """Notes that the first layer, if it looks up texts by their places, has no vector for some; `at` is its size."""
    size = first.vocabulary
    if size is None:
        return
    for column in encoder.columns:
        if isinstance(column, CategoryColumn) and column.encoding == "integer":
            needed = 1 + max(len(column.categories), column.absent)
            if needed > size:
                said = f"Expected at least {needed:,}, a vector for each place of {column.name!r}"
                findings.error(at, "out_of_range", f"{said}; received {size:,}.")

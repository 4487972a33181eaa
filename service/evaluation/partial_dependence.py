"""Partial dependence (Friedman 2001): the mean answer when one column has a certain value in all rows, and its curves.

Grids are those of scikit-learn's `partial_dependence`: the distinct values of a column, or a hundred evenly spaced ones
between its quantiles of 5 % and 95 %.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Inputs = NDArray[np.float32]

GRID, MOST_CURVES = 100, 50
_ENDS = (0.05, 0.95)
_PART_ROWS = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A column's values, and the inputs (values, outputs of the column) that they become at a place in each row."""

    name: str
    values: list[Any]
    inputs: Inputs
    place: slice


def grid_values(values: Floats) -> Floats:
    """The values of a numeric column (rows,) that are tried; a value that is missing is not."""
    there = np.sort(values[~np.isnan(values)])
    distinct = np.unique(there)
    if len(distinct) < GRID:
        return np.asarray(distinct)
    low, high = (_quantile(there, share) for share in _ENDS)
    if np.allclose(low, high):
        return np.asarray(distinct[np.linspace(0, len(distinct) - 1, GRID).round().astype(int)])
    return np.linspace(low, high, GRID)


def partial_dependence(answers: Callable[[Inputs], Floats], x: Inputs, grid: Grid, names: list[str]) -> dict[str, Any]:
    """The mean answer (outputs) for rows x (rows, width) at each value, and the curves of some of the rows.

    `names` are those of the outputs.
    """
    curves = np.linspace(0, len(x) - 1, min(len(x), MOST_CURVES)).round().astype(int)
    means, lines = [], []
    for inputs in grid.inputs:
        total: Any = 0.0
        for start in range(0, len(x), _PART_ROWS):
            part = x[start : start + _PART_ROWS].copy()
            part[:, grid.place] = inputs
            total = total + answers(part).sum(axis=0)
        means.append(total / len(x))
        chosen = x[curves].copy()
        chosen[:, grid.place] = inputs
        lines.append(answers(chosen))
    average, individual = np.array(means), np.array(lines)
    return {
        "feature": grid.name,
        "values": grid.values,
        "rows": len(x),
        "outputs": [
            {"output": name, "average": average[:, place].tolist(), "individual": individual[:, :, place].T.tolist()}
            for place, name in enumerate(names)
        ],
    }


def _quantile(ranked: Floats, share: float) -> float:
    """The quantile as SciPy's `mquantiles` has it by default: at n p + 0.4 + 0.2 p, counted from 1."""
    place = len(ranked) * share + 0.4 + 0.2 * share
    below = int(np.clip(np.floor(place), 1, len(ranked) - 1))
    part = float(np.clip(place - below, 0, 1))
    return float((1 - part) * ranked[below - 1] + part * ranked[below])

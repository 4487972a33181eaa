"""Shapley values: which columns moved an answer away from that for a baseline row, and by how much.

The worth of a set of columns is the answer for a row that has these columns from the row to explain and the others from
the baseline. A column's value is the mean of what it adds, over all orders in which the columns could come (Shapley
1953; Lundberg and Lee 2017, "A Unified Approach to Interpreting Model Predictions"). Few columns are counted in full;
of more, orders are drawn, each with its reverse (Strumbelj and Kononenko 2014). The values add up to the difference
between the answers in either case, because those of each order do.
"""

from collections.abc import Callable, Iterator, Sequence
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Inputs = NDArray[np.float32]
Worth = Callable[[Inputs], Floats]
"""The answers (rows, outputs) for inputs (rows, width)."""

MOST_EXACT, FEWEST_ORDERS, MOST_ORDERS = 10, 2, 64
_PART_ROWS = 4096


def contributions(
    worth: Worth, row: Inputs, baseline: Inputs, columns: Sequence[slice], *, orders: int = MOST_ORDERS
) -> tuple[Floats, bool]:
    """What each column adds (columns, outputs) to the answer for a row (width,), and whether it was counted in full.

    `columns` are the places of each column's inputs. Columns that are as in the baseline add nothing, and cost nothing.
    """
    moved = [number for number, place in enumerate(columns) if (row[place] != baseline[place]).any()]
    places = [columns[number] for number in moved]
    ends = worth(np.stack([baseline, row]))
    made = np.zeros((len(columns), ends.shape[1]))
    if not moved:
        return made, True
    exact = len(moved) <= MOST_EXACT
    count = _in_full if exact else _drawn(orders)
    made[moved] = count(lambda sets: _worths(worth, sets, row, baseline, places), len(moved))
    return made, exact


def evaluations(columns: int, orders: int) -> int:
    """How many rows are predicted at most to explain one."""
    return 1 << columns if columns <= MOST_EXACT else max(1 << MOST_EXACT, orders * columns)


Sets = NDArray[np.bool_]
Count = Callable[[Callable[[Sets], Floats], int], Floats]


def _in_full(worth: Callable[[Sets], Floats], columns: int) -> Floats:
    bits = np.arange(1 << columns)
    sets = (bits[:, None] >> np.arange(columns) & 1).astype(bool)
    worths, sizes = worth(sets), sets.sum(axis=1)
    weights = np.array([factorial(size) * factorial(columns - size - 1) for size in range(columns)], float)
    weights /= factorial(columns)
    made = []
    for column in range(columns):
        without = bits[~sets[:, column]]
        gain = worths[without | 1 << column] - worths[without]
        made.append((weights[sizes[without], None] * gain).sum(axis=0))
    return np.array(made)


def _drawn(orders: int) -> Count:
    def count(worth: Callable[[Sets], Floats], columns: int) -> Floats:
        rng, total = np.random.default_rng(0), np.zeros(())
        for order in _orders(rng, orders, columns):
            rank = np.empty(columns, np.int64)
            rank[order] = np.arange(columns)
            worths = worth(rank < np.arange(columns + 1)[:, None])
            total = total + np.diff(worths, axis=0)[rank]
        made: Floats = total / orders
        return made

    return count


def _orders(rng: np.random.Generator, orders: int, columns: int) -> Iterator[NDArray[np.int64]]:
    for _ in range(orders // 2):
        order = rng.permutation(columns)
        yield order
        yield order[::-1]


def _worths(worth: Worth, sets: Sets, row: Inputs, baseline: Inputs, places: Sequence[slice]) -> Floats:
    made: list[Any] = []
    for start in range(0, len(sets), _PART_ROWS):
        part = sets[start : start + _PART_ROWS]
        x = np.repeat(baseline[None], len(part), axis=0)
        for place, chosen in zip(places, part.T, strict=True):
            x[chosen, place] = row[place]
        made.append(worth(x))
    return np.concatenate(made)

"""Splits: which rows are trained on, validated with and tested on; the same seed always deals the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.data.features.rows import Indices, Rows, compact
from service.spec.data import SplitSpec

_ALL = 1 - 1e-9
"""A sum of shares that leaves nothing, whatever rounding has made of it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows of each part, in the order of the table."""

    training: Rows
    validation: Rows
    test: Rows

    def named(self) -> dict[str, Rows]:
        """The parts that have rows, by name."""
        parts = {"training": self.training, "validation": self.validation, "test": self.test}
        return {name: rows for name, rows in parts.items() if len(rows)}


def split(rows: Indices, asked: SplitSpec, groups: NDArray[np.int32] | None = None) -> Parts:
    """Deals the rows to the parts; `groups` (of each row) are classes to share out evenly, or groups to keep whole.

    A share that is not zero gets at least one row (of each class that has three, where it is stratified). No class is
    held out to its last row, unless the shares leave nothing for the training.
    """
    rng = np.random.default_rng(asked.seed)
    if asked.method == "last":
        return _ordered(_cut(rows, asked))
    if asked.method == "random" or groups is None:
        return _ordered(_cut(rng.permutation(rows), asked))
    found, counts = np.unique(groups, return_counts=True)
    keys = rng.permutation(found)
    if asked.method == "group":
        return _ordered([rows[np.isin(groups, part)] for part in _cut(keys, asked)])
    trains = asked.validation + asked.test < _ALL
    by_key = np.split(rows[np.argsort(groups, kind="stable")], np.cumsum(counts)[:-1])
    pieces = [_cut(rng.permutation(of_key), asked, trains=trains) for of_key in by_key]
    return _ordered([np.concatenate(part) for part in zip(*pieces, strict=True)])


def deal(
    training: Rows, asked: SplitSpec | None, rows: Indices, groups: NDArray[np.int32] | None = None
) -> NDArray[np.int32] | None:
    """The fold of each training row, as even as can be; None where none are asked for.

    `groups` are those of all `rows`, as for `split`. Some folds stay empty where there are fewer rows, or groups to
    keep whole, than folds.
    """
    if asked is None or asked.folds is None:
        return None
    chosen = np.asarray(training)
    own = None if groups is None else groups[np.searchsorted(rows, chosen)]
    rng = np.random.default_rng([asked.seed, asked.folds])
    if asked.method == "group" and own is not None:
        return _deal_groups(own, asked.folds, rng)
    order = rng.permutation(len(chosen))
    if asked.method == "stratified" and own is not None:
        order = order[np.argsort(own[order], kind="stable")]
    dealt = np.empty(len(chosen), np.int32)
    dealt[order] = np.arange(len(chosen)) % asked.folds
    return dealt


def _deal_groups(groups: NDArray[np.int32], folds: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """The largest group first, each to the fold that has the fewest rows."""
    _, place, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(counts))
    rows, fold_of = np.zeros(folds, np.int64), np.empty(len(counts), np.int32)
    for group in order[np.argsort(-counts[order], kind="stable")]:
        fold_of[group] = rows.argmin()
        rows[fold_of[group]] += counts[group]
    return fold_of[place]


def _cut(rows: Indices, asked: SplitSpec, *, trains: bool = False) -> list[Indices]:
    """Training first, then validation, then test, as the rows come; the training has one where `trains` says so."""
    held = [round(len(rows) * share) for share in (asked.validation, asked.test)]
    if len(rows) > 2:
        held = [
            max(count, 1) if share else 0 for count, share in zip(held, (asked.validation, asked.test), strict=True)
        ]
    while trains and sum(held) >= len(rows):
        held[int(np.argmax(held))] -= 1
    kept = max(len(rows) - sum(held), 0)
    return np.split(rows, [kept, min(kept + held[0], len(rows))])


def _ordered(parts: Sequence[Indices]) -> Parts:
    return Parts(*(compact(np.sort(part)) for part in parts))

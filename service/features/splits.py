"""Splits: which rows are trained on, validated with and tested on; the same seed always deals the same rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.spec.data import SplitSpec

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows of each part, in the order of the table."""

    training: Indices
    validation: Indices
    test: Indices

    def named(self) -> dict[str, Indices]:
        """The parts that have rows, by name."""
        parts = {"training": self.training, "validation": self.validation, "test": self.test}
        return {name: rows for name, rows in parts.items() if len(rows)}


def split(rows: Indices, asked: SplitSpec, groups: NDArray[np.int32] | None = None) -> Parts:
    """Deals the rows to the parts; `groups` (of each row) are classes to share out evenly, or groups to keep whole.

    A share that is not zero gets at least one row (of each class that has three, where it is stratified).
    """
    rng = np.random.default_rng(asked.seed)
    if asked.method == "last":
        return _cut(rows, asked)
    if asked.method == "random" or groups is None:
        return _ordered(_cut(rng.permutation(rows), asked))
    keys = rng.permutation(np.unique(groups))
    if asked.method == "group":
        dealt = _cut(keys, asked)
        return Parts(*(rows[np.isin(groups, part)] for part in (dealt.training, dealt.validation, dealt.test)))
    pieces = [_cut(rng.permutation(rows[groups == key]), asked) for key in np.sort(keys)]
    joined = (np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("training", "validation", "test"))
    return _ordered(Parts(*joined))


def _cut(rows: Indices, asked: SplitSpec) -> Parts:
    """Training first, then validation, then test, as the rows come."""
    held = [round(len(rows) * share) for share in (asked.validation, asked.test)]
    if len(rows) > 2:
        held = [
            max(count, 1) if share else 0 for count, share in zip(held, (asked.validation, asked.test), strict=True)
        ]
    kept = max(len(rows) - sum(held), 0)
    training, validation, test = np.split(rows, [kept, min(kept + held[0], len(rows))])
    return Parts(training, validation, test)


def _ordered(parts: Parts) -> Parts:
    return Parts(np.sort(parts.training), np.sort(parts.validation), np.sort(parts.test))

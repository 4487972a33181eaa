"""The history of a bag: the epochs of one member, or their mean over the members."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from service.bagging import mean

Epoch = Mapping[str, Any]


def of_member(epochs: Sequence[Epoch], member: int) -> list[Epoch]:
    """The epochs of one member, counted from 1."""
    return [one for one in epochs if one.get("member") == member]


def of_all(epochs: Sequence[Epoch]) -> list[Epoch]:
    """Each epoch once, its numbers the mean over the members that have trained it so far."""
    if all(one.get("member") is None for one in epochs):
        return list(epochs)
    alike: dict[int, list[Epoch]] = defaultdict(list)
    for one in epochs:
        alike[one["epoch"]].append(one)
    return [{"epoch": epoch} | _mean(alike[epoch]) for epoch in sorted(alike)]


def _mean(alike: Sequence[Epoch]) -> dict[str, Any]:
    told = {name: mean([one.get(name) for one in alike]) for name in ("learning_rate", "seconds", "rows_per_second")}
    names = dict.fromkeys(name for one in alike for name in one["metrics"])
    return told | {"metrics": {name: mean([one["metrics"].get(name) for one in alike]) for name in names}}

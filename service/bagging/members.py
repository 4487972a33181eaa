"""The members of a bag that are trained already: their weights, their epochs, and the means over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.nn import Sequential
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState

Array = NDArray[Any]
History = dict[str, list[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A network that has been trained: its weights in Keras's order, by path, and its epochs."""

    weights: Mapping[str, Array]
    history: History
    metrics: Mapping[str, Any]
    """Of the epoch whose weights these are, or of the last."""

    @classmethod
    def of(cls, model: Sequential, history: History, metrics: Mapping[str, Any] | None = None) -> Self:
        """The member that a model was trained to be."""
        last = {name: values[-1] for name, values in history.items()} if metrics is None else metrics
        return cls({weight.path: weight.numpy() for weight in model.weights}, history, last)


@dataclass(slots=True, eq=False)
class Members(Callback):
    """Those that are trained already, which every checkpoint of the next one carries."""

    finished: list[Member] = field(default_factory=list)
    seconds: float = 0.0
    """What they took together."""
    partial: bool = False
    """Whether the training was cancelled before all were there."""

    def get_state(self) -> dict[str, Any]:
        """Weights by member and path, and what is known besides."""
        told = [
            {"history": one.history, "metrics": dict(one.metrics), "paths": list(one.weights)} for one in self.finished
        ]
        arrays = {
            f"{number}.{place}": array
            for number, one in enumerate(self.finished)
            for place, array in enumerate(one.weights.values())
        }
        return {"members": told, "seconds": self.seconds} | arrays

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Has the members that `get_state` told of."""
        self.seconds = state["seconds"]
        self.finished = [
            Member(
                {path: state[f"{number}.{place}"] for place, path in enumerate(one["paths"])},
                one["history"],
                one["metrics"],
            )
            for number, one in enumerate(state["members"])
        ]

    @classmethod
    def stored(cls, state: TrainingState) -> Self:
        """Those that a checkpoint carries; `LookupError` if it is not of a bag."""
        members = cls()
        members.set_state(state.remembered(cls.__name__))
        return members


def mean_history(members: Sequence[Member]) -> History:
    """Each metric of each epoch, as the mean over the members that have trained it."""
    names = dict.fromkeys(name for one in members for name in one.history)
    longest = max((len(values) for one in members for values in one.history.values()), default=0)

    def at(name: str, epoch: int) -> Any:
        return mean([value for one in members for value in one.history.get(name, [])[epoch : epoch + 1]])

    return {name: [at(name, epoch) for epoch in range(longest)] for name in names}


def mean_metrics(members: Sequence[Member]) -> dict[str, Any]:
    """The mean over the members of the metrics of each."""
    names = dict.fromkeys(name for one in members for name in one.metrics)
    return {name: mean([one.metrics.get(name) for one in members]) for name in names}


def mean(values: Sequence[Any]) -> Any:
    """The mean of the numbers, or lists of numbers, that are not None; None where all are."""
    there = [value for value in values if value is not None]
    return np.mean(there, axis=0).tolist() if there else None

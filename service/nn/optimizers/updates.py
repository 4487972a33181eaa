"""The updates of all weights, in pieces of the flat buffers, grouped by the factor of their learning rate."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from service.nn.variable import Parameters, Variable

Array = np.ndarray[Any, Any]
# Changes the weights of one piece, at this rate.
Update = Callable[[float], None]
# The factors of a variable's learning rate and of its decay.
Rates = tuple[float, float]
# Makes the update of one piece: its weights, gradient, slots and scratch.
Connect = Callable[[Array, Array, tuple[Array, ...], Array], Update]
# Runs two tasks at once and comes back when both are done.
Both = Callable[[Callable[[], None], Callable[[], None]], None]

# Weights, gradient, slots and scratch of one piece stay in the first-level cache or near it.
PIECE = 32768
# Two threads hand the interpreter to each other between passes: fewer, longer ones lose less by it.
SHARED_PIECE = 65536


@dataclass
class _Group:
    """The weights whose rates have the same factors, and their updates, on one thread or on two."""

    rates: Rates
    places: list[slice]
    updates: list[Update] = field(default_factory=list)
    halves: tuple[list[Update], list[Update]] | None = None


class Updates:
    """What one step does to the weights; `flat` are the weights, the gradients and the slots.

    With `whole_variables` a piece is one variable in its shape, else a part of the flat buffers.
    """

    def __init__(
        self,
        parameters: Parameters,
        flat: Sequence[Array],
        connect: Connect,
        rates: Callable[[Variable], Rates],
        *,
        whole_variables: bool,
    ) -> None:
        self._flat = flat
        self._connect = connect
        self._whole = whole_variables
        views = zip(*(parameters.like(array) for array in flat), strict=True)
        self.pieces: list[tuple[Array, Array, tuple[Array, ...]]] = [(w, g, tuple(slots)) for w, g, *slots in views]
        self._starts = [variable.place.start for variable in parameters.variables]
        self._groups = [_Group(key, places) for key, places in places_of(parameters, rates).items()]
        for group in self._groups:
            group.updates = list(self._updates(group.places, PIECE))

    def run(self, rate: float, begin: Callable[[float, float], None], both: Both | None) -> None:
        """Changes all weights; `begin` hears the rate and the factor of decay of each group before its pieces."""
        for group in self._groups:
            factor, decay = group.rates
            own = rate * factor
            begin(own, decay)
            if both is None or self._whole:
                _run(group.updates, own)
                continue
            if group.halves is None:
                upper, lower = (list(self._updates(places, SHARED_PIECE)) for places in halved(group.places))
                group.halves = upper, lower
            both(functools.partial(_run, group.halves[1], own), functools.partial(_run, group.halves[0], own))

    def _updates(self, places: Sequence[slice], size: int) -> Iterator[Update]:
        """The updates of the weights in these places, in pieces of at most this size that share a scratch."""
        if self._whole:
            for start, piece in zip(self._starts, self.pieces, strict=True):
                if any(place.start <= start < place.stop for place in places):
                    yield self._connect(*piece, np.empty_like(piece[0]))
            return
        longest = max((place.stop - place.start for place in places), default=0)
        scratch = np.empty(min(longest, size), self._flat[0].dtype)
        for place in places:
            for at in range(place.start, place.stop, size):
                w, g, *slots = (array[at : min(at + size, place.stop)] for array in self._flat)
                yield self._connect(w, g, tuple(slots), scratch[: w.size])


def places_of(parameters: Parameters, rates: Callable[[Variable], Rates]) -> dict[Rates, list[slice]]:
    """The places in the flat buffers whose variables have the same factors, neighbours joined, by the factors."""
    places: dict[Rates, list[slice]] = {}
    for variable in parameters.variables:
        found = places.setdefault(rates(variable), [])
        if found and found[-1].stop == variable.place.start:
            found[-1] = slice(found[-1].start, variable.place.stop)
        else:
            found.append(variable.place)
    return places


def halved(places: Sequence[slice]) -> tuple[list[slice], list[slice]]:
    """The places cut in the middle of all that is in them."""
    left = sum(place.stop - place.start for place in places) // 2
    upper, lower = [], []
    for place in places:
        middle = min(place.stop, place.start + max(0, left))
        upper += [slice(place.start, middle)] if middle > place.start else []
        lower += [slice(middle, place.stop)] if middle < place.stop else []
        left -= place.stop - place.start
    return upper, lower


def _run(updates: Sequence[Update], rate: float) -> None:
    for update in updates:
        update(rate)

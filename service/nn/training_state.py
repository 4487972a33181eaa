"""Everything that a fit continues from."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.nn.arguments import ArgumentError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class TrainingState:
    """A moment of a fit: `epoch` epochs are done, and `step` batches of the next.

    `arrays` are weights, what the optimizer and callbacks remember, and what metrics have gathered in the running
    epoch; `meta` are plain values that JSON keeps exactly (Python's, where NaN is a number). They are copies.
    """

    epoch: int
    step: int
    arrays: dict[str, Array]
    meta: dict[str, Any]

    def part(self, name: str) -> dict[str, Array]:
        """The arrays whose names begin with `name.`, without it."""
        return {key.removeprefix(f"{name}."): array for key, array in self.arrays.items() if key.startswith(f"{name}.")}


class StateMismatch(ArgumentError):
    """A state that is not one of this fit."""


def named(name: str, arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays as the part `name` of a state."""
    return {f"{name}.{key}": array for key, array in arrays.items()}

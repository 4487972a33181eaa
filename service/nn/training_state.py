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

    def remembered(self, class_name: str) -> dict[str, Any]:
        """What the first callback of this class remembered; `LookupError` if there was none."""
        for place, one in self.meta["callbacks"].items():
            if one["class_name"] == class_name:
                return one["state"] | self.part(f"callbacks.{place}")
        raise LookupError(f"Expected a callback {class_name} in the state; there is none.")

    def restore(self, model: Any) -> None:
        """Gives the built model of such a fit these weights, and its optimizer what it remembered."""
        for index, weight in enumerate(model.weights):
            weight.assign(self.arrays[f"weights.{index}"])
        for layer in model.layers:
            layer.initialized = True
        model.optimizer.set_state(self.part("optimizer"))


class StateMismatch(ArgumentError):
    """A state that is not one of this fit."""


def named(name: str, arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays as the part `name` of a state."""
    return {f"{name}.{key}": array for key, array in arrays.items()}

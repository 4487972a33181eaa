"""Where a training begins that goes on from a version: weights, the optimizer's state, what its data has taught."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.data.features import Learnt, restored
from service.formats.weights import unpack
from service.nn import Sequential
from service.versions import Version

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A stored version, with what a training that goes on from it needs."""

    version: Version
    learnt: Learnt
    weights: Mapping[str, Array]
    """In Keras's order, by path."""
    optimizer: Mapping[str, Array] | None

    @classmethod
    def of(cls, version: Version, weights: bytes, optimizer: bytes | None) -> Self:
        """The start at a stored version; `Damaged` if the weights are not those that were published."""
        version.check_intact(weights)
        classes = version.output.get("classes")
        learnt = Learnt(
            encoder=restored(version.input.get("features"), int(version.input["shape"][-1])),
            targets=version.output.get("targets"),
            classes=None if classes is None else tuple(classes),
            asked=version.data,
        )
        return cls(version, learnt, unpack(weights)[0], None if optimizer is None else unpack(optimizer)[0])

    def give(self, model: Sequential, *, optimizer: bool) -> None:
        """Gives a compiled model the weights and, if asked, its optimizer the state, all but the learning rate.

        The rate is that of `compile`, where `checks.continuing` has written the one that the state ended with.
        """
        model.set_weights(list(self.weights.values()))
        if optimizer and self.optimizer is not None:
            state = {name: array for name, array in self.optimizer.items() if name != "learning_rate"}
            model.optimizer.build(model.parameters)
            model.optimizer.set_state(state)

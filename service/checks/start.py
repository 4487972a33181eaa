"""A version as a training goes on from it: its weights, the state of its optimizer, and what its data has taught."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.data.features import Encoder, Learnt
from service.formats.weights import unpack
from service.nn import Sequential
from service.published import Published, check_intact

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where a training begins that goes on from a version."""

    id: str
    model: str
    number: int
    spec: Mapping[str, Any]
    compile: Mapping[str, Any]
    summary: Sequence[Mapping[str, Any]]
    learnt: Learnt
    weights: Mapping[str, Array]
    """In Keras's order, by path."""
    optimizer: Mapping[str, Array] | None

    @classmethod
    def of(cls, version: Published, weights: bytes, optimizer: bytes | None) -> Self:
        """The start at a stored version; `Damaged` if the weights are not those that were published."""
        check_intact(version, weights)
        features, classes = version.input.get("features"), version.output.get("classes")
        learnt = Learnt(
            columns=int(version.input["shape"][-1]),
            encoder=None if features is None else Encoder.from_json_list(features),
            targets=version.output.get("targets"),
            classes=None if classes is None else tuple(classes),
            asked=version.data,
        )
        return cls(
            id=version.id,
            model=version.model,
            number=version.number,
            spec=version.spec,
            compile=version.compile,
            summary=version.summary,
            learnt=learnt,
            weights=unpack(weights)[0],
            optimizer=None if optimizer is None else unpack(optimizer)[0],
        )

    @property
    def title(self) -> str:
        """The version in a sentence."""
        return f"version {self.number} of {self.model!r}"

    def give(self, model: Sequential, *, optimizer: bool) -> None:
        """Gives a compiled model the weights and, if asked, its optimizer the state, all but the learning rate.

        The rate is that of `compile`, where `checks.continuing` has written the one that the state ended with.
        """
        model.set_weights(list(self.weights.values()))
        if optimizer and self.optimizer is not None:
            state = {name: array for name, array in self.optimizer.items() if name != "learning_rate"}
            model.optimizer.build(model.parameters)
            model.optimizer.set_state(state)

"""A version as a training goes on from it: its weights, the state of its optimizer, and what its data has taught."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from service.errors import Damaged
from service.features import Encoder, Learnt
from service.formats.weights import digest, unpack
from service.nn import Sequential

Array = NDArray[np.generic]


class Published(Protocol):
    """What of a stored version matters to a training that goes on from it."""

    @property
    def id(self) -> str:
        """What no other version is ever called."""

    @property
    def model(self) -> str:
        """The model's name."""

    @property
    def number(self) -> int:
        """The version's number."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """The network, as it was asked for."""

    @property
    def compile(self) -> Mapping[str, Any]:
        """Optimizer, loss and metrics, as they were asked for."""

    @property
    def summary(self) -> Sequence[Mapping[str, Any]]:
        """Name and parameters of each layer."""

    @property
    def input(self) -> Mapping[str, Any]:
        """What goes in: `shape` and `features`."""

    @property
    def output(self) -> Mapping[str, Any]:
        """What comes out: `classes` and `targets`."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What was asked of its data."""

    @property
    def sha256(self) -> str:
        """The hash of the weights."""


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
        if digest(weights) != version.sha256:
            raise Damaged(f"The weights of version {version.number} of {version.model!r} do not match their SHA-256.")
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

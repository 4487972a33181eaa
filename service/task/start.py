"""The start of a training that continues from a version: weights, optimizer state, and fitted columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.data.features import Learnt, restored
from service.formats.weights import unpack
from service.nn import Sequential
from service.spec import CompileSpec
from service.spec.vocabulary import made
from service.versions import Version

Array = NDArray[np.generic]

_TAKEN_OVER = ("spec", "compile")


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A stored version, with what a training that continues from it needs."""

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

    def completed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the request with the network and compilation of the version where it leaves them out."""
        own = {key: getattr(self.version, key) for key in _TAKEN_OVER if document.get(key) is None}
        return {**document, **own}

    def with_its_rate(self, compiled: CompileSpec) -> CompileSpec:
        """A compilation at the learning rate that the version's training ended with."""
        rate = (self.optimizer or {}).get("learning_rate")
        optimizer = made("optimizer", compiled.optimizer)
        if rate is None or float(rate) == optimizer.learning_rate:
            return compiled
        asked = compiled.model_dump(mode="json", exclude_unset=True)
        own = asked.get("optimizer")
        own = own if isinstance(own, dict) else {"class_name": type(optimizer).__name__}
        return CompileSpec.model_validate({**asked, "optimizer": {**own, "learning_rate": float(rate)}})

    def give(self, model: Sequential, *, optimizer: bool) -> None:
        """Gives a compiled model the weights and, if asked, its optimizer the state, all but the learning rate.

        The rate is that of `compile`, where `with_its_rate` has written the one that the state ended with.
        """
        model.set_weights(list(self.weights.values()))
        if optimizer and self.optimizer is not None:
            state = {name: array for name, array in self.optimizer.items() if name != "learning_rate"}
            model.optimizer.build(model.parameters)
            model.optimizer.set_state(state)

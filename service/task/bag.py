"""A bag: networks of one spec, each trained without another fold, that predict their mean as one network."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.nn import Layer, Sequential, layers
from service.spec import ModelSpec

Array = NDArray[Any]


def seed_of(member: int, seed: int) -> int:
    """The seed of a member, counted from 1, in a training of this seed."""
    return int(np.random.SeedSequence([seed, member]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def bag_layers(spec: ModelSpec, columns: int, members: int) -> list[Layer]:
    """The layers of a bag of so many members of a spec, for rows of so many columns."""
    return [layers.EnsembleAverage([{"columns": list(range(columns)), "layers": _stack(spec)} for _ in range(members)])]


def bag(spec: ModelSpec, columns: int, members: Sequence[Iterable[Array]], tail: Sequence[Layer] = ()) -> Sequential:
    """The network that predicts the mean of members with these weights, with the layers of `tail` behind it."""
    model = spec.build(columns, seed=0, layers=bag_layers(spec, columns, len(members)), tail=tail)
    model.set_weights([weight for weights in members for weight in weights])
    return model


def named_weights(members: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The weights of all members in one, each name behind that of its member: `member_1/dense/kernel`."""
    return {
        f"member_{number}/{path}": array for number, weights in enumerate(members, 1) for path, array in weights.items()
    }


def _stack(spec: ModelSpec) -> list[Layer]:
    """The layers of one member; members have the same names for theirs, so that each gets a new one here."""
    stack = [layer for layer in spec.make_layers() if not isinstance(layer, layers.InputLayer)]
    for place, layer in enumerate(stack):
        layer.name = None
        if place > 0 and layer.vocabulary is None:
            layer.input_dim = None
    return stack

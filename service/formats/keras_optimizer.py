"""The state of an optimizer as Keras keeps it in a file: a list of variables, in the order in which they are made."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.nn.optimizers import Adafactor, Adam, Muon, Optimizer, RMSprop

Array = NDArray[Any]

_OTHERWISE = (Adafactor, Muon)
"""Keras makes other variables for these."""

_MOST_BATCHES = 2**31


def keras_variables(optimizer: Optimizer) -> list[Array] | None:
    """The variables of an optimizer that has steps behind it; None for one whose variables Keras lays out otherwise."""
    if optimizer.parameters is None or isinstance(optimizer, _OTHERWISE):
        return None
    state = optimizer.get_state()
    found = [np.asarray(optimizer.batches, np.int32)]
    found += [state["learning_rate"].astype(np.float32)] if "learning_rate" in state else []
    flat = {name: state[name] * _scale(optimizer, name) for name in _in_order(optimizer)}
    views = {name: optimizer.parameters.like(array.astype(np.float32)) for name, array in flat.items()}
    found += [views[name][place] for name, place in _places(optimizer)]
    return found + ([state["product"].astype(np.float32)] if "product" in state else [])


def read_keras_variables(optimizer: Optimizer, variables: Sequence[Array]) -> bool:
    """Gives an optimizer that is built the state in Keras's variables; False, and nothing done, if they do not fit."""
    own = keras_variables(optimizer)
    if own is None or [array.shape for array in own] != [array.shape for array in variables]:
        return False
    state = optimizer.get_state()
    scalars = 2 if "learning_rate" in state else 1
    batches, rate = float(variables[0]), float(variables[scalars - 1])
    if not all(np.isfinite(array).all() for array in variables) or rate < 0 or not 0 <= batches < _MOST_BATCHES:
        return False
    state["batches"] = np.asarray(int(batches))
    if scalars == 2:
        state["learning_rate"] = np.asarray(rate)
    given = iter(variables[scalars:])
    parts: dict[str, list[Array]] = {}
    for name, _ in _places(optimizer):
        parts.setdefault(name, []).append(next(given).reshape(-1))
    for name, arrays in parts.items():
        state[name] = np.concatenate(arrays) / _scale(optimizer, name)
    if "product" in state:
        state["product"] = np.asarray(float(next(given)))
    optimizer.set_state(state)
    return True


def _groups(optimizer: Optimizer) -> list[tuple[str, ...]]:
    """The names of the arrays: Keras goes through all weights for each group, and makes a variable of each name."""
    slots = optimizer.slots()
    groups = [("average",)] if optimizer.use_ema else []
    groups += [("accumulated",)] if optimizer.gradient_accumulation_steps else []
    if isinstance(optimizer, RMSprop):
        return [*groups, *((name,) for name in slots)]
    return [*groups, slots[:2], *((name,) for name in slots[2:])]


def _in_order(optimizer: Optimizer) -> list[str]:
    return [name for group in _groups(optimizer) for name in group]


def _places(optimizer: Optimizer) -> Iterator[tuple[str, int]]:
    """Which part of which array each variable is: the array's name, and the number of the weight."""
    weights = 0 if optimizer.parameters is None else len(optimizer.parameters.variables)
    for group in _groups(optimizer):
        for place in range(weights):
            yield from ((name, place) for name in group)


def _scale(optimizer: Optimizer, name: str) -> float:
    """What an array is multiplied by to be Keras's: the slots of Adam leave a factor out."""
    if not isinstance(optimizer, Adam):
        return 1.0
    factors: Mapping[str, float] = {"momentum": 1 - optimizer.beta_1, "velocity": 1 - optimizer.beta_2}
    return factors.get(name, 1 - optimizer.beta_2 if name == "velocity_hat" else 1.0)

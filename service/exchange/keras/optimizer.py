"""The state of an optimizer as Keras keeps it in a file: a list of variables, in the order in which they are made."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.nn.optimizers import Adafactor, Adam, Muon, Optimizer, RMSprop
from service.nn.variable import Variable

Array = NDArray[Any]

_MOST_BATCHES = 2**31


def keras_variables(optimizer: Optimizer) -> list[Array] | None:
    """The variables of an optimizer; None for one that knows no weights yet."""
    if optimizer.parameters is None:
        return None
    state = optimizer.get_state()
    found = [np.asarray(optimizer.batches, np.int32)]
    found += [state["learning_rate"].astype(np.float32)] if "learning_rate" in state else []
    found += [(view * _scale(optimizer, name)).astype(np.float32) for name, view in _views(optimizer, state)]
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
    for name, view in _views(optimizer, state):
        view[...] = next(given) / _scale(optimizer, name)
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


def _views(optimizer: Optimizer, state: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Each variable with the name of the array in `state` of which it is a view."""
    parameters = optimizer.parameters
    if parameters is None:
        return
    slots = optimizer.slots()
    for group in _groups(optimizer):
        views = {name: parameters.like(state[name]) for name in group}
        factors = (state[f"factor_{number}"] for number in count())
        for place, variable in enumerate(parameters.variables):
            if isinstance(optimizer, Adafactor) and group == slots:
                yield from _of_adafactor(variable, factors, views["velocity"][place])
            else:
                # Keras makes no mean squares for what is orthogonalized.
                matrix = isinstance(optimizer, Muon) and group == slots and optimizer.orthogonalizes(variable)
                yield from ((name, views[name][place]) for name in (group[:1] if matrix else group))


def _of_adafactor(variable: Variable, factors: Iterator[Array], velocity: Array) -> Iterator[tuple[str, Array]]:
    """Of a matrix the factors, and what follows from them; of a vector nothing twice, and its mean squares."""
    is_matrix = len(variable.shape) > 1
    rows, columns = (next(factors), next(factors)) if is_matrix else (np.zeros(()), np.zeros(()))
    yield "rows", rows
    yield "columns", columns
    yield "velocity", _product(rows, columns) if is_matrix else velocity


def _product(rows: Array, columns: Array) -> Array:
    """The mean squares that Keras keeps beside the factors of a matrix: they follow from these, and are no state."""
    mean = rows.mean(axis=-1, keepdims=True)
    share = np.divide(rows, mean, out=np.zeros_like(rows), where=mean > 0)
    return np.asarray(share[..., None] * columns[..., None, :])


def _scale(optimizer: Optimizer, name: str) -> float:
    """What an array is multiplied by to be Keras's: the slots of Adam leave a factor out."""
    if not isinstance(optimizer, Adam):
        return 1.0
    factors: Mapping[str, float] = {"momentum": 1 - optimizer.beta_1, "velocity": 1 - optimizer.beta_2}
    return factors.get(name, 1 - optimizer.beta_2 if name == "velocity_hat" else 1.0)

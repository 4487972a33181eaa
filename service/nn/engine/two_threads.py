"""A training step in two halves of the batch, each on a thread of its own with one BLAS thread.

It is never slower than products on two BLAS threads, because everything between the products is divided, too. Other
work on the machine slows it down in proportion, whereas BLAS threads, which wait for each other, nearly stop.
"""

from typing import Any

import numpy as np

from service.nn.engine.network import Network
from service.nn.engine.objective import Objective
from service.nn.engine.second_thread import SecondThread
from service.nn.engine.step import Step, connect_gradient, rows_weigh_the_same
from service.nn.optimizers import Optimizer
from service.nn.variable import Parameters

Array = np.ndarray[Any, Any]


def splits(network: Network, rows: int, threads: int) -> bool:
    """Whether a step is divided between two threads, which requires that rows do not depend on each other."""
    alone = all(layer.rows_are_independent and layer.penalty is None for layer in network.layers)
    return threads == 2 and rows > 1 and alone


def connect_two_threads(
    network: Network,
    objective: Objective,
    optimizer: Optimizer,
    parameters: Parameters,
    rows: int,
    second_thread: SecondThread,
    *,
    unit_rows: bool,
) -> Step:
    """Returns a step like that of `connect_step`, whose gradients are the sum of those of two halves."""
    half = rows // 2
    others = np.zeros_like(parameters.gradients)
    first = connect_gradient(network, objective, half, of=rows, unit_rows=unit_rows)
    with parameters.gradients_in(others):
        second = connect_gradient(network, objective, rows - half, of=rows, unit_rows=unit_rows, before=half)
    loss, row_shape = objective.loss, (rows, *network.output_shape[:-1])
    equal = rows_weigh_the_same(loss)
    middle = others.size // 2
    parts = [(parameters.gradients[part], others[part]) for part in (slice(middle), slice(middle, None))]
    outputs = np.empty((rows, *network.output_shape), network.dtype)
    penalized = [variable for variable in parameters.variables if variable.regularizer is not None]

    clock = network.clock

    def step(x: Array, y: Array, weights: Array | None) -> Array:
        clock.step, clock.fraction = optimizer.batches, optimizer.fraction
        factors = None if equal and weights is None else loss.row_weights(y, row_shape, network.dtype, weights)

        def upper() -> None:
            outputs[:half] = first(x[:half], y[:half], None if factors is None else factors[:half])

        def lower() -> None:
            outputs[half:] = second(x[half:], y[half:], None if factors is None else factors[half:])

        second_thread.do(lower, upper)
        second_thread.do(lambda: _add(*parts[1]), lambda: _add(*parts[0]))
        for variable in penalized:
            assert variable.regularizer is not None
            network.tally.value += variable.regularizer(variable.value)
            variable.gradient += variable.regularizer.gradient(variable.value)
        optimizer.step(second_thread.do)
        return outputs

    return step


def _add(gradients: Array, others: Array) -> None:
    np.add(gradients, others, out=gradients)

"""One training step: forward, gradient, backward, update."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from service.nn.engine.network import Network
from service.nn.engine.objective import Objective
from service.nn.losses import Loss
from service.nn.optimizers import Optimizer
from service.nn.variable import Parameters

Array = np.ndarray[Any, Any]
Step = Callable[[Array, Array, Array | None], Array]


def connect_step(
    network: Network,
    objective: Objective,
    optimizer: Optimizer,
    parameters: Parameters,
    rows: int,
    *,
    unit_rows: bool,
) -> Step:
    """A step for batches of `rows`: a function of inputs, targets and weights that returns the outputs.

    The penalties on weights and outputs are left in `network.tally`. The outputs are memory of the network.
    """
    loss, clock, tally, dtype = objective.loss, network.clock, network.tally, network.dtype
    run = connect_gradient(network, objective, rows, of=rows, unit_rows=unit_rows)
    row_shape = (rows, *network.output_shape[:-1])
    equal = rows_weigh_the_same(loss)
    penalized = [variable for variable in parameters.variables if variable.regularizer is not None]

    def step(x: Array, y: Array, weights: Array | None) -> Array:
        clock.step, clock.fraction = optimizer.batches, optimizer.fraction
        factors = None if equal and weights is None else loss.row_weights(y, row_shape, dtype, weights)
        y_pred = run(x, y, factors)
        for variable in penalized:
            assert variable.regularizer is not None
            tally.value += variable.regularizer(variable.value)
            variable.gradient += variable.regularizer.gradient(variable.value)
        optimizer.step()
        return y_pred

    return step


def connect_gradient(
    network: Network, objective: Objective, rows: int, *, of: int, unit_rows: bool, before: int = 0
) -> Step:
    """Forward and backward for `rows` of a batch of `of` rows, after so many: takes inputs, targets, rows' factors.

    The inputs come with a column of ones where the network `takes_ones`. A row's factor is its share in the reduced
    loss; None is one over the number of rows of the batch. Where the last layer has members, the gradient is that of
    the mean of their losses, and not of the loss of their mean.
    """
    loss, dtype = objective.loss, network.dtype
    last = network.layers[-1]
    fused = last.fuses and loss.fuses_with(last.output_activation) and last.penalty is None
    forward, backward, each = network.connect(rows, training=True, fused=fused, rows_before=before)
    members = 1 if each is None else len(each()) // rows
    shape = (members * rows, *network.output_shape)
    gradient = loss.fused(shape, dtype, unit_rows=unit_rows) if fused else loss.gradient
    share = np.asarray(objective.loss_weight / (of * members * math.prod(shape[1:-1])), dtype)
    weight = objective.loss_weight / members
    multiply = np.multiply

    def run(x: Array, y: Array, factors: Array | None) -> Array:
        y_pred = forward(x)
        if each is None:
            dy = gradient(y, y_pred)
        else:
            dy = gradient(np.concatenate([y] * members), each())
            factors = None if factors is None else np.concatenate([factors] * members)
        if factors is None:
            dy = multiply(dy, share, out=dy)
        else:
            dy = multiply(dy, weight * factors[..., None], out=dy)
        backward(dy)
        return y_pred

    return run


def rows_weigh_the_same(loss: Loss) -> bool:
    """Whether each of n rows counts 1 / n where no weights are given."""
    return loss.reduction in ("sum_over_batch_size", "mean") and getattr(loss, "ignore_class", None) is None

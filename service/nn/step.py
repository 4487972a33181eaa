"""One training step: forward, gradient, backward, update."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from service.nn.losses import Loss
from service.nn.network import Network
from service.nn.objective import Objective
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
    """A step for batches of `rows`: takes inputs, targets and weights, answers the outputs.

    The penalties on weights and outputs are left in `network.tally`. The outputs are memory of the network.
    """
    loss, clock, tally, dtype = objective.loss, network.clock, network.tally, network.dtype
    last = network.layers[-1]
    fused = loss.fuses_with(last.output_activation) and last.penalty is None
    forward, backward = network.connection(rows, training=True, fused=fused)
    output_shape = (rows, *network.output_shape)
    gradient = loss.fused(output_shape, dtype, unit_rows=unit_rows) if fused else loss.gradient
    penalized = [variable for variable in parameters.variables if variable.regularizer is not None]
    row_shape = output_shape[:-1]
    equal = rows_weigh_the_same(loss)
    share = np.asarray(objective.loss_weight / math.prod(row_shape), dtype)
    multiply = np.multiply

    def step(x: Array, y: Array, weights: Array | None) -> Array:
        clock.step = optimizer.batches
        y_pred = forward(x)
        dy = gradient(y, y_pred)
        if equal and weights is None:
            dy = multiply(dy, share, out=dy)
        else:
            factors = loss.row_weights(y, row_shape, dtype, weights)[..., None]
            dy = multiply(dy, objective.loss_weight * factors, out=dy)
        backward(dy)
        for variable in penalized:
            assert variable.regularizer is not None
            tally.value += variable.regularizer(variable.value)
            variable.gradient += variable.regularizer.gradient(variable.value)
        optimizer.step()
        return y_pred

    return step


def rows_weigh_the_same(loss: Loss) -> bool:
    """Whether each of n rows counts 1 / n where no weights are given."""
    return loss.reduction in ("sum_over_batch_size", "mean") and getattr(loss, "ignore_class", None) is None

"""A chain of layers connected for fixed batch shapes."""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from service.nn.layers.dense import Dense
from service.nn.layers.layer import Clock, Layer, Pass, Setting
from service.nn.regularizers import Regularizer
from service.nn.variable import Parameters

Array = np.ndarray[Any, Any]

# Memory for this many batch sizes is kept in each direction.
CONNECTIONS = 4


class Tally:
    """The sum of the penalties on outputs since it was last read."""

    value = 0.0

    def take(self) -> float:
        """The sum; it starts again from zero."""
        value, self.value = self.value, 0.0
        return value


class Connection(NamedTuple):
    """All layers connected: `forward(x)` is the output, `backward(dy)` stores every gradient.

    `each`, where the last layer has it, is that of its pass.
    """

    forward: Callable[[Array], Array]
    backward: Callable[[Array], None]
    each: Callable[[], Array] | None = None


class Network:
    """Connections of a chain of built layers by number of rows; the memory of the latest few is kept."""

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: tuple[int, ...],
        dtype: Any,
        clock: Clock,
        parameters: Parameters | None = None,
    ) -> None:
        self.layers = list(layers)
        self.parameters = parameters
        self.input_shape = input_shape
        self.dtype = np.dtype(dtype)
        self.clock = clock
        self.tally = Tally()
        shape: tuple[Any, ...] = (None, *input_shape)
        self.widest = math.prod(input_shape)
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
            self.widest = max(self.widest, math.prod(shape[1:]))
        self.output_shape = tuple(shape[1:])
        self._connections: OrderedDict[tuple[int, bool, bool], Connection] = OrderedDict()

    def connection(self, rows: int, *, training: bool = False, fused: bool = False) -> Connection:
        """The passes for batches of `rows`; `fused` leaves the last activation out of backward."""
        key = (rows, training, fused)
        found = self._connections.get(key)
        if found is None:
            found = self._connections[key] = self.connect(rows, training=training, fused=fused)
            while len(self._connections) > CONNECTIONS:
                self._connections.popitem(last=False)
        return found

    @property
    def takes_ones(self) -> bool:
        """Whether training inputs get a last column of ones: copying narrow inputs is faster than adding a bias."""
        first = self.layers[0] if self.layers else None
        return self._takes(0) and isinstance(first, Dense) and self.input_shape[0] <= first.units

    def _joined(self, index: int) -> bool:
        """Whether the layer at `index` hands a column of ones to the next one."""
        if not 0 <= index < len(self.layers) - 1:
            return False
        giver = self.layers[index]
        return giver.joins and giver.trainable and self._takes(index + 1)

    def _takes(self, index: int) -> bool:
        """Whether the layer at `index` can take inputs with a last column of ones."""
        taker = self.layers[index] if index < len(self.layers) else None
        if not isinstance(taker, Dense) or not taker.use_bias or len(self.input_shape) != 1 or self.parameters is None:
            return False
        if taker.parametrization != "standard":
            return False
        return self.parameters.joined(taker.kernel, taker.bias) is not None

    def connect(self, rows: int, *, training: bool, fused: bool, rows_before: int = 0) -> Connection:
        """Returns new passes with their own memory; in training, `forward` expects ones where `takes_ones` is true."""
        shape: tuple[Any, ...] = (rows, *self.input_shape)
        passes: list[Pass] = []
        trains_before = False
        first_learning = len(self.layers)
        for index, layer in enumerate(self.layers):
            learns = bool(layer.trainable_weights)
            setting = Setting(
                training=training,
                dtype=self.dtype,
                clock=self.clock,
                index=index,
                needs_input_gradient=trains_before,
                fused=fused and index == len(self.layers) - 1,
                parameters=self.parameters,
                takes_ones=training and (self._joined(index - 1) if index else self.takes_ones),
                gives_ones=training and self._joined(index),
                rows_before=rows_before,
            )
            made = layer.connect(shape, setting)
            shape = layer.compute_output_shape(shape)
            penalty = layer.penalty
            passes.append(made if penalty is None else penalized(made, penalty, rows, self.tally))
            if learns and not trains_before:
                trains_before, first_learning = True, index
        forwards = [made.forward for made in passes]
        backwards = [made.backward for made in reversed(passes[first_learning:])]

        def forward(x: Array) -> Array:
            for step in forwards:
                x = step(x)
            return x

        def backward(dy: Array) -> None:
            for step in backwards:
                dy = step(dy)

        return Connection(forward, backward, passes[-1].each if passes else None)


def penalized(made: Pass, penalty: Regularizer, rows: int, tally: Tally) -> Pass:
    """A pass whose output is penalized: penalty(y) / rows is added to the loss, and its gradient to dy."""
    y = np.empty(0)

    def forward(x: Array) -> Array:
        nonlocal y
        y = made.forward(x)
        tally.value += penalty(y) / rows
        return y

    def backward(dy: Array) -> Array:
        return made.backward(dy + penalty.gradient(y) / rows)

    return Pass(forward, backward)

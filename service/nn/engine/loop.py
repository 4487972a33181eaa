"""The passes over batches of which training and evaluation consist."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from service.nn.callbacks import Callback
from service.nn.engine import samples, subnormals
from service.nn.engine.batches import Batches, Block, Feed
from service.nn.engine.network import CONNECTIONS, Network
from service.nn.engine.objective import Objective
from service.nn.engine.second_thread import SecondThread
from service.nn.engine.step import Step, connect_step
from service.nn.engine.two_threads import connect_two_threads, splits
from service.nn.optimizers import Optimizer
from service.nn.variable import Parameters

Array = np.ndarray[Any, Any]
SECOND_THREAD = SecondThread()


class Loop:
    """Trains and measures a connected network; metrics are gathered a block of batches at a time.

    It serves as long as network, parameters, optimizer and objective stay the same.
    """

    def __init__(self, network: Network, parameters: Parameters, optimizer: Optimizer, objective: Objective) -> None:
        self.network = network
        self.parameters = parameters
        self.optimizer = optimizer
        self.objective = objective
        self._steps: OrderedDict[int, Step] = OrderedDict()
        self._unit_rows = False
        self.threads = 1
        self._kept_outputs = np.empty(0)
        if optimizer.parameters is not parameters:
            optimizer.build(parameters)

    def expect(self, y: Array, threads: int = 1) -> None:
        """Prepares for targets of this kind, and sets how many threads a step may use.

        Steps compiled for one-hot rows, or for another number of threads, are discarded.
        """
        unit_rows = samples.unit_rows(y)
        if (unit_rows, threads) != (self._unit_rows, self.threads):
            self._unit_rows, self.threads = unit_rows, threads
            self._steps.clear()

    def train(
        self,
        feed: Feed,
        steps: int,
        watchers: Sequence[Callback],
        model: Any,
        *,
        done: int = 0,
        offer: Callable[[int], None] | None = None,
    ) -> dict[str, Any]:
        """Trains an epoch of `steps` batches, of which `done` are finished; one at a time if a callback needs batches.

        Ends early when a batch callback sets `model.stop_training`. Calls `offer` with the number of finished batches
        wherever the epoch can be interrupted and resumed.
        """
        if not done:
            self.objective.reset()
        self.network.tally.take()
        by_batch = [watcher for watcher in watchers if watcher.wants_batches()]
        for block, run in feed.runs(steps - done, by_batch=bool(by_batch)):
            for watcher in by_batch:
                watcher.on_train_batch_begin(done, logs={})
            self._train_run(block, run)
            done += len(run)
            logs = self.objective.results() if by_batch else {}
            for watcher in by_batch:
                watcher.on_train_batch_end(done - 1, logs=logs)
            for watcher in watchers:
                watcher.on_block_end(done, steps)
            if by_batch and model.stop_training:
                break
            if offer is not None and done < steps:
                offer(done)
        return self.objective.results()

    def measure(self, batches: Batches, steps: int | None, watchers: Sequence[Callback], model: Any) -> dict[str, Any]:
        """Returns loss and metrics over the first `steps` batches (None: all), without changing the weights.

        Ends early when a batch callback sets `model.stop_evaluating`.
        """
        model.stop_evaluating = False
        self.objective.reset()
        self.network.tally.take()
        by_batch = [watcher for watcher in watchers if watcher.wants_batches("test")]
        for watcher in watchers:
            watcher.on_test_begin({})
        done = 0
        count = min(steps or batches.steps, batches.steps)
        for block, run in Feed(batches.blocks()).runs(count, by_batch=bool(by_batch)):
            for watcher in by_batch:
                watcher.on_test_batch_begin(done, logs={})
            self._measure_run(block, run)
            done += len(run)
            seen = self.objective.results() if by_batch else {}
            for watcher in by_batch:
                watcher.on_test_batch_end(done - 1, logs=seen)
            for watcher in watchers:
                watcher.on_test_block_end()
            if by_batch and model.stop_evaluating:
                break
        logs = self.objective.results()
        for variable in self.parameters.variables:
            if variable.regularizer is not None:
                logs["loss"] += variable.regularizer(variable.value)
        for watcher in watchers:
            watcher.on_test_end(logs)
        return logs

    def _train_run(self, block: Block, bounds: list[tuple[int, int]]) -> None:
        tally, outputs = self.network.tally, self._outputs(len(block.x))
        x, y, weights = block.x, block.y, block.weights
        assert y is not None
        with subnormals.flushed():
            for start, stop in bounds:
                rows = stop - start
                step = self._steps.get(rows) or self._connect(rows)
                part = None if weights is None else weights[start:stop]
                outputs[start:stop] = step(x[start:stop], y[start:stop], part)
                if tally.value:
                    self.objective.add_penalty(tally.take(), rows)
        self._gather(block, bounds, outputs[bounds[0][0] : bounds[-1][1]])

    def _measure_run(self, block: Block, bounds: list[tuple[int, int]]) -> None:
        first, last = bounds[0][0], bounds[-1][1]
        outputs = self.network.connection(last - first).forward(block.x[first:last])
        self.objective.add_penalty(self.network.tally.take(), last - first)
        self._gather(block, bounds, outputs)

    def _gather(self, block: Block, bounds: list[tuple[int, int]], outputs: Array) -> None:
        assert block.y is not None
        first, last = bounds[0][0], bounds[-1][1]
        weights = None if block.weights is None else block.weights[first:last]
        moved = [(start - first, stop - first) for start, stop in bounds]
        self.objective.add(block.y[first:last], outputs, weights, moved)

    def _outputs(self, rows: int) -> Array:
        shape, dtype = (rows, *self.network.output_shape), self.network.dtype
        if self._kept_outputs.shape != shape or self._kept_outputs.dtype != dtype:
            self._kept_outputs = np.empty(shape, dtype)
        return self._kept_outputs

    def _connect(self, rows: int) -> Step:
        parts = (self.network, self.objective, self.optimizer, self.parameters, rows)
        if splits(self.network, rows, self.threads):
            step = connect_two_threads(*parts, SECOND_THREAD, unit_rows=self._unit_rows)
        else:
            step = connect_step(*parts, unit_rows=self._unit_rows)
        self._steps[rows] = step
        while len(self._steps) > CONNECTIONS:
            self._steps.popitem(last=False)
        return step

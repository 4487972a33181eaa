"""compile, fit, evaluate and predict, for any model that has a network and parameters."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from service.nn import blas, optimizers, samples
from service.nn.arguments import ArgumentError
from service.nn.batches import Batches, Block, Feed
from service.nn.callbacks import Callback, History
from service.nn.layers.layer import Clock
from service.nn.metrics import Metric
from service.nn.network import Network
from service.nn.objective import Objective, metric_list
from service.nn.samples import Samples
from service.nn.step import Step, connect_step
from service.nn.variable import Parameters

Array = np.ndarray[Any, Any]

# Inference has nothing to gain from batches that leave the cache.
INFERENCE_ROWS = 256


class Trainer:
    """The verbs of a model. A subclass offers the structure: `network`, `build`, `output_shape`, `parameters`."""

    optimizer: optimizers.Optimizer
    output_shape: tuple[Any, ...]
    parameters: Parameters
    clock: Clock
    history: History
    stop_training = False
    compiled = False
    _unit_rows = False
    _kept_outputs = np.empty(0)
    _objective: Objective | None = None

    def network(self) -> Network:
        """The connected layers."""
        raise NotImplementedError

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights."""
        raise NotImplementedError

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Chooses optimizer, loss and metrics; the last four arguments are Keras's and change nothing here."""
        self.optimizer = optimizers.get(optimizer)
        self._steps: dict[int, Step] = {}
        self._objective = None
        if loss is not None:
            weight = loss_weights[0] if isinstance(loss_weights, list | tuple) and loss_weights else loss_weights
            self._objective = Objective(
                loss[0] if isinstance(loss, list | tuple) and len(loss) == 1 else loss,
                metric_list(metrics, "metrics"),
                metric_list(weighted_metrics, "weighted_metrics"),
                1.0 if weight is None else float(weight),
            )
        self._compile_arguments = {
            "optimizer": self.optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        self.compiled = True

    @property
    def metrics(self) -> list[Metric]:
        """The metrics of compile, once the shapes of the targets are known."""
        objective = self._objective
        return [] if objective is None else [*objective.metrics, *objective.weighted_metrics]

    @property
    def loss(self) -> Any:
        """The loss as given to compile."""
        return self._compile_arguments["loss"]

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | list[Any] | None = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | list[int] = 1,
    ) -> History:
        """Trains for `epochs - initial_epoch` passes over the rows and answers their history.

        The last partial batch is kept; `validation_split` takes the last rows before any shuffling; row order is a
        function of the model's seed and the epoch. With `steps_per_epoch` an epoch is that many batches.
        """
        batch_size = _whole("batch_size", 32 if batch_size is None else batch_size)
        epochs = _whole("epochs", epochs, minimum=0)
        data = samples.samples(x, y, sample_weight)
        validation = _validation(validation_data)
        if validation_split and validation is None:
            data, validation = samples.split(data, validation_split)
        data = samples.weighted(data, class_weight)
        batches = self._batches(data, batch_size)
        self._promise_unit_rows(data.y)
        watchers = self._watchers(callbacks, epochs, steps_per_epoch or batches.steps)
        self.stop_training = False
        logs: dict[str, float] = {}
        feed = Feed(batches.stream(shuffle, self.clock.seed, initial_epoch))
        with blas.suited_to(batch_size, self.parameters.values.size):
            for watcher in watchers:
                watcher.on_train_begin()
            for epoch in range(initial_epoch, epochs):
                for watcher in watchers:
                    watcher.on_epoch_begin(epoch)
                logs = self._train_epoch(feed, watchers)
                if validation is not None and _validates(validation_freq, epoch):
                    held_out = self._batches(validation, validation_batch_size or batch_size)
                    measured = self._measure(held_out, validation_steps, watchers)
                    logs |= {f"val_{name}": value for name, value in measured.items()}
                for watcher in watchers:
                    watcher.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            self.optimizer.finish()
            for watcher in watchers:
                watcher.on_train_end(logs)
        return self.history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Sequence[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on given rows: a dict, or a list with the loss first (one number without metrics)."""
        batch_size = _whole("batch_size", 32 if batch_size is None else batch_size)
        batches = self._batches(samples.samples(x, y, sample_weight), batch_size)
        return _answer(self._measure(batches, steps, callbacks or ()), return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> Array:
        """The model's output for each row: shape `(rows, units)`, memory of the caller's own."""
        x = samples.inputs(x)
        network = self.network()
        self._check_inputs(x)
        if steps is not None:
            x = x[: steps * (batch_size or 32)]
        if len(x) <= INFERENCE_ROWS and x.dtype == network.dtype:
            return network.connection(len(x)).forward(np.ascontiguousarray(x)).copy()
        out = np.empty((len(x), *self.output_shape[1:]), network.dtype)
        at = 0
        for block in Batches(x, None, None, batch_size=batch_size or INFERENCE_ROWS, dtype=network.dtype).blocks():
            out[at : at + len(block.x)] = network.connection(len(block.x)).forward(block.x)
            at += len(block.x)
        return out

    def predict_on_batch(self, x: Any) -> Array:
        """The model's output for one batch."""
        return self.predict(x)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step; answers loss and metrics before it."""
        data = samples.weighted(samples.samples(x, y, sample_weight), class_weight)
        batches = self._batches(data, len(data.x))
        self._promise_unit_rows(data.y)
        self._watchers(None, 1, 1)
        return _answer(self._train_epoch(Feed(batches.blocks()), []), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch."""
        return self.evaluate(x, y, batch_size=len(x), sample_weight=sample_weight, return_dict=return_dict)

    def _train_epoch(self, feed: Feed, watchers: Sequence[Callback]) -> dict[str, float]:
        """An epoch's steps; metrics are gathered a block at a time, or by batch if a callback wants it."""
        objective, network = self._require_objective(), self.network()
        objective.reset()
        by_batch = [watcher for watcher in watchers if watcher.wants_batches()]
        network.tally.take()
        steps = self._steps_per_epoch
        done = 0
        for block, run in feed.runs(steps, by_batch=bool(by_batch)):
            for watcher in by_batch:
                watcher.on_train_batch_begin(done)
            self._train_run(block, run)
            done += len(run)
            for watcher in by_batch:
                watcher.on_train_batch_end(done - 1, objective.results())
            for watcher in watchers:
                watcher.on_block_end(done, steps)
            if by_batch and self.stop_training:
                break
        return objective.results()

    def _train_run(self, block: Block, bounds: list[tuple[int, int]]) -> None:
        objective, tally = self._require_objective(), self.network().tally
        outputs = self._outputs(len(block.x))
        x, y, weights = block.x, block.y, block.weights
        assert y is not None
        for start, stop in bounds:
            rows = stop - start
            step = self._steps.get(rows) or self._connect(rows)
            part = None if weights is None else weights[start:stop]
            outputs[start:stop] = step(x[start:stop], y[start:stop], part)
            if tally.value:
                objective.add_penalty(tally.take(), rows)
        first, last = bounds[0][0], bounds[-1][1]
        part = None if weights is None else weights[first:last]
        objective.add(y[first:last], outputs[first:last], part, [(a - first, b - first) for a, b in bounds])

    def _outputs(self, rows: int) -> Array:
        shape, dtype = (rows, *self.output_shape[1:]), self.network().dtype
        if self._kept_outputs.shape != shape or self._kept_outputs.dtype != dtype:
            self._kept_outputs = np.empty(shape, dtype)
        return self._kept_outputs

    def _connect(self, rows: int) -> Step:
        shape = (rows, *self.output_shape[1:])
        self._steps[rows] = step = connect_step(
            self.network(),
            self._require_objective(),
            self.optimizer,
            self.parameters,
            shape,
            unit_rows=self._unit_rows,
        )
        return step

    def _measure(self, batches: Batches, steps: int | None, watchers: Sequence[Callback]) -> dict[str, float]:
        objective, network = self._require_objective(), self.network()
        objective.reset()
        network.tally.take()
        by_batch = [watcher for watcher in watchers if watcher.wants_batches("test")]
        for watcher in watchers:
            watcher.on_test_begin()
        done = 0
        for block, run in Feed(batches.blocks()).runs(
            min(steps or batches.steps, batches.steps), by_batch=bool(by_batch)
        ):
            for watcher in by_batch:
                watcher.on_test_batch_begin(done)
            self._measure_run(block, run)
            done += len(run)
            for watcher in by_batch:
                watcher.on_test_batch_end(done - 1, objective.results())
        logs = objective.results()
        for variable in self.parameters.variables:
            if variable.regularizer is not None:
                logs["loss"] += variable.regularizer(variable.value)
        for watcher in watchers:
            watcher.on_test_end(logs)
        return logs

    def _measure_run(self, block: Block, bounds: list[tuple[int, int]]) -> None:
        objective, network = self._require_objective(), self.network()
        first, last = bounds[0][0], bounds[-1][1]
        assert block.y is not None
        y_pred = network.connection(last - first).forward(block.x[first:last])
        objective.add_penalty(network.tally.take(), last - first)
        part = None if block.weights is None else block.weights[first:last]
        objective.add(block.y[first:last], y_pred, part, [(a - first, b - first) for a, b in bounds])

    def _batches(self, data: Samples, batch_size: int) -> Batches:
        """The rows in batches, once everything is ready for them: weights, resolved loss, optimizer."""
        objective = self._require_objective()
        self.build((None, *data.x.shape[1:]))
        network = self.network()
        self._check_inputs(data.x)
        objective.resolve(self.output_shape, data.y)
        if self.optimizer.parameters is not self.parameters:
            self.optimizer.build(self.parameters)
            self._steps = {}
        loss, y = objective.loss, data.y
        same_rank = y.ndim == len(self.output_shape)
        if loss.takes_classes and same_rank:
            y = y[..., 0]
        elif not loss.takes_classes and not same_rank:
            y = y[..., None]
        target_dtype = np.int64 if loss.takes_classes else network.dtype
        return Batches(data.x, y, data.weights, batch_size=batch_size, dtype=network.dtype, target_dtype=target_dtype)

    def _promise_unit_rows(self, y: Array) -> None:
        """Steps made for one-hot targets serve no others."""
        promise = samples.unit_rows(y)
        if promise != self._unit_rows:
            self._unit_rows, self._steps = promise, {}

    def _check_inputs(self, x: Array) -> None:
        expected = self.network().input_shape
        if x.shape[1:] != expected:
            raise ArgumentError("x", f"of shape (rows, {', '.join(map(str, expected))})", x.shape)

    def _watchers(self, callbacks: Any, epochs: int, steps: int) -> list[Callback]:
        given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or [])
        self.history = History()
        self._steps_per_epoch = steps
        watchers = [*given, self.history]
        for watcher in watchers:
            watcher.set_params({"epochs": epochs, "steps": steps})
            watcher.set_model(self)
        return watchers

    def _require_objective(self) -> Objective:
        if self._objective is None:
            raise ValueError("Call compile with a loss before fit or evaluate.")
        return self._objective


def _validation(data: Any) -> Samples | None:
    if data is None:
        return None
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise ArgumentError("validation_data", "(x, y) or (x, y, sample_weight)", data)
    return samples.samples(*data)


def _answer(logs: dict[str, float], return_dict: bool) -> Any:
    values = list(logs.values())
    return logs if return_dict else values if len(values) > 1 else values[0]


def _whole(name: str, value: Any, minimum: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise ArgumentError(name, f"an integer >= {minimum}", value)
    return int(value)


def _validates(frequency: int | list[int], epoch: int) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency

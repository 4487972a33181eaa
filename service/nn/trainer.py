"""compile, fit, evaluate and predict, for any model that has a network and parameters."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from service.nn import optimizers
from service.nn.arguments import ArgumentError
from service.nn.callbacks import Callback, History
from service.nn.callbacks.callback import bound, listed
from service.nn.engine import blas, samples
from service.nn.engine.batches import Batches, Feed
from service.nn.engine.initialization import initialize
from service.nn.engine.loop import Loop
from service.nn.engine.network import Network
from service.nn.engine.objective import Objective, metric_list
from service.nn.engine.outputs import outputs, watched_outputs
from service.nn.engine.run import Run
from service.nn.engine.samples import Samples
from service.nn.engine.two_threads import splits
from service.nn.layers.layer import Clock
from service.nn.metrics import Metric
from service.nn.training_state import TrainingState
from service.nn.variable import Parameters

Array = np.ndarray[Any, Any]


class Trainer:
    """`compile`, `fit`, `evaluate` and `predict`; subclasses have `network`, `build`, `output_shape`, `parameters`."""

    optimizer: optimizers.Optimizer
    parameters: Parameters
    clock: Clock
    history: History
    built = False
    stop_training = False
    stop_evaluating = False
    stop_predicting = False
    compiled = False
    rows_per_epoch = 0
    _loop: Loop | None = None
    _network: Network | None = None
    _objective: Objective | None = None
    _state: TrainingState | None = None

    def network(self) -> Network:
        """The connected layers."""
        raise NotImplementedError

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """The shape of the outputs, None for the number of rows."""
        raise NotImplementedError

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights."""
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
        """Sets the optimizer, loss and metrics; the last four arguments exist for Keras's sake and have no effect."""
        self.optimizer = optimizers.get(optimizer)
        self._loop = None
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
        """The metrics given to `compile`; empty until the shapes of the targets are known."""
        objective = self._objective
        return [] if objective is None else [*objective.metrics, *objective.weighted_metrics]

    @property
    def named_metrics(self) -> dict[str, Metric]:
        """The metrics by the names that their values have in logs and history."""
        return {} if self._objective is None else self._objective.named

    @property
    def loss(self) -> Any:
        """The loss as it was given to `compile`."""
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
        """Trains for `epochs - initial_epoch` passes over the rows and returns their History.

        The last partial batch is kept; `validation_split` takes the last rows before any shuffling; row order is a
        function of the model's seed and the epoch. With `steps_per_epoch` an epoch is that many batches.
        """
        batch_size = _whole("batch_size", 32 if batch_size is None else batch_size)
        epochs = _whole("epochs", epochs, minimum=0)
        data = samples.samples(x, y, sample_weight)
        validation = samples.held_out(validation_data)
        if validation_split and validation is None:
            data, validation = samples.split(data, validation_split)
        data = samples.weighted(data, class_weight)
        loop = self._ready(data)
        if self._state is None:  # a resumed run has these weights in its state
            initialize(loop.network, data)
        threads = blas.threads_for(batch_size, self.parameters.values.size)
        loop.expect(data.y, threads)
        batches = self._batches(data, batch_size, ones=loop.network.takes_ones)
        steps = steps_per_epoch or batches.steps
        self.rows_per_epoch = steps * batch_size if steps_per_epoch else len(data.x)
        watchers = self._watchers(callbacks, epochs, steps)
        self.stop_training = False
        self.optimizer.expect(steps * max(0, epochs - initial_epoch))

        def validate(epoch: int) -> dict[str, Any] | None:
            if validation is None or not _validates(validation_freq, epoch):
                return None
            held_out = self._batches(validation, validation_batch_size or batch_size)
            return loop.measure(held_out, validation_steps, watchers, self)

        run = Run(
            self,
            loop,
            batches,
            steps=steps,
            epochs=range(initial_epoch, epochs),
            shuffle=shuffle,
            watchers=watchers,
            validate=validate,
        )
        state, self._state = self._state, None  # only one fit resumes from it, even if that fit fails
        # Two threads that share a step need one BLAS thread each; more would compete for the same cores.
        with blas.limited_to(1 if splits(loop.network, batch_size, threads) else threads):
            run.go(state)
        return self.history

    def resume_from(self, state: TrainingState) -> None:
        """Makes the next `fit` continue from a state that `capture` returned; give it the same arguments and data.

        The result is identical, bit for bit, to that of the uninterrupted run. `fit` raises `StateMismatch` if the
        state belongs to another training.
        """
        self._state = state

    @property
    def running_loss(self) -> float:
        """The loss of the running epoch so far."""
        return 0.0 if self._objective is None else self._objective.running_loss

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
        """Returns loss and metrics on the given rows: a dict, or a list with the loss first (or the loss alone)."""
        batch_size = _whole("batch_size", 32 if batch_size is None else batch_size)
        data = samples.samples(x, y, sample_weight)
        loop = self._ready(data)
        batches = self._batches(data, batch_size)
        watchers = bound(listed(callbacks), self, steps=min(steps or batches.steps, batches.steps))
        return _answer(loop.measure(batches, steps, watchers, self), return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> Array:
        """Returns the output for each row: a new array of shape `(rows, units)`."""
        x = samples.inputs(x)
        if not self.built:
            self.build((None, *x.shape[1:]))
        network = self._network or self.network()
        self._check_inputs(x, network)
        if steps is not None:
            x = x[: steps * (batch_size or 32)]
        if callbacks:
            batches = Batches(x, None, None, batch_size=batch_size or 32, dtype=network.dtype)
            return watched_outputs(self, network, batches, bound(listed(callbacks), self, steps=batches.steps))
        return outputs(network, x, batch_size)

    def predict_on_batch(self, x: Any) -> Array:
        """Returns the outputs for one batch, computed in a single pass."""
        return self.predict(x)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Trains on one batch, in one step, and returns the loss and metrics from before the step."""
        data = samples.weighted(samples.samples(x, y, sample_weight), class_weight)
        loop = self._ready(data)
        initialize(loop.network, data)
        loop.expect(data.y)
        feed = Feed(self._batches(data, len(data.x), ones=loop.network.takes_ones).blocks())
        return _answer(loop.train(feed, 1, [], self), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Returns the loss and metrics of one batch, without training on it."""
        return self.evaluate(x, y, batch_size=len(x), sample_weight=sample_weight, return_dict=return_dict)

    def _ready(self, data: Samples) -> Loop:
        """Builds the weights, resolves the loss and binds the optimizer, as a pass over such rows needs."""
        objective = self._require_objective()
        if not self.built:
            self.build((None, *data.x.shape[1:]))
        network = self.network()
        self._check_inputs(data.x, network)
        objective.resolve(self.output_shape, data.y)
        loop = self._loop
        if loop is None or loop.network is not network or loop.parameters is not self.parameters:
            loop = self._loop = Loop(network, self.parameters, self.optimizer, objective)
        return loop

    def _batches(self, data: Samples, batch_size: int, *, ones: bool = False) -> Batches:
        loss, y, dtype = self._require_objective().loss, data.y, self.network().dtype
        same_rank = y.ndim == len(self.output_shape)  # as in Keras, a last axis of one may be there or not
        if loss.takes_classes and same_rank:
            y = y[..., 0]
        elif not loss.takes_classes and not same_rank:
            y = y[..., None]
        target_dtype = np.int64 if loss.takes_classes else dtype
        types: dict[str, Any] = {"dtype": dtype, "target_dtype": target_dtype}
        return Batches(data.x, y, data.weights, batch_size=batch_size, ones=ones, **types)

    def _check_inputs(self, x: Array, network: Network) -> None:
        expected = network.input_shape
        if x.shape[1:] != expected:
            raise ArgumentError("x", f"of shape (rows, {', '.join(map(str, expected))})", x.shape)

    def _watchers(self, callbacks: Any, epochs: int, steps: int) -> list[Callback]:
        self.history = History()
        return bound([*listed(callbacks), self.history], self, epochs=epochs, steps=steps)

    def _require_objective(self) -> Objective:
        if self._objective is None:
            raise ValueError("Call compile with a loss before fit or evaluate.")
        return self._objective


def _answer(logs: dict[str, Any], return_dict: bool) -> Any:
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

"""What a callback is: hooks that `fit` calls while it trains."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from service.nn.metrics.metric import Metric
from service.nn.registry import Registry
from service.nn.training_state import TrainingState

Logs = dict[str, Any]
"""Numbers by name; a metric that is a vector has a list."""


class Callback:
    """Override the hooks you need; `self.model` is the model, `self.params` has `epochs` and `steps`.

    As in Keras, `logs` is always a dictionary, empty before anything is measured. A hook may set
    `self.model.stop_training`, or raise to end the training at once.
    """

    sets_learning_rate: ClassVar[bool] = False
    """Whether the callback changes the learning rate, and records it among the metrics of each epoch."""

    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Called before the training begins."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before the training begins, with `epochs` and `steps` (batches of an epoch)."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, with its metrics."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation; `logs` has the metrics, and what is added to it is kept."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Keras's older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Keras's older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch; overriding it makes training slower."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch, with the metrics of the epoch so far; overriding it makes training slower."""
        self.on_batch_end(batch, logs=logs)

    def on_block_end(self, steps_done: int, steps: int) -> None:
        """After each run of a few batches: how many of the epoch's steps are done. Cheap, for watching long epochs."""

    def on_resume_point(self, epoch: int, step: int, capture: Callable[[], TrainingState]) -> None:
        """Called between blocks and epochs: a later fit can continue from the state that `capture()` copies now.

        `epoch` epochs are done, all callbacks have seen their ends, and so are `step` batches of the next.
        """

    def on_test_block_end(self) -> None:
        """After each run of a few batches of an evaluation: a sign of life, whatever the time it takes."""

    def get_state(self) -> dict[str, Any]:
        """What the callback remembers of the training so far: arrays, and values that JSON knows."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Remembers what `get_state` gave; called after `on_train_begin` of a training that is taken up again."""
        for name, value in state.items():
            setattr(self, name, value)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation, with its metrics."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation, with the metrics so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of a prediction; `logs` has its `outputs`."""

    def wants_batches(self, verb: str = "train") -> bool:
        """Whether a batch hook of training (or `"test"` or `"predict"`) is overridden."""
        names = [f"on_{verb}_batch_begin", f"on_{verb}_batch_end"]
        if verb == "train":
            names += ["on_batch_begin", "on_batch_end"]
        return any(getattr(getattr(self, name), "__func__", None) is not getattr(Callback, name) for name in names)


REGISTRY: Registry[Callback] = Registry("callback")


def listed(callbacks: Any) -> list[Callback]:
    """One callback, several or None as a list."""
    return [callbacks] if isinstance(callbacks, Callback) else list(callbacks or [])


def bound(callbacks: list[Callback], model: Any, **params: Any) -> list[Callback]:
    """Returns the callbacks after giving each its model and the parameters of the run."""
    for callback in callbacks:
        callback.set_params(params)
        callback.set_model(model)
    return callbacks


def watched(monitor: str, logs: Logs | None) -> float | None:
    """The value that a callback watches; None where it is not measured, ValueError where it is a vector."""
    value = (logs or {}).get(monitor)
    if isinstance(value, list):
        raise ValueError(
            f"{monitor!r} has {len(value)} numbers, and only one number can be watched. Give it an average."
        )
    return value


_UP = (
    "accuracy",
    "acc",
    "auc",
    "precision",
    "recall",
    "f1",
    "fbeta",
    "r2",
    "sensitivity",
    "specificity",
    "positives",
)
_DOWN = (
    "loss",
    "error",
    "crossentropy",
    "mse",
    "mae",
    "mape",
    "msle",
    "bce",
    "ce",
    "hinge",
    "divergence",
    "poisson",
)


def wants_larger(callback: Any) -> bool:
    """The direction of what a callback watches in its model."""
    return is_better_when_larger(callback.monitor, callback.mode, getattr(callback.model, "named_metrics", {}))


def is_better_when_larger(monitor: str, mode: str, metrics: Mapping[str, Metric]) -> bool:
    """Whether larger values of a metric are better; ValueError if mode is 'auto' and the name does not imply it."""
    if mode in ("min", "max"):
        return mode == "max"
    name = monitor.removeprefix("val_")
    if name == "loss":
        return False
    metric = metrics.get(name)
    words = f"{name} {metric.kind}".lower() if metric is not None else ""
    if any(word in words for word in ("error", "crossentropy", "loss", "false", "hinge", "divergence", "poisson")):
        return False
    if metric is not None and any(word in words for word in (*_UP, "true", "correlation", "cosine")):
        return True
    if metric is not None and any(word in words.split()[0].split("_") for word in _DOWN):
        return False
    raise ValueError(f"Cannot tell whether {monitor!r} is better when larger or smaller; set mode to 'min' or 'max'.")

"""What watches over every training that the service makes: that it has numbers, time, and its best weights at hand."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from service.data.datasets import Dataset
from service.errors import TrainingFailed
from service.nn.callbacks import Callback

_LARGE_INPUT = 100.0
_LARGE_RATE = 10.0
"""So many times an optimizer's own learning rate is more likely the cause than any data."""


class NumberGuard(Callback):
    """Ends a training whose loss is no longer a number, and says since when and what it likely comes from."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._epoch = 0

    def get_state(self) -> dict[str, Any]:
        """The running epoch."""
        return {"_epoch": self._epoch}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's hook
        """Remembers the epoch."""
        self._epoch = epoch

    def on_block_end(self, steps_done: int, steps: int) -> None:
        """Looks at the loss of the epoch so far."""
        loss = self.model.running_loss
        if not np.isfinite(loss):
            self._fail("loss", loss, f", at step {steps_done} of {steps} or a little before")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the losses of the epoch."""
        self._epoch = epoch
        for name in ("loss", "val_loss"):
            value = (logs or {}).get(name, 0.0)
            if not np.isfinite(value):
                self._fail(name, value, "")

    def _fail(self, name: str, value: float, place: str) -> None:
        word = "NaN" if np.isnan(value) else "infinite"
        said = f"{name} became {word} in epoch {self._epoch + 1} of {self.params['epochs']}{place}."
        raise TrainingFailed(f"{said} {self._likely_cause()}", code="diverged")

    def _likely_cause(self) -> str:
        optimizer = self.model.optimizer
        rate = optimizer.current_learning_rate()
        if rate <= _LARGE_RATE * type(optimizer).learning_rate:
            for name, values in (("inputs", self._dataset.x), ("targets", self._dataset.y)):
                if np.abs(values).max() > _LARGE_INPUT:
                    instead = f"scale them to about -1 to 1, or lower the learning rate, {rate:g}"
                    return f"Likely because some {name} are beyond {_LARGE_INPUT:g}: {instead}."
        return f"Likely because the learning rate, {rate:g}, is too large for this network: lower it, or set clipnorm."


class TimeLimit(Callback):
    """Ends a training that has taken longer than it may, all attempts together, and what was `spent` before."""

    def __init__(
        self, max_seconds: float | None, *, spent: float = 0.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_seconds = max_seconds
        self._now = now
        self._spent = spent
        self._began = now() - spent

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's hook
        """The time begins to run."""
        self._began = self._now() - self._spent

    def get_state(self) -> dict[str, Any]:
        """The seconds so far."""
        return {"seconds": self._now() - self._began}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on to count."""
        self._began = self._now() - state["seconds"]

    def on_block_end(self, steps_done: int, steps: int) -> None:  # noqa: ARG002 - the hook
        """Looks at the clock."""
        self.on_test_block_end()

    def on_test_block_end(self) -> None:
        """Looks at the clock."""
        if self._max_seconds is not None and self._now() - self._began > self._max_seconds:
            raise TrainingFailed(
                f"The training took longer than max_seconds, {self._max_seconds:g}.", code="time_limit"
            )


class BestWeights(Callback):
    """Remembers the weights of the epoch with the lowest validation loss, or loss where nothing validates."""

    def __init__(self) -> None:
        self._value = np.inf
        self._metrics: dict[str, Any] | None = None
        self._weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's hook
        """Remembers the weights if they are the best so far."""
        value = (logs or {}).get("val_loss", (logs or {}).get("loss", np.inf))
        if value < self._value:
            self._value, self._metrics, self._weights = float(value), dict(logs or {}), self.model.get_weights()

    def get_state(self) -> dict[str, Any]:
        """The best so far."""
        return {"value": self._value, "metrics": self._metrics} | {str(i): w for i, w in enumerate(self._weights)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """The best so far."""
        self._value, self._metrics = state["value"], state["metrics"]
        self._weights = [state[str(i)] for i in range(len(state) - 2)]

    def restore(self, model: Any) -> dict[str, Any] | None:
        """Gives the model its best weights back and answers their epoch's metrics; None if no epoch was done."""
        if self._metrics is not None:
            model.set_weights(self._weights)
        return self._metrics


class Description(Callback):
    """Carries into every checkpoint what a version tells besides its weights, so that it can become one by itself."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told = told

    def get_state(self) -> dict[str, Any]:
        """All of it."""
        return {"told": self.told}

"""Changing the learning rate between epochs."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from service.nn.arguments import ArgumentError, Of, Range
from service.nn.callbacks.callback import REGISTRY, Callback, Logs, wants_larger, watched
from service.nn.optimizers import schedules
from service.nn.registry import Configurable


@REGISTRY.register()
@dataclass
class ReduceLROnPlateau(Configurable, Callback):
    """Multiplies the learning rate by `factor` after `patience` epochs without improvement of `monitor`."""

    keras_module: ClassVar[str] = "keras.callbacks"
    sets_learning_rate: ClassVar[bool] = True

    monitor: str = "val_loss"
    factor: Annotated[float, Range(minimum=0, below=1)] = 0.1
    patience: Annotated[int, Range(minimum=0)] = 10
    verbose: int = 0
    mode: Literal["auto", "min", "max"] = "auto"
    min_delta: float = 1e-4
    cooldown: Annotated[int, Range(minimum=0)] = 0
    min_lr: Annotated[float, Range(minimum=0)] = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets earlier trainings."""
        self.wait = 0
        self.cooldown_counter = 0
        self.best: float | None = None

    def get_state(self) -> dict[str, Any]:
        """The best so far, and how long to wait on."""
        return {"wait": self.wait, "cooldown_counter": self.cooldown_counter, "best": self.best}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Records the learning rate, and lowers it on a plateau."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        current = watched(self.monitor, logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._improves(current):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            rate = float(self.model.optimizer.learning_rate)
            if self.wait >= self.patience and rate > self.min_lr:
                self.model.optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _improves(self, value: float) -> bool:
        larger = wants_larger(self)
        best = self.best if self.best is not None else (-math.inf if larger else math.inf)
        return value > best + self.min_delta if larger else value < best - self.min_delta


@REGISTRY.register()
@dataclass
class LearningRateScheduler(Configurable, Callback):
    """Sets the learning rate of each epoch: `schedule(epoch, rate)`, or a learning rate schedule called by epoch."""

    keras_module: ClassVar[str] = "keras.callbacks"
    sets_learning_rate: ClassVar[bool] = True

    schedule: Annotated[Any, Of("learning rate schedule")]
    verbose: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.schedule, Mapping):
            self.schedule = schedules.get(self.schedule)
        if not callable(self.schedule):
            raise ArgumentError("schedule", "a learning rate schedule", self.schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Sets the rate."""
        rate = float(self.model.optimizer.learning_rate)
        self.model.optimizer.learning_rate = float(_call(self.schedule, epoch, rate))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Records the rate."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _call(schedule: Callable[..., float], epoch: int, rate: float) -> float:
    if isinstance(schedule, schedules.LearningRateSchedule) or len(inspect.signature(schedule).parameters) == 1:
        return schedule(epoch)
    return schedule(epoch, rate)

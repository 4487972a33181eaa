"""Keras's callbacks: those that the service runs are specs, the others run here after each epoch is told."""

import csv
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fitd.keras.schedules import LearningRateSchedule, PiecewiseConstantDecay
from fitd.keras.specs import Spec


class Callback:
    """A callback that runs here, after each epoch that the service tells; `self.model.stop_training` ends it."""

    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Remembers the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Remembers what `fit` was asked."""
        self.params = params

    def on_train_begin(self, logs: Any = None) -> None:
        """Called before the training."""

    def on_train_end(self, logs: Any = None) -> None:
        """Called after the training."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Called before what is told of an epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called with the metrics of an epoch, which is counted from 0."""


class History(Callback):
    """The metrics of each epoch, by their names."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keeps them."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def _repr_html_(self) -> str:
        from fitd.display import history_html  # noqa: PLC0415 - notebooks alone need it

        return history_html(self.history)


class LambdaCallback(Callback):
    """Calls the functions that are given."""

    def __init__(self, **functions: Callable[..., Any] | None) -> None:
        unknown = [name for name in functions if name not in _HOOKS]
        if unknown:
            raise ValueError(f"Expected functions among {', '.join(_HOOKS)}; received {', '.join(unknown)}.")
        for name, function in functions.items():
            if function is not None:
                setattr(self, name, function)


class CSVLogger(Callback):
    """Writes a line for each epoch to a file."""

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = Path(filename), separator, append
        self._names: list[str] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins the file."""
        self._names = None
        if not self.append:
            self.filename.write_text("", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the line."""
        with self.filename.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if self._names is None:
                self._names = sorted(logs or {})
                if file.tell() == 0:
                    writer.writerow(["epoch", *self._names])
            writer.writerow([epoch, *((logs or {}).get(name, "NA") for name in self._names)])


class _Remote(Spec):
    """A callback that the service runs."""

    def set_model(self, model: Any) -> None:
        """Nothing: it runs elsewhere."""


class EarlyStopping(_Remote):
    """Stops after `patience` epochs in which `monitor` did not improve by more than `min_delta`."""

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(
            monitor=monitor,
            min_delta=min_delta,
            patience=patience,
            verbose=verbose,
            mode=mode,
            baseline=baseline,
            restore_best_weights=restore_best_weights,
            start_from_epoch=start_from_epoch,
        )


class ReduceLROnPlateau(_Remote):
    """Multiplies the learning rate by `factor` after `patience` epochs without improvement."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(
            monitor=monitor,
            factor=factor,
            patience=patience,
            verbose=verbose,
            mode=mode,
            min_delta=min_delta,
            cooldown=cooldown,
            min_lr=min_lr,
        )


class TerminateOnNaN(_Remote):
    """Stops at the batch that makes the loss NaN or infinite."""

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__(raise_error=raise_error)


class LearningRateScheduler(_Remote):
    """Sets the learning rate of each epoch: `schedule(epoch)` or `schedule(epoch, rate)`, called before the training."""

    def __init__(self, schedule: Any, verbose: int = 0) -> None:
        super().__init__(schedule=schedule, verbose=verbose)

    def planned(self, epochs: int, rate: float) -> "LearningRateScheduler":
        """The same with a rate for each of so many epochs in place of a function, which cannot be sent."""
        schedule = self.schedule
        if isinstance(schedule, LearningRateSchedule):
            return self
        takes_rate = len(inspect.signature(schedule).parameters) > 1
        rates: list[float] = []
        for epoch in range(epochs):
            rate = float(schedule(epoch, rate) if takes_rate else schedule(epoch))
            rates.append(rate)
        return LearningRateScheduler(
            PiecewiseConstantDecay(list(range(len(rates) - 1)) or [0], (rates * 2)[: max(2, epochs)])
        )


class ModelCheckpoint(Callback):
    """Writes the model to a file when the training has ended.

    The weights of an epoch in between are on the service alone: `save_best_only` needs
    EarlyStopping(restore_best_weights=True) beside it.
    """

    def __init__(
        self, filepath: str | Path, monitor: str = "val_loss", save_best_only: bool = False, **others: Any
    ) -> None:
        self.filepath, self.monitor, self.save_best_only = Path(filepath), monitor, save_best_only
        self.others = others

    def on_train_end(self, logs: Any = None) -> None:
        """Writes the file."""
        self.model.save(self.filepath)


_HOOKS = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end")

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]

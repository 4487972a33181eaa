"""Callbacks that look on: for broken numbers, for files, for functions of the caller."""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TextIO

from service.nn.callbacks.callback import REGISTRY, Callback, Logs
from service.nn.registry import Configurable


@REGISTRY.register()
@dataclass
class TerminateOnNaN(Configurable, Callback):
    """Stops at the batch that makes the loss NaN or infinite; with `raise_error` by a RuntimeError."""

    keras_module: ClassVar[str] = "keras.callbacks"

    raise_error: bool = False

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Looks at the loss."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            if self.raise_error:
                raise RuntimeError(f"The loss at batch {batch} is {loss}.")
            self.model.stop_training = True


class CSVLogger(Callback):
    """Writes a line for each epoch to a file: the epoch, then the metrics by name."""

    def __init__(self, filename: str, separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = filename, separator, append
        self._file: TextIO | None = None
        self._keys: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Opens the file."""
        # Open as long as the training lasts.
        self._file = Path(self.filename).open("a" if self.append else "w", newline="", encoding="utf-8")  # noqa: SIM115
        self._keys = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes the line."""
        assert self._file is not None
        logs = logs or {}
        writer = csv.writer(self._file, delimiter=self.separator)
        if self._keys is None:
            self._keys = sorted(logs)
            if not any(key.startswith("val_") for key in self._keys):  # they may come with a later epoch
                self._keys += [f"val_{key}" for key in self._keys]
            if self._file.tell() == 0:
                writer.writerow(["epoch", *self._keys])
        writer.writerow([epoch, *(logs.get(key, "NA") for key in self._keys)])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()


class LambdaCallback(Callback):
    """Calls the given functions as hooks: those named here, and as `kwargs` any other hook of `Callback`."""

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        self.__dict__.update({name: function for name, function in given.items() if function is not None})

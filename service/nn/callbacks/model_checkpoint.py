"""Handing the model out while it trains."""

import math
from collections.abc import Callable
from typing import Any

from service.nn.arguments import ArgumentError
from service.nn.callbacks.callback import Callback, Logs, wants_larger, watched


class ModelCheckpoint(Callback):
    """Calls `filepath(epoch, model)`, a sink of the caller's, after epochs (or every `save_freq` batches).

    With `save_best_only` only when `monitor` is better than ever before, or than `initial_value_threshold`.
    """

    def __init__(
        self,
        filepath: Callable[[int, Any], Any],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        if not callable(filepath):
            raise ArgumentError("filepath", "a function of epoch and model", filepath)
        if mode not in ("auto", "min", "max"):
            raise ArgumentError("mode", "'auto', 'min' or 'max'", mode)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ArgumentError("save_freq", "'epoch' or a number of batches", save_freq)
        self.filepath, self.monitor, self.mode, self.save_freq = filepath, monitor, mode, save_freq
        self.save_best_only = save_best_only
        self.best = initial_value_threshold
        self._batches = 0
        self._epoch = 0

    def get_state(self) -> dict[str, Any]:
        """The best value saved so far, and the batches counted."""
        return {"best": self.best, "_batches": self._batches, "_epoch": self._epoch}

    def wants_batches(self, verb: str = "train") -> bool:
        """Only where it saves by batches."""
        return verb == "train" and self.save_freq != "epoch"

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remembers the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Saves every `save_freq` batches."""
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % int(self.save_freq) == 0:
            self._save(self._epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves after the epoch."""
        if self.save_freq == "epoch":
            self._save(epoch, logs)

    def _save(self, epoch: int, logs: Logs | None) -> None:
        if self.save_best_only:
            value = watched(self.monitor, logs)
            if value is None:
                return
            larger = wants_larger(self)
            best = self.best if self.best is not None else (-math.inf if larger else math.inf)
            if not (value > best if larger else value < best):
                return
            self.best = value
        self.filepath(epoch, self.model)

"""The record of a training."""

from collections.abc import Mapping
from typing import Any

from service.nn.callbacks.callback import Callback, Logs


class History(Callback):
    """`history` holds each metric's value of each epoch, `epoch` the epochs' numbers; `fit` returns it."""

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Starts the record."""
        self.epoch = []

    def get_state(self) -> dict[str, Any]:
        """The record so far, in pairs, because JSON does not promise an order of keys."""
        return {"epoch": list(self.epoch), "history": [[key, list(values)] for key, values in self.history.items()]}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """The record so far."""
        self.epoch, self.history = state["epoch"], dict(state["history"])

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Adds a value to each metric."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)

"""The record of a training."""

from service.nn.callbacks.callback import Callback, Logs


class History(Callback):
    """`history` holds each metric's value of each epoch, `epoch` the epochs' numbers; `fit` answers it."""

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Starts the record."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Adds a value to each metric."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)

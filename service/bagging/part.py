"""A member of a bag as a part of the whole training, for those who watch that."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState


class AsPart(Callback):
    """Lets a callback that watches a whole training see that of a member as its part, from `first` epochs on."""

    def __init__(self, watcher: Callback, first: int, *, begins: bool) -> None:
        self._watcher = watcher
        self._first = first
        self._begins = begins

    def set_model(self, model: Any) -> None:
        """The model of the member."""
        super().set_model(model)
        self._watcher.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Those of the member."""
        super().set_params(params)
        self._watcher.set_params(params)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Only once for the members that are trained here."""
        if self._begins:
            self._watcher.on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """With the epochs of the members before."""
        self._watcher.on_epoch_begin(self._first + epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """With the epochs of the members before."""
        self._watcher.on_epoch_end(self._first + epoch, logs)

    def on_block_end(self, steps_done: int, steps: int) -> None:
        """As it is."""
        self._watcher.on_block_end(steps_done, steps)

    def on_test_block_end(self) -> None:
        """As it is."""
        self._watcher.on_test_block_end()

    def on_resume_point(self, epoch: int, step: int, capture: Callable[[], TrainingState]) -> None:
        """With the epochs of the members before, which the captured state has, too."""
        first = self._first + epoch
        self._watcher.on_resume_point(first, step, lambda: replace(capture(), epoch=first))

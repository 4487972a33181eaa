"""Measures the epochs of a training for `/metrics`."""

import time
from typing import Any

from service.measures import Measures
from service.nn.callbacks import Callback


class Measuring(Callback):
    """Counts the rows and the seconds of each epoch."""

    def __init__(self, measures: Measures) -> None:
        super().__init__()
        self._measures = measures
        self._began = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's hook
        """Begins to measure."""
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's hook
        """Notes the epoch."""
        self._measures.epochs.observe(time.monotonic() - self._began)
        if self.model is not None:
            self._measures.samples.inc(self.model.rows_per_epoch)

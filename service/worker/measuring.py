"""Measures the epochs of a training for `/metrics`."""

import time
from typing import Any

from service.jobs import Job
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


def note_wait(measures: Measures, job: Job) -> None:
    """Notes how long a job waited before its first attempt."""
    if job.attempt == 1 and job.started_at is not None:
        waited = (job.started_at - job.created_at).total_seconds()
        measures.queue_wait.labels(job.kind.value).observe(max(0.0, waited))


def note_attempt(measures: Measures, kind: str, outcome: str, seconds: float) -> None:
    """Notes an attempt that has ended."""
    measures.attempts.labels(kind, outcome).inc()
    measures.attempt_seconds.labels(kind).observe(seconds)

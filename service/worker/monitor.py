"""Follows a training for the database, and the database for the training."""

import logging
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from service.errors import Unavailable
from service.jobs import CancelRequested, Claim, ClaimLost, EpochResult, Progress, Released, Verdict
from service.nn.callbacks import Callback
from service.storage import Database

BEAT_SECONDS = 0.5
STUCK_SECONDS = 7200.0
"""A training without a sign of life for so long is taken for hung: no permitted step takes half of it."""
EXIT_STUCK = 70

_log = logging.getLogger("fitd.worker")


class Monitor(Callback):
    """Renews the claim from a thread of its own while a training runs, and ends the training when it must stop.

    The hooks only note how far the training is, so a long epoch waits for no disk, and a job that is shorter than
    a beat costs no write at all: its history travels with its result.
    """

    def __init__(
        self,
        database: Database,
        claim: Claim,
        leaving: threading.Event,
        *,
        beat_seconds: float = BEAT_SECONDS,
        now: Callable[[], float] = time.monotonic,
        give_up: Callable[[int], object] = os._exit,
    ) -> None:
        self._database = database
        self._claim = claim
        self._leaving = leaving
        self._beat_seconds = min(beat_seconds, claim.lease_seconds / 4)
        self._now = now
        self._give_up = give_up
        self._lock = threading.Lock()
        self._verdict = Verdict.GO_ON
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_closed, name="beat", daemon=True)
        self._epochs = max(claim.job.epochs, 1)
        self._epoch = 0
        self._fraction = 0.0
        self._metrics: dict[str, float | None] = {}
        self._unsaved: dict[int, EpochResult] = {}
        self._began = self._last_sign = self._renewed = now()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join()

    def progress(self, *, done: bool = False) -> Progress:
        """How far the training is, with the epochs that no beat has stored yet."""
        with self._lock:
            fraction = 1.0 if done else self._fraction
            elapsed = self._now() - self._began
            return Progress(
                epoch=self._epoch,
                fraction=fraction,
                metrics=dict(self._metrics),
                remaining_seconds=elapsed * (1 - fraction) / fraction if fraction > 0 else None,
                history=dict(self._unsaved),
            )

    def beat(self) -> None:
        """Stores the progress once, renews the claim, and hears whether to go on."""
        start = self._now()
        if start - self._last_sign > STUCK_SECONDS:
            _log.error("%s shows no sign of life; this process gives up.", self._claim.job.id)
            self._give_up(EXIT_STUCK)
        progress = self.progress()
        try:
            with self._database.transaction() as tx:
                verdict = tx.jobs.beat(self._claim, progress)
        except Unavailable:
            # Another worker may take the job as soon as the lease has run out.
            if start - self._renewed > 0.8 * self._claim.lease_seconds:
                self._verdict = Verdict.LOST
            return
        with self._lock:
            for epoch in progress.history:
                del self._unsaved[epoch]
        self._renewed, self._verdict = start, verdict

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - Keras's hook
        """The time to the end is reckoned from here: loading the data is not part of an epoch."""
        self._began = self._now()
        self._go_on()

    def on_block_end(self, steps_done: int, steps: int) -> None:
        """Several times a second in long epochs."""
        self._fraction = (self._epoch + steps_done / max(steps, 1)) / self._epochs
        self._go_on()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notes the epoch's metrics, counted from 1."""
        metrics: dict[str, float | None] = {name: float(value) for name, value in (logs or {}).items()}
        with self._lock:
            self._epoch = epoch + 1
            self._fraction = self._epoch / self._epochs
            self._metrics = metrics
            self._unsaved[self._epoch] = EpochResult(metrics)
        self._go_on()

    def _go_on(self) -> None:
        self._last_sign = self._now()
        if self._verdict is Verdict.CANCEL:
            raise CancelRequested
        if self._verdict is Verdict.LOST:
            raise ClaimLost
        if self._leaving.is_set():
            raise Released

    def _beat_until_closed(self) -> None:
        while self._verdict is Verdict.GO_ON and not self._closing.wait(self._beat_seconds):
            self.beat()

"""Follows a training for the database, and the database for the training."""

import logging
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from service.errors import StorageFailure
from service.formats.metric_values import MetricValue
from service.jobs import (
    CancelRequested,
    Claim,
    ClaimLost,
    EpochResult,
    Keep,
    Progress,
    Released,
    Status,
    Verdict,
)
from service.nn.callbacks import Callback
from service.storage import Database
from service.versions import NewVersion

BEAT_SECONDS = 0.5
GRACE_SECONDS = 0.75
"""A training that must stop and does not for so long, inside one giant product say, goes with its process."""

FIRST_STEP_SECONDS = 3600.0
STUCK_SECONDS = 120.0
STUCK_BY_LONGEST = 20
"""A training is taken for hung after so many times the longest silence it ever kept, and two minutes at least."""

EXIT_STUCK, EXIT_STOPPED = 70, 71

_log = logging.getLogger("fitd.worker")


class Monitor(Callback):
    """Renews the claim from a thread of its own while a training runs, and ends the training when it must stop.

    The hooks only note how far the training is, so a long epoch waits for no disk, and a job that is shorter than
    a beat costs no write at all: its history travels with its result. `salvage` makes a version of what is stored,
    for a cancel that the training does not hear. A cancel that came before the claim is no reason to stop: it is what
    the claim is for.
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
        self.salvage: Callable[[Keep], NewVersion | None] = lambda _keep: None
        self._database = database
        self._claim = claim
        self._leaving = leaving
        self._beat_seconds = min(beat_seconds, claim.lease_seconds / 4)
        self._now = now
        self._give_up = give_up
        self._lock = threading.Lock()
        self._stop: CancelRequested | ClaimLost | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_closed, name="beat", daemon=True)
        self._epochs = max(claim.job.epochs, 1)
        self._epoch = claim.job.epoch
        self._began_at = self._fraction = claim.job.fraction
        self._metrics: dict[str, MetricValue] = dict(claim.job.metrics)
        self._unsaved: dict[int, EpochResult] = {}
        self._began = self._epoch_began = self._last_sign = self._renewed = now()
        self._patience = FIRST_STEP_SECONDS
        self._longest = 0.0

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
            made = fraction - self._began_at
            elapsed = self._now() - self._began
            return Progress(
                epoch=self._epoch,
                fraction=fraction,
                metrics=dict(self._metrics),
                remaining_seconds=elapsed * (1 - fraction) / made if made > 0 else None,
                history=dict(self._unsaved),
            )

    def beat(self) -> None:
        """Stores the progress once, renews the claim, and hears whether to go on."""
        start = self._now()
        if start - self._last_sign > self._patience:
            _log.error("%s shows no sign of life; this process gives up.", self._claim.job.id)
            self._give_up(EXIT_STUCK)
        progress = self.progress()
        try:
            with self._database.transaction() as tx:
                verdict = tx.jobs.beat(self._claim, progress)
                keep = tx.jobs.get(self._claim.job.id).keep if verdict is Verdict.CANCEL else None
        except StorageFailure:
            self._miss(start)
            return
        with self._lock:
            for epoch in progress.history:
                self._unsaved.pop(epoch, None)  # another beat may have stored it meanwhile
        self._renewed = start
        if verdict is Verdict.CANCEL and self._claim.job.status is not Status.CANCELLING:
            self._stop = CancelRequested(keep)
        elif verdict is Verdict.LOST:
            self._stop = ClaimLost()

    def _miss(self, start: float) -> None:
        # Another worker may take the job as soon as the lease has run out.
        if start - self._renewed > 0.8 * self._claim.lease_seconds:
            self._stop = ClaimLost()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's hook
        """The time to the end is reckoned from here: loading the data is not part of an epoch."""
        self._began = self._epoch_began = self._last_sign = self._now()
        self._go_on()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's hook
        """So many epochs are over: the next member of a bag begins where the one before might have ended."""
        self._epoch = epoch

    def on_block_end(self, steps_done: int, steps: int) -> None:
        """Several times a second in long epochs."""
        self._fraction = (self._epoch + steps_done / max(steps, 1)) / self._epochs
        self._show_life()
        self._go_on()

    def on_test_block_end(self) -> None:
        """The same while it validates; a worker that must leave does not wait for the end of that."""
        self._show_life()
        self._go_on()
        if self._leaving.is_set():
            raise Released

    def on_predict_block_end(self, rows_done: int, rows: int) -> None:
        """The same while it predicts."""
        self._fraction = rows_done / rows
        self.on_test_block_end()

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's hook
        """What was predicted is stored now, which may take long and shows no sign of life."""
        self._last_sign, self._patience = self._now(), FIRST_STEP_SECONDS

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch's metrics, counted from 1."""
        metrics: dict[str, MetricValue] = dict(logs or {})
        now = self._now()
        seconds, self._epoch_began = now - self._epoch_began, now
        with self._lock:
            self._epoch = epoch + 1
            self._fraction = self._epoch / self._epochs
            self._metrics = metrics
            self._unsaved[self._epoch] = self._result(metrics, seconds)
        self._show_life()
        self._go_on()

    def on_resume_point(self, epoch: int, step: int, capture: object) -> None:  # noqa: ARG002 - the hook
        """The last moment to stop before a checkpoint is written, which takes time and is no silence."""
        self._last_sign = self._now()
        self._go_on()

    def _result(self, metrics: dict[str, MetricValue], seconds: float) -> EpochResult:
        member, within = self._claim.job.place(self._epoch)
        place = {} if member is None else {"member": member, "epoch": within}
        if self.model is None:
            return EpochResult(metrics, seconds=seconds, **place)
        # A callback that lowers the rate notes first at which one the epoch was trained.
        rate = metrics.get("learning_rate", self.model.optimizer.current_learning_rate())
        return EpochResult(
            metrics,
            learning_rate=float(rate) if isinstance(rate, int | float) else None,
            seconds=seconds,
            rows_per_second=self.model.rows_per_epoch / seconds if seconds > 0 else None,
            **place,
        )

    def _show_life(self) -> None:
        now = self._now()
        self._longest = max(self._longest, now - self._last_sign)
        self._patience = max(STUCK_SECONDS, STUCK_BY_LONGEST * self._longest)
        self._last_sign = now

    def _go_on(self) -> None:
        if self._stop is not None:
            raise self._stop

    def _beat_until_closed(self) -> None:
        while self._stop is None and not self._closing.wait(self._beat_seconds):
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - without this thread nobody would hear of a cancel any more
                _log.error("%s: a beat failed; the next is tried all the same", self._claim.job.id, exc_info=error)
                self._miss(self._now())
        if self._stop is not None and not self._closing.wait(GRACE_SECONDS):
            self._end_process(self._stop)

    def _end_process(self, stop: CancelRequested | ClaimLost) -> None:
        if isinstance(stop, CancelRequested):
            try:
                self._finish_cancel(stop.keep)
            except Exception as error:  # noqa: BLE001 - whoever claims the job next finishes it
                _log.warning("%s: the cancel could not be finished: %s", self._claim.job.id, error)
        if not self._closing.is_set():
            _log.warning("%s must stop and does not; this process ends.", self._claim.job.id)
            self._give_up(EXIT_STOPPED)

    def _finish_cancel(self, keep: Keep | None) -> None:
        left = None if keep is None else self.salvage(keep)
        if not self._closing.is_set():  # the training may have heard meanwhile, and knows more
            with self._database.transaction() as tx:
                tx.jobs.finish_cancel(self._claim, self.progress(), left)

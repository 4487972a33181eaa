"""The worker's loop: claim a job, train or predict, publish what came of it; wait when there is none."""

import contextlib
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.errors import (
    Damaged,
    Full,
    Invalid,
    Refused,
    StorageFailure,
    TrainingFailed,
    Unavailable,
    WrongSchema,
    is_full,
)
from service.jobs import (
    LONGEST_PAUSE_SECONDS,
    CancelRequested,
    Claim,
    ClaimLost,
    Kind,
    Progress,
    Released,
    Status,
    Verdict,
)
from service.logs import about
from service.measures import Measures
from service.nn.arguments import ArgumentError
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.storage import Database, NewDataset, Transaction, check_request
from service.storage.artifacts.scratch import scratch
from service.versions import NewVersion
from service.worker.checkpointer import Checkpointer
from service.worker.measuring import Measuring, note_attempt, note_wait
from service.worker.monitor import Monitor
from service.worker.prediction_job import predict

IDLE_SECONDS = 1.0
"""How often an idle worker looks into the queue when nobody wakes it: it may find a job whose worker died."""

_GLANCE_SECONDS = 0.2
_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 0.2, 2.0

Train = Callable[[Mapping[str, Any], str, Any, Sequence[Callback], Iterable[TrainingState]], NewVersion]
"""Trains what a request asks for on a dataset of this form with these bytes, from the first of the states that fits.

A callback's `CancelRequested` that keeps weights ends it with a version that is partial; every other `Interruption`
passes through.
"""

_NOT_STORED = "The result could not be stored; the log of the service tells why."

_REFUSED = "A rule of the database refuses what the job made; the log of the service tells which."

Write = Callable[[Transaction], object]

_log = logging.getLogger("fitd.worker")


class Worker:
    """Takes one job after the other until it is asked to leave; does `chores` between them.

    What a prediction writes lies in `directory` for a moment.
    """

    def __init__(
        self,
        database: Database,
        train: Train,
        *,
        owner: str,
        lease_seconds: float,
        checkpoint_seconds: float = 2.0,
        keep_results_seconds: float = 3600.0,
        leaving: threading.Event | None = None,
        chores: Callable[[], object] = lambda: None,
        directory: Path | None = None,
        measures: Measures | None = None,
    ) -> None:
        self.leaving = leaving or threading.Event()
        self._database = database
        self._train = train
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._checkpoint_seconds = checkpoint_seconds
        self._keep_results_seconds = keep_results_seconds
        self._chores = chores
        self._directory = directory or Path(tempfile.gettempdir()) / "fitd"
        self._artifact: str | None = None
        self._measures, self._outcome = measures or Measures(), ""

    def run(self) -> None:
        """Works until `leaving` is set; outlasts a database that is away, or in trouble, for a while."""
        while not self.leaving.is_set():
            try:
                mark = self._database.mark()
                if not self.run_one():
                    self._wait(mark)
                self._chores()
            except StorageFailure as error:
                _log.warning("Waits, because of this: %s", error)
                self.leaving.wait(IDLE_SECONDS)

    def run_one(self) -> bool:
        """Takes the next job to its end, or as far as this worker may; False when there is none."""
        with self._database.transaction() as tx:
            claim = tx.jobs.claim(self._owner, self._lease_seconds)
        if claim is None:
            return False
        _log.info("%s: attempt %d for model %s", claim.job.id, claim.job.attempt, claim.job.model)
        with about(job=claim.job.id):
            self._work_on(claim)
        return True

    def _work_on(self, claim: Claim) -> None:
        began, kind = time.monotonic(), claim.job.kind.value
        note_wait(self._measures, claim.job)
        monitor = Monitor(self._database, claim, self.leaving)
        checkpointer = Checkpointer(
            self._database,
            claim,
            self.leaving,
            progress=monitor.progress,
            shortest_pause_seconds=self._checkpoint_seconds,
            measure=self._measures.checkpoints.observe,
        )
        monitor.salvage = checkpointer.salvage
        try:
            write = self._attempt(claim, monitor, checkpointer)
        except (Unavailable, WrongSchema) as error:
            self._outcome = "given back"
            write = self._wait_for_storage(claim, error)
        self._settle(claim, write)
        note_attempt(self._measures, kind, self._outcome, time.monotonic() - began)
        checkpointer.tidy()
        self._tidy()

    def _attempt(self, claim: Claim, monitor: Monitor, checkpointer: Checkpointer) -> Write:
        """Trains, predicts, or ends a cancel that another left; returns how to write down what came of it."""
        self._outcome = "succeeded"
        try:
            check_request(claim.job)
            with monitor:
                if claim.job.status is Status.CANCELLING:
                    self._outcome = "cancelled"
                    return _finish_cancel(claim, checkpointer)
                new = self._make(claim, monitor, checkpointer)
        except ClaimLost:
            self._outcome = "lost"
            return _give_up
        except CancelRequested:
            self._outcome = "cancelled"
            return lambda tx: tx.jobs.finish_cancel(claim, monitor.progress())
        except Released:
            self._outcome = "given back"
            return lambda tx: tx.jobs.release(claim)
        except (Unavailable, WrongSchema):
            raise
        except Exception as error:
            if isinstance(error, OSError) and is_full(error):
                raise Full from error
            self._outcome = "failed"
            reason, detail = _explain(claim, error)
            return lambda tx: tx.jobs.fail(claim, reason, detail, monitor.progress())
        complete = new if isinstance(new, NewVersion) and not new.partial else None
        progress = monitor.progress(done=complete is not None or isinstance(new, NewDataset))
        if complete is not None:  # with what the test part says, which no epoch does
            progress = replace(progress, metrics=complete.metrics_with(progress.metrics))
        return lambda tx: _publish(tx, claim, new, progress)

    def _make(self, claim: Claim, monitor: Monitor, checkpointer: Checkpointer) -> NewVersion | NewDataset:
        if claim.job.kind is Kind.PREDICTION:
            with scratch(self._directory) as place:
                made = predict(self._database, claim, monitor, place)
            self._artifact = made.artifact
            return made
        stored, content = self._database.open_dataset(str(claim.job.dataset))
        watchers = [monitor, checkpointer, Measuring(self._measures)]
        return self._train(claim.job.request, stored.form, content, watchers, checkpointer.stored())

    def _wait_for_storage(self, claim: Claim, error: StorageFailure) -> Write:
        """Others may have the job after a pause, twice as long for each time that it was given back before.

        Where a disk is full it fails at last: it may need more room than there will ever be.
        """
        pauses = [min(2**times, LONGEST_PAUSE_SECONDS) for times in range(claim.times_given_back + 1)]
        if isinstance(error, Full) and sum(pauses) > self._keep_results_seconds:
            return _fail(claim, "storage_failed", "A disk of the worker has no room left for it.")
        _log.warning("%s: waits %g s at least: %s", claim.job.id, pauses[-1], error)
        waits_for = f"It goes on as soon as this is over: {error.detail}"
        return lambda tx: tx.jobs.release(claim, pauses[-1], waits_for)

    def _settle(self, claim: Claim, write: Write) -> None:
        """Writes the outcome; while it cannot be stored, it is kept under a renewed lease and tried again.

        What cannot be stored for as long as the settings allow, on a disk that is full say, fails the job if so much
        can be written. A worker that has to leave gives the job back.
        """
        limit, pause = time.monotonic() + self._keep_results_seconds, _RETRY_SECONDS
        while True:
            try:
                with self._database.transaction() as tx:
                    write(tx)
                return
            except ClaimLost:
                _log.warning("%s: the claim is lost, nothing was written", claim.job.id)
                return
            except Refused as error:
                _log.error("%s: the database refuses what came of it", claim.job.id, exc_info=error)
                write = _fail(
                    claim, "storage_refused", "The rules of the database refuse what came of it; the log tells why."
                )
            except StorageFailure as error:
                if time.monotonic() > limit + self._lease_seconds:
                    raise
                if time.monotonic() > limit:
                    write = _fail(claim, "storage_failed", _NOT_STORED)
                elif self._keep(claim, error) and self.leaving.is_set():
                    write = _release(claim, error)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_RETRY_SECONDS, self._lease_seconds / 4)

    def _keep(self, claim: Claim, error: StorageFailure) -> bool:
        """Renews the lease of a job whose outcome cannot be stored, and notes what it waits for; True if it could."""
        waits_for = f"The result is there and cannot be stored yet: {error.detail}"
        with contextlib.suppress(StorageFailure), self._database.transaction() as tx:
            return tx.jobs.wait(claim, waits_for) is not Verdict.LOST
        return False

    def _tidy(self) -> None:
        """Removes the bytes of an answer that was not published, or is the same as another dataset's."""
        artifact, self._artifact = self._artifact, None
        if artifact is not None:
            with self._database.reading() as tx:
                unwanted = tx.datasets.unshared(artifact)
            self._database.artifacts.remove([] if unwanted is None else [unwanted])

    def _wait(self, mark: int) -> None:
        # Asked to leave, a worker may not sleep on until it would have looked into the queue again.
        deadline = time.monotonic() + IDLE_SECONDS
        while not self.leaving.is_set() and time.monotonic() < deadline:
            if self._database.wait_for_work(_GLANCE_SECONDS, mark):
                return


def _finish_cancel(claim: Claim, checkpointer: Checkpointer) -> Write:
    """What a cancelled job leaves whose worker is gone: nobody trains it any more."""
    left = None if claim.job.keep is None else checkpointer.salvage(claim.job.keep)
    return lambda tx: tx.jobs.finish_cancel(claim, None, left)


def _publish(tx: Transaction, claim: Claim, new: NewVersion | NewDataset, progress: Progress) -> None:
    """Publishes; where a cancel came first, only if it asked for the weights, and as partial."""
    partial = new if isinstance(new, NewVersion) and new.partial else None
    if partial is None:
        try:
            tx.jobs.succeed(claim, new, progress)
            return
        except CancelRequested as cancelled:
            if cancelled.keep is not None and isinstance(new, NewVersion):
                partial = replace(new, partial=True)
    tx.jobs.finish_cancel(claim, progress, partial)


def _fail(claim: Claim, reason: str, detail: str) -> Write:
    return lambda tx: tx.jobs.fail(claim, reason, detail)


def _release(claim: Claim, error: StorageFailure) -> Write:
    return lambda tx: tx.jobs.release(claim, 0.0, error.detail)


def _give_up(_tx: Transaction) -> None:
    """What a lost claim may still write."""
    raise ClaimLost


def _explain(claim: Claim, error: Exception) -> tuple[str, str]:
    """The reason and detail of a failed job; what is not meant for the person who asked goes to the log."""
    match error:
        case Invalid() if claim.job.kind is Kind.PREDICTION:
            return "bad_data", f"No input can be made of some cells: {error.detail}"
        case TrainingFailed() | Invalid() | Damaged():
            return error.code, error.detail
        case MemoryError():
            return "out_of_memory", f"The {claim.job.kind} needs more memory than this worker has."
        case ArgumentError():
            return TrainingFailed.code, str(error)
    _log.error("%s: the %s broke off", claim.job.id, claim.job.kind, exc_info=error)
    return "internal_error", f"The {claim.job.kind} broke off; the log of the service tells where."

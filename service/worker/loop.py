"""The worker's loop: claim a job, train or predict, publish what came of it; wait when there is none."""

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.errors import Damaged, Invalid, TrainingFailed, Unavailable, is_full
from service.jobs import LONGEST_PAUSE_SECONDS, CancelRequested, Claim, ClaimLost, Kind, Progress, Released, Status
from service.nn.arguments import ArgumentError
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.storage import Database, NewDataset, Transaction
from service.storage.artifacts.scratch import scratch
from service.versions import NewVersion
from service.worker.checkpointer import Checkpointer
from service.worker.monitor import Monitor
from service.worker.prediction_job import predict

IDLE_SECONDS = 1.0
"""How often an idle worker looks into the queue when nobody wakes it: it may find a job whose worker died."""

_GLANCE_SECONDS = 0.2
_RETRY_SECONDS = 0.2

Train = Callable[[Mapping[str, Any], str, Any, Sequence[Callback], Iterable[TrainingState]], NewVersion]
"""Trains what a request asks for on a dataset of this form with these bytes, from the first of the states that fits.

A callback's `CancelRequested` that keeps weights ends it with a version that is partial; every other `Interruption`
passes through.
"""

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
        leaving: threading.Event | None = None,
        chores: Callable[[], object] = lambda: None,
        directory: Path | None = None,
    ) -> None:
        self.leaving = leaving or threading.Event()
        self._database = database
        self._train = train
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._checkpoint_seconds = checkpoint_seconds
        self._chores = chores
        self._directory = directory or Path(tempfile.gettempdir()) / "fitd"
        self._artifact: str | None = None

    def run(self) -> None:
        """Works until `leaving` is set; outlasts a database that is away for a while."""
        while not self.leaving.is_set():
            try:
                mark = self._database.mark()
                if not self.run_one():
                    self._wait(mark)
                self._chores()
            except Unavailable:
                self.leaving.wait(IDLE_SECONDS)

    def run_one(self) -> bool:
        """Takes the next job to its end, or as far as this worker may; False when there is none."""
        with self._database.transaction() as tx:
            claim = tx.jobs.claim(self._owner, self._lease_seconds)
        if claim is None:
            return False
        _log.info("%s: attempt %d for model %s", claim.job.id, claim.job.attempt, claim.job.model)
        monitor = Monitor(self._database, claim, self.leaving)
        checkpointer = Checkpointer(
            self._database,
            claim,
            self.leaving,
            progress=monitor.progress,
            shortest_pause_seconds=self._checkpoint_seconds,
        )
        monitor.salvage = checkpointer.salvage
        try:
            write = self._attempt(claim, monitor, checkpointer)
        except Unavailable as error:
            write = _wait_for_storage(claim, error)
        self._settle(claim, write)
        checkpointer.tidy()
        self._tidy()
        return True

    def _attempt(self, claim: Claim, monitor: Monitor, checkpointer: Checkpointer) -> Write:
        """Trains, predicts, or ends a cancel that another left; returns how to write down what came of it."""
        try:
            with monitor:
                if claim.job.status is Status.CANCELLING:
                    return _finish_cancel(claim, checkpointer)
                new = self._make(claim, monitor, checkpointer)
        except ClaimLost:
            return _give_up
        except CancelRequested:
            return lambda tx: tx.jobs.finish_cancel(claim, monitor.progress())
        except Released:
            return lambda tx: tx.jobs.release(claim)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the job has to say so
            reason, detail = _explain(claim, error)
            return lambda tx: tx.jobs.fail(claim, reason, detail, monitor.progress())
        complete = new if isinstance(new, NewVersion) and not new.partial else None
        progress = monitor.progress(done=complete is not None or isinstance(new, NewDataset))
        if complete is not None:  # with what the test part says, which no epoch does
            progress = replace(progress, metrics={**complete.metrics, **progress.metrics})
        return lambda tx: _publish(tx, claim, new, progress)

    def _make(self, claim: Claim, monitor: Monitor, checkpointer: Checkpointer) -> NewVersion | NewDataset:
        if claim.job.kind is Kind.PREDICTION:
            with scratch(self._directory) as place:
                made = predict(self._database, claim, monitor, place)
            self._artifact = made.artifact
            return made
        stored, content = self._database.open_dataset(str(claim.job.dataset))
        watchers = [monitor, checkpointer]
        return self._train(claim.job.request, stored.form, content, watchers, checkpointer.stored())

    def _settle(self, claim: Claim, write: Write) -> None:
        """Writes the outcome; while it cannot be stored it tries again for as long as the lease may last.

        What cannot be stored even then, on a disk that is full say, fails the job if so much can be written.
        """
        deadline = time.monotonic() + self._lease_seconds
        while True:
            try:
                with self._database.transaction() as tx:
                    write(tx)
                return
            except ClaimLost:
                _log.warning("%s: the claim is lost, nothing was written", claim.job.id)
                return
            except Unavailable:
                if time.monotonic() > deadline + self._lease_seconds:
                    raise
                if time.monotonic() > deadline:
                    write = _fail_to_store(claim)
                time.sleep(_RETRY_SECONDS)

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


def _wait_for_storage(claim: Claim, error: Unavailable) -> Write:
    """Others may have the job after a pause, twice as long for each time that it was given back before."""
    pause = min(2**claim.times_given_back, LONGEST_PAUSE_SECONDS)
    _log.warning("%s: waits %g s at least: %s", claim.job.id, pause, error)
    return lambda tx: tx.jobs.release(claim, pause)


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


def _fail_to_store(claim: Claim) -> Write:
    detail = "The result could not be stored; the log of the service tells why."
    return lambda tx: tx.jobs.fail(claim, "storage_failed", detail)


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
        case OSError() if is_full(error):
            return "storage_failed", "A disk of the worker has no room left for it."
        case ArgumentError():
            return TrainingFailed.code, str(error)
    _log.error("%s: the %s broke off", claim.job.id, claim.job.kind, exc_info=error)
    return "internal_error", f"The {claim.job.kind} broke off; the log of the service tells where."

"""Stores checkpoints during a training, from which another worker can continue."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

from service.errors import DiskFault, FitdError, StorageFailure, Unavailable
from service.formats.checkpoints import pack_state, unpack_state
from service.jobs import Claim, Keep, Progress, Released
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.storage import Checkpoint, Database
from service.training import salvage
from service.versions import NewVersion

PAUSE_BY_COST = 50
"""The pause between two checkpoints is so many times what one costs: they take at most 2 % of the time."""

PATIENCE = 3
"""So many times a job waits for a disk that fails to read its checkpoints."""

_log = logging.getLogger("fitd.worker")


class Checkpointer(Callback):
    """Stores a checkpoint at intervals, and a last one when the worker has to stop.

    The bytes are durable before the row that refers to them is written, and that row is written under the claim.
    """

    def __init__(
        self,
        database: Database,
        claim: Claim,
        leaving: threading.Event,
        *,
        progress: Callable[[], Progress],
        shortest_pause_seconds: float,
        now: Callable[[], float] = time.monotonic,
        measure: Callable[[float], object] = lambda _seconds: None,
    ) -> None:
        """A job that is done within the shortest pause writes no checkpoint at all."""
        self._database = database
        self._claim = claim
        self._leaving = leaving
        self._progress = progress
        self._now = now
        self._measure = measure
        self._shortest_pause_seconds = shortest_pause_seconds
        self._due_at = now() + shortest_pause_seconds
        self._artifacts: set[str] = set()

    def stored(self) -> Iterator[TrainingState]:
        """The states that earlier attempts left, the one to continue from first; what cannot be read is passed over.

        `Unavailable` if there are some and none can be read now: the job waits. A disk that fails to read them has
        `PATIENCE` times to mend, then the training begins anew.
        """
        with self._database.reading() as tx:
            checkpoints = tx.checkpoints.newest(self._claim.job.id)
        self._artifacts.update(checkpoint.artifact for checkpoint in checkpoints)
        away: Unavailable | None = None
        for checkpoint in checkpoints:
            try:
                state = unpack_state(self._database.artifacts.get(checkpoint.artifact))
            except (FitdError, OSError) as error:
                _log.warning("%s: a checkpoint cannot be used: %s", self._claim.job.id, error)
                away = error if isinstance(error, Unavailable) else away
                continue
            _log.info("%s: takes up epoch %d, step %d", self._claim.job.id, state.epoch, state.step)
            yield state
            away = None
        if away is not None and not (isinstance(away, DiskFault) and self._claim.times_given_back >= PATIENCE):
            raise away

    def salvage(self, keep: Keep) -> NewVersion | None:
        """The newest checkpoint that can be read as a partial version; None if there is none."""
        for state in self.stored():
            try:
                return salvage(state, keep)
            except (LookupError, ValueError) as error:
                _log.warning("%s: a checkpoint is not one of this release: %s", self._claim.job.id, error)
        return None

    def on_resume_point(self, _epoch: int, _step: int, capture: Callable[[], TrainingState]) -> None:
        """Stores a checkpoint if one is due; leaves with one if the worker is asked to leave."""
        if self._leaving.is_set():
            self._store(capture)
            raise Released
        start = self._now()
        if start >= self._due_at:
            self._store(capture)
            end = self._now()
            self._due_at = end + max(self._shortest_pause_seconds, PAUSE_BY_COST * (end - start))

    def tidy(self) -> None:
        """Removes the bytes of checkpoints that the job refers to no more."""
        if self._artifacts:
            with self._database.reading() as tx:
                wanted = {checkpoint.artifact for checkpoint in tx.checkpoints.newest(self._claim.job.id)}
            self._database.artifacts.remove(self._artifacts - wanted)

    def _store(self, capture: Callable[[], TrainingState]) -> None:
        began = self._now()
        try:
            state = capture()
            content = pack_state(state)
            name = self._database.artifacts.put(self._claim.job.id, content)
            self._artifacts.add(name)
            checkpoint = Checkpoint(state.epoch, state.step, name)
            with self._database.transaction() as tx:
                unwanted = tx.jobs.checkpoint(self._claim, checkpoint, len(content), self._progress())
        except (StorageFailure, OSError, MemoryError) as error:
            # The training is worth more than its checkpoint; the next one may succeed.
            _log.warning("%s: no checkpoint could be stored: %s", self._claim.job.id, error)
            return
        self._measure(self._now() - began)
        self._database.artifacts.remove(unwanted)
        self._artifacts -= set(unwanted)

"""Deletes what is old at intervals. Every worker may do it, and two at the same time do no harm."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict

from service.config import Settings
from service.storage import Database
from service.storage.artifacts.scratch import forget_the_dead
from service.storage.retention import MOST_JOBS

PAUSE_SECONDS = 600.0
UNWANTED_SECONDS = 3600.0
"""An artifact is written before the row that refers to it; so old ones without a row will never have one."""

DAY_SECONDS = 86_400.0

_log = logging.getLogger("fitd.worker")


class Housekeeping:
    """Deletes, at intervals, what is older than the settings keep."""

    def __init__(self, database: Database, settings: Settings, *, now: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._settings = settings
        self._now = now
        self._due_at = now()

    def __call__(self) -> None:
        """Does the chores if they are due."""
        if self._now() < self._due_at:
            return
        self._due_at = self._now() + PAUSE_SECONDS
        forget_the_dead(self._settings.scratch)
        counts: Counter[str] = Counter()
        while True:
            with self._database.transaction() as tx:
                forgotten = tx.retention.clean(self._settings)
            counts.update(asdict(forgotten))
            if forgotten.jobs < MOST_JOBS:
                break
        # The names are read after the artifacts that were there before: what is put meanwhile is too young.
        with self._database.reading() as tx:
            wanted = tx.retention.artifacts_in_use()
        swept = self._database.artifacts.sweep(
            wanted,
            older_than_seconds=UNWANTED_SECONDS,
            trash_seconds=self._settings.keep_trash_days * DAY_SECONDS,
        )
        counts["artifacts"] = swept
        if any(counts.values()):
            _log.info("Forgotten: %s", ", ".join(f"{count} {name}" for name, count in counts.items() if count))

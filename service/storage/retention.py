"""What is forgotten in time, so that the database does not grow without bound."""

from dataclasses import dataclass

from sqlalchemy import Connection, Double, and_, bindparam, delete, select

from service.config import Settings
from service.storage.clock import NOW, Clock
from service.storage.datasets import UNUSED
from service.storage.schema import IS_FINAL, checkpoints, datasets, events, jobs

_DAY_SECONDS = 86_400.0
MOST_JOBS = 500
"""The number of jobs deleted in one transaction, so that others do not wait long."""

_AGE = bindparam("seconds", type_=Double)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many of each were deleted."""

    jobs: int
    events: int
    checkpoints: int
    datasets: int


class Retention:
    """Deletes what is older than the settings keep."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def clean(self, settings: Settings) -> Forgotten:
        """Forgets finished jobs, events and checkpoints of finished jobs, and data that no job refers to."""
        ended = select(jobs.c.id).where(IS_FINAL, jobs.c.finished_at < NOW - _AGE)
        old = ended.order_by(jobs.c.finished_at).limit(MOST_JOBS)
        return Forgotten(
            jobs=self._delete(delete(jobs).where(jobs.c.id.in_(old)), settings.keep_jobs_days),
            events=self._delete(delete(events).where(events.c.job_id.in_(ended)), settings.keep_events_days),
            checkpoints=self._delete(
                delete(checkpoints).where(checkpoints.c.job_id.in_(ended)), settings.keep_checkpoints_days
            ),
            datasets=self._delete_datasets(settings.keep_datasets_days),
        )

    def artifacts_in_use(self) -> set[str]:
        """The names of all artifacts that something refers to."""
        named = select(checkpoints.c.artifact).union(
            select(datasets.c.artifact).where(datasets.c.artifact.is_not(None))
        )
        return set(self._connection.scalars(named))

    def _delete_datasets(self, days: float) -> int:
        old = and_(datasets.c.created_at < NOW - _AGE, ~datasets.c.uploaded, *UNUSED)
        values = {"now": self._clock.now(), "seconds": days * _DAY_SECONDS}
        # Two statements: the second sees the job of somebody who shared the dataset before the lock was free.
        locked = select(datasets.c.id).where(old).limit(MOST_JOBS).with_for_update(skip_locked=True)
        ids = list(self._connection.scalars(locked, values))
        return self._delete(delete(datasets).where(datasets.c.id.in_(ids), *UNUSED), days) if ids else 0

    def _delete(self, statement: object, days: float) -> int:
        values = {"now": self._clock.now(), "seconds": days * _DAY_SECONDS}
        deleted: int = self._connection.execute(statement, values).rowcount  # type: ignore[call-overload]
        return deleted

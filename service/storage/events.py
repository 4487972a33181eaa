"""What happened to a job, in order: its statuses, its epochs, its warnings, its end."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from service.jobs import EpochResult, Event
from service.storage.clock import NOW, Clock
from service.storage.schema import events, jobs

_OF_JOB = events.c.job_id == bindparam("job_id")
_LAST = select(
    select(func.coalesce(func.max(events.c.seq), 0)).where(_OF_JOB).scalar_subquery().label("seq"),
    select(func.coalesce(func.max(events.c.epoch), 0)).where(_OF_JOB).scalar_subquery().label("epoch"),
)
_ADD = insert(events).values(created_at=NOW)
_AFTER = (
    select(events.c.seq, events.c.event, events.c.data, events.c.created_at)
    .where(_OF_JOB, events.c.seq > bindparam("seq"))
    .order_by(events.c.seq)
    .limit(bindparam("limit"))
)
_HISTORY = select(events.c.data).where(_OF_JOB, events.c.epoch.is_not(None)).order_by(events.c.epoch)


class Events:
    """Each job's events, numbered 1, 2, 3 without a gap; an epoch has one event, even if it was trained twice.

    Only for a transaction that has written to the job's row before: that write puts those who tell in order.
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, job_id: str, *told: tuple[str, Mapping[str, Any]]) -> None:
        """Tells events, each a word such as `status` and its data."""
        self._write(job_id, [(event, None, data) for event, data in told])

    def add_epochs(self, job_id: str, epochs: Mapping[int, EpochResult]) -> None:
        """Adds events for the epochs, counted from 1, that have none yet."""
        told = [("epoch", epoch, {"epoch": epoch} | result.to_json_dict()) for epoch, result in sorted(epochs.items())]
        self._write(job_id, told)

    def after(self, job_id: str, seq: int, limit: int = 1000) -> list[Event]:
        """The events that follow number `seq`, at most `limit` of them."""
        rows = self._connection.execute(_AFTER, {"job_id": job_id, "seq": seq, "limit": limit})
        return [Event(**row._mapping) for row in rows]

    def latest(self, job_ids: Collection[str]) -> dict[str, int]:
        """The number of the last event of each of these jobs that has any."""
        last = select(func.max(events.c.seq)).where(events.c.job_id == jobs.c.id).scalar_subquery()
        rows = self._connection.execute(select(jobs.c.id, last).where(jobs.c.id.in_(job_ids)))
        return {job_id: seq for job_id, seq in rows if seq is not None}

    def history(self, job_id: str) -> list[dict[str, Any]]:
        """The epochs done so far, in order: `{"epoch": 1, "metrics": {"loss": ...}, ...}`."""
        rows = self._connection.execute(_HISTORY, {"job_id": job_id})
        return [row.data for row in rows]

    def _write(self, job_id: str, told: Sequence[tuple[str, int | None, Mapping[str, Any]]]) -> None:
        if not told:
            return
        last = self._connection.execute(_LAST, {"job_id": job_id}).one()
        new = [one for one in told if one[1] is None or one[1] > last.epoch]
        rows = [
            {"job_id": job_id, "seq": seq, "event": event, "epoch": epoch, "data": data, "now": self._clock.now()}
            for seq, (event, epoch, data) in enumerate(new, last.seq + 1)
        ]
        if rows:
            self._connection.execute(_ADD, rows)

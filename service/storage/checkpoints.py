"""Checkpoints from which an interrupted training can continue: the latest of each job, by artifact name."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from service.storage.clock import NOW, Clock
from service.storage.schema import checkpoints
from service.storage.upsert import insert_into

KEPT = 2
"""The last one, and the one before it in case the last cannot be read."""

_NEWEST = (
    select(checkpoints.c.epoch, checkpoints.c.step, checkpoints.c.artifact)
    .where(checkpoints.c.job_id == bindparam("job_id"))
    .order_by(checkpoints.c.epoch.desc(), checkpoints.c.step.desc())
)
_DELETE = delete(checkpoints).where(
    checkpoints.c.job_id == bindparam("of_job"), checkpoints.c.artifact == bindparam("named")
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A moment of a training: `epoch` epochs and `step` batches of the next are done; `artifact` names its bytes."""

    epoch: int
    step: int
    artifact: str


class Checkpoints:
    """The latest checkpoints of jobs. Only for a transaction that has written to the job under its claim."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, job_id: str, checkpoint: Checkpoint, size_bytes: int) -> list[str]:
        """Adds a checkpoint; returns the artifacts that are no longer wanted."""
        values = {"epoch": checkpoint.epoch, "step": checkpoint.step, "artifact": checkpoint.artifact}
        values |= {"job_id": job_id, "size_bytes": size_bytes, "now": self._clock.now()}
        self._connection.execute(_set(self._connection.dialect.name), values)
        return self._drop(job_id, self.newest(job_id)[KEPT:])

    def newest(self, job_id: str) -> list[Checkpoint]:
        """Returns the checkpoints of a job, the newest first."""
        return [Checkpoint(*row) for row in self._connection.execute(_NEWEST, {"job_id": job_id})]

    def clear(self, job_id: str) -> list[str]:
        """Forgets the checkpoints of a job; returns the artifacts that are no longer wanted."""
        return self._drop(job_id, self.newest(job_id))

    def _drop(self, job_id: str, dropped: list[Checkpoint]) -> list[str]:
        names = [checkpoint.artifact for checkpoint in dropped]
        if names:
            self._connection.execute(_DELETE, [{"of_job": job_id, "named": name} for name in names])
        return names


@cache
def _set(backend: str) -> Any:
    first = insert_into(backend, checkpoints).values(created_at=NOW)
    key = [checkpoints.c.job_id, checkpoints.c.epoch, checkpoints.c.step]
    given = {name: first.excluded[name] for name in ("artifact", "size_bytes", "created_at")}
    return first.on_conflict_do_update(index_elements=key, set_=given)

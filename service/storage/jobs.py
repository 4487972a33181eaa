"""Training jobs as users know them: asked for, looked at, listed, cancelled."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, case, insert, null, select, update

from service.errors import NotFound
from service.jobs import Job, Status
from service.storage.clock import NOW
from service.storage.cursor import bad_cursor
from service.storage.ids import looks_like_id, new_id
from service.storage.queue import Queue, job_of
from service.storage.queue_sql import AT_THE_START, IS_QUEUED, JOB
from service.storage.tables import jobs

_ADD = (
    insert(jobs)
    .values(status=Status.QUEUED, attempt=0, stalls=0, fence=0, created_at=NOW, **AT_THE_START)
    .returning(*JOB)
)
_GET = select(*JOB).where(jobs.c.id == bindparam("job_id"))
_CANCEL = (
    update(jobs)
    .where(jobs.c.id == bindparam("job_id"), jobs.c.status.in_((Status.QUEUED, Status.RUNNING)))
    .values(
        status=case((IS_QUEUED, Status.CANCELLED), else_=Status.CANCELLING),
        finished_at=case((IS_QUEUED, NOW), else_=null()),
    )
    .returning(*JOB)
)


class Jobs(Queue):
    """All training jobs, and the queue that they wait in."""

    def add(self, model: str, request: Mapping[str, Any], dataset_id: str, epochs: int) -> Job:
        """Queues a job; when the transaction has ended, it is never forgotten and an idle worker knows."""
        asked = {"model": model, "request": request, "dataset": dataset_id, "epochs": epochs}
        row = self._connection.execute(_ADD, {"id": new_id("job"), "now": self._clock.now(), **asked}).one()
        self._news.queued += 1
        return job_of(row)

    def get(self, job_id: str) -> Job:
        """The job as it stands now."""
        row = self._connection.execute(_GET, {"job_id": job_id}).one_or_none()
        if row is None:
            raise NotFound("training job", job_id)
        return job_of(row)

    def page(
        self,
        *,
        status: Status | None = None,
        model: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[Job], str | None]:
        """Jobs, newest first, and the cursor of the next page or None."""
        query = select(*JOB).order_by(jobs.c.id.desc())
        if status is not None:
            query = query.where(jobs.c.status == status)
        if model is not None:
            query = query.where(jobs.c.model == model)
        if cursor is not None:
            if not looks_like_id("job", cursor):
                raise bad_cursor(cursor)
            query = query.where(jobs.c.id < cursor)
        found = [job_of(row) for row in self._connection.execute(query.limit(limit + 1))]
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def cancel(self, job_id: str) -> Job:
        """Cancels a queued job at once, tells the worker of a running one to stop, leaves a final one."""
        row = self._connection.execute(_CANCEL, {"job_id": job_id, "now": self._clock.now()}).one_or_none()
        if row is None:
            return self.get(job_id)
        self._news.ended += 1
        return job_of(row)

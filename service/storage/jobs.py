"""Jobs from the caller's side: create, get, list, cancel, delete."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Text, and_, bindparam, case, delete, func, insert, not_, null, or_, select, update

from service.errors import Conflict, NotFound, TooMany
from service.jobs import Job, Keep, Kind, Status
from service.storage.clock import NOW
from service.storage.cursor import bad_cursor
from service.storage.ids import looks_like_id, new_id
from service.storage.queue.queue import SEALED, Queue, job_of
from service.storage.queue.statements import AHEAD, AT_THE_START, HAS_CHECKPOINT, JOB, OVERDUE, READY
from service.storage.schema import IS_QUEUED, jobs
from service.storage.seals import check_seal, seal

_ADD = (
    insert(jobs)
    .values(status=Status.QUEUED, attempt=0, stalls=0, fence=0, created_at=NOW, **AT_THE_START)
    .returning(*JOB)
)
IN_TURN = (jobs.c.priority.desc(), jobs.c.id)
"""The order of the queue, which is that of its index."""

_GET = select(*JOB).where(jobs.c.id == bindparam("job_id"))
_KEPT = bindparam("kept", type_=Text)
_ENDS = and_(IS_QUEUED, not_(and_(_KEPT.is_not(None), HAS_CHECKPOINT)))
_ASKS_FOR_MORE = and_(jobs.c.status == Status.CANCELLING, jobs.c.keep.is_(None), _KEPT.is_not(None))
_CANCEL = (
    update(jobs)
    .where(jobs.c.id == bindparam("job_id"), or_(jobs.c.status.in_((Status.QUEUED, Status.RUNNING)), _ASKS_FOR_MORE))
    .values(
        status=case((_ENDS, Status.CANCELLED), else_=Status.CANCELLING),
        finished_at=case((_ENDS, NOW), else_=null()),
        lease_until=case((_ENDS, null()), (IS_QUEUED, 0.0), else_=jobs.c.lease_until),
        keep=_KEPT,
        stalls=0,
        waits_for=case((_ENDS, null()), else_=jobs.c.waits_for),
    )
    .returning(*JOB)
)


class Jobs(Queue):
    """All jobs, and the queue that they wait in."""

    def add(
        self,
        model: str,
        request: Mapping[str, Any],
        dataset_id: str,
        epochs: int,
        *,
        priority: int = 0,
        kind: Kind = Kind.TRAINING,
    ) -> Job:
        """Queues a job; when the transaction has ended, it is never forgotten and an idle worker knows."""
        asked = {"model": model, "request": request, "dataset": dataset_id, "epochs": epochs, "priority": priority}
        asked |= {"kind": kind, "request_sha256": seal(asked, SEALED), **_needs(kind, model, request)}
        row = self._connection.execute(_ADD, {"id": new_id("job"), "now": self._clock.now(), **asked}).one()
        job = job_of(row)
        warnings = [("log", {"level": "warning"} | warning) for warning in request.get("warnings", ())]
        self._events.add(job.id, ("status", {"status": job.status}), *warnings)
        self._news.queued += 1
        return job

    def check_quota(self, more: int, most: int) -> None:
        """Raises `TooMany` if this many more jobs would bring the queue above `most`."""
        waiting = select(jobs.c.id).where(IS_QUEUED).order_by(*IN_TURN).limit(most).subquery()
        queued: int = self._connection.execute(select(func.count()).select_from(waiting)).scalar_one()
        if queued + more > most:
            raise TooMany(f"At most {most:,} jobs may wait, and {queued:,} do.", retry_after_seconds=5)

    def ready(self) -> int:
        """Returns how many jobs a worker could claim now."""
        counted, now = select(func.count()).select_from(jobs), {"now": self._clock.now()}
        queued: int = self._connection.execute(counted.where(READY), now).scalar_one()
        lost: int = self._connection.execute(counted.where(or_(OVERDUE, AHEAD)), now).scalar_one()
        return queued + lost

    def get_intact(self, job_id: str, kind: Kind | None = None) -> Job:
        """As `get`, but `Damaged` if its request is not the one that was stored."""
        job = self.get(job_id, kind)
        check_request(job)
        return job

    def get(self, job_id: str, kind: Kind | None = None) -> Job:
        """The job as it stands now; `NotFound` as well if it is of another kind."""
        row = self._connection.execute(_GET, {"job_id": job_id}).one_or_none()
        job = None if row is None else job_of(row)
        if job is None or kind not in (None, job.kind):
            raise NotFound("job" if kind is None else f"{kind} job", job_id)
        return job

    def page(
        self,
        *,
        status: Status | None = None,
        model: str | None = None,
        kind: Kind = Kind.TRAINING,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[Job], str | None]:
        """Jobs of a kind, newest first, and the cursor of the next page or None."""
        query = select(*JOB).where(jobs.c.kind == kind).order_by(jobs.c.id.desc())
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

    def cancel(self, job_id: str, keep: Keep | None = None) -> Job:
        """Cancels a queued job at once, tells the worker of a running one to stop, leaves a final one.

        `keep` asks for the weights so far, also of a job that is cancelling and was to leave none; a queued job that
        has a checkpoint waits for a worker to publish it.
        """
        values = {"job_id": job_id, "kept": keep, "now": self._clock.now()}
        row = self._connection.execute(_CANCEL, values).one_or_none()
        if row is None:
            return self.get(job_id)
        job = job_of(row)
        if job.is_final:
            self._tell_end(job.id, job.status)
        else:
            self._events.add(job.id, ("status", {"status": job.status}))
            self._news.ended += 1
            self._news.queued += 1
        return job

    def delete(self, job_id: str) -> list[str]:
        """Deletes a final job with its events, its checkpoints and data that only it had; its version stays.

        Returns the artifacts that nobody refers to any more.
        """
        job = self.get(job_id)
        if not job.is_final:
            advice = "it is about to end" if job.status == Status.CANCELLING else "cancel it first"
            raise Conflict(f"The {job.kind} job {job_id!r} is {job.status}; {advice}.", code="job_not_final")
        unwanted = self._checkpoints.clear(job_id)
        self._connection.execute(delete(jobs).where(jobs.c.id == job_id))
        for dataset_id in filter(None, {job.dataset, job.result}):
            artifact = self._datasets.delete_unused(dataset_id)
            unwanted += [] if artifact is None else [artifact]
        return unwanted


def _needs(kind: Kind, model: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Which version may not be deleted before the job has ended: the one that it predicts with or continues from."""
    needed: Mapping[str, Any] = {"model": model, **request} if kind is Kind.PREDICTION else request.get("from") or {}
    return {"needs_model": needed.get("model"), "needs_version": needed.get("version")}


def check_request(job: Job) -> None:
    """`Damaged` if the request of a job is not the one that was stored."""
    check_seal(f"the job {job.id}", job.request_sha256, {"request": job.request}, SEALED)

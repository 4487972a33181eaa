"""The queue: a worker claims a job here, and writes about it while its claim holds."""

import secrets
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row

from service.jobs import (
    CancelRequested,
    Claim,
    ClaimLost,
    Job,
    Keep,
    Kind,
    Progress,
    Status,
    Verdict,
    worker_lost,
)
from service.storage.checkpoints import Checkpoint, Checkpoints
from service.storage.clock import Clock
from service.storage.datasets import Datasets, NewDataset
from service.storage.events import Events
from service.storage.models import Models
from service.storage.queue import statements as sql
from service.storage.queue.bell import News
from service.storage.seals import seal
from service.versions import NewVersion

SEALED = ("request",)
"""The columns of a job that do not rot unnoticed."""

_VERDICTS = {Status.RUNNING: Verdict.GO_ON, Status.CANCELLING: Verdict.CANCEL}


class Queue:
    """Hands each queued job to one worker at a time: the highest priority first, among equals the oldest."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        *,
        news: News,
        events: Events,
        checkpoints: Checkpoints,
        datasets: Datasets,
        models: Models,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._news = news
        self._events = events
        self._checkpoints = checkpoints
        self._datasets = datasets
        self._models = models

    def claim(self, owner: str, lease_seconds: float) -> Claim | None:
        """The next job to work on, held for `lease_seconds` from now, or None when there is none.

        A job whose worker has not renewed its lease comes first; if it is cancelling, only its weights are to be
        published. `owner` names the worker for `end_leases`.
        """
        now, lease_id = self._clock.now(), secrets.token_hex(16)
        # First, so that a lease which a clock set back has made too long does not hide its job.
        self._connection.execute(sql.SHORTEN, {"now": now})
        self._end_abandoned(now, worker_lost())
        wanted = {"now": now, "owner": owner, "lease_id": lease_id, "lease_seconds": lease_seconds}
        row = self._connection.execute(sql.CLAIM, wanted).one_or_none()
        if row is None:
            return None
        job = job_of(row)
        if job.status is Status.RUNNING:
            told = {"status": job.status, "attempt": job.attempt}
            told |= {"epoch": job.epoch} if job.attempt > 1 or job.epoch else {}
            self._events.add(job.id, ("status", told))
        return Claim(job=job, fence=row.fence, lease_id=lease_id, lease_seconds=lease_seconds)

    def beat(self, claim: Claim, progress: Progress | None = None) -> Verdict:
        """Renews the lease, stores the progress, and says whether to go on."""
        return self._beat(claim, progress)[0]

    def wait(self, claim: Claim, waits_for: str) -> Verdict:
        """Renews the lease of a job that stands still, whose reason everybody may read, and says whether to go on."""
        given = self._under(claim, lease_seconds=claim.lease_seconds, waits_for=waits_for)
        row = self._connection.execute(sql.WAIT, given).one_or_none()
        return Verdict.LOST if row is None else _VERDICTS[row.status]

    def checkpoint(
        self, claim: Claim, checkpoint: Checkpoint, size_bytes: int, progress: Progress | None = None
    ) -> list[str]:
        """Stores where the training may be taken up again; returns the artifacts that are no longer wanted.

        It includes the progress up to there, which the next worker will not report. The job has advanced:
        workers that died over it before count no more. `ClaimLost` if the claim is void.
        """
        self._settle(claim, progress)
        self._connection.execute(sql.ADVANCED, self._under(claim))
        return self._checkpoints.add(claim.job.id, checkpoint, size_bytes)

    def release(self, claim: Claim, pause_seconds: float = 0.0, waits_for: str | None = None) -> None:
        """Gives the job back unfinished: the attempt does not count, and after the pause another may have it.

        `waits_for` says why, where it is no worker that it lacks.
        A cancelled job ends, unless it is to leave weights that another can publish.
        """
        verdict = self._settle(claim)
        given = self._under(claim, lease_seconds=pause_seconds)
        if verdict is Verdict.GO_ON:
            self._connection.execute(sql.REQUEUE, given | {"waits_for": waits_for})
            self._events.add(claim.job.id, ("status", {"status": Status.QUEUED}))
        elif self._connection.execute(sql.LET_GO, given).rowcount == 0:
            self._end(claim, Status.CANCELLED)
        self._news.queued += 1

    def fail(self, claim: Claim, reason: str, detail: str, progress: Progress | None = None) -> None:
        """Ends the job as failed, or as cancelled if that was asked for in the meantime."""
        if self._settle(claim, progress) is Verdict.CANCEL:
            self._end(claim, Status.CANCELLED)
        else:
            self._end(claim, Status.FAILED, error={"reason": reason, "detail": detail})

    def finish_cancel(self, claim: Claim, progress: Progress | None = None, partial: NewVersion | None = None) -> None:
        """Ends a job whose cancel the worker has heard, with what it leaves as a version, if anything."""
        try:
            verdict = self._settle(claim, progress)
        except ClaimLost:
            # An earlier call may have been committed although its result was lost.
            if partial is None or self._published(claim, Status.CANCELLED) is None:
                raise
            return
        if verdict is not Verdict.CANCEL:
            raise ValueError(f"Expected a job that is cancelling, received {claim.job.id}, which is running.")
        number = None if partial is None else self._models.add(claim.job.model, partial, job_id=claim.job.id)
        self._end(claim, Status.CANCELLED, version=number)

    def succeed(self, claim: Claim, new: NewVersion | NewDataset, progress: Progress | None = None) -> int:
        """Publishes what the job made and ends it in one; returns the number of its version.

        A training makes the version, a prediction a dataset with the version that its request names.

        Raises `CancelRequested` if a cancel came first, `ClaimLost` if the claim no longer holds. May be
        repeated when the result of an earlier call was lost: it publishes once.
        """
        verdict, keep = self._beat(claim, progress)
        if verdict is Verdict.CANCEL:
            raise CancelRequested(keep)
        if verdict is Verdict.LOST:
            # An earlier call may have been committed although its result was lost.
            published = self._published(claim, Status.SUCCEEDED)
            if published is None:
                raise ClaimLost
            return published
        if isinstance(new, NewDataset):
            number: int = claim.job.request["version"]
            self._end(claim, Status.SUCCEEDED, version=number, result=self._datasets.add(new).id)
        else:
            number = self._models.add(claim.job.model, new, job_id=claim.job.id)
            if new.warnings:
                warnings = [*claim.job.request.get("warnings", []), *map(asdict, new.warnings)]
                said = {**claim.job.request, "warnings": warnings}
                values = {"said": said, "said_sha256": seal({"request": said}, SEALED)}
                self._connection.execute(sql.SAY, self._under(claim, **values))
            self._end(claim, Status.SUCCEEDED, version=number, score=new.score)
        return number

    def end_leases(self, owner: str, exit_code: int | None = None) -> int:
        """Frees the jobs of a worker known to be dead, so that nobody waits for its lease; returns how many.

        `owner` may be the beginning that the names of several workers share. A job that is not to be tried again
        fails at once, and says what is known of the `exit_code`.
        """
        freed = self._connection.execute(sql.END_LEASES, {"owner_prefix": owner}).rowcount
        self._end_abandoned(self._clock.now(), worker_lost(exit_code), owner)
        self._news.queued += freed
        return freed

    def _end_abandoned(self, now: float | None, error: dict[str, str], owner: str | None = None) -> None:
        given = {"now": now, "worker_lost": error, "owner_prefix": owner}
        for ended in self._connection.execute(sql.END_ABANDONED, given).all():
            self._tell_end(ended.id, Status(ended.status), error=ended.error)

    def _beat(self, claim: Claim, progress: Progress | None) -> tuple[Verdict, Keep | None]:
        values: dict[str, Any] = {"lease_seconds": claim.lease_seconds}
        if progress is not None:
            values |= {"epoch": progress.epoch, "fraction": progress.fraction, "metrics": progress.metrics}
            values |= {"remaining_seconds": progress.remaining_seconds}
        statement = sql.BEAT if progress is None else sql.REPORT
        row = self._connection.execute(statement, self._under(claim, **values)).one_or_none()
        if row is None:
            return Verdict.LOST, None
        if progress is not None:
            self._events.add_epochs(claim.job.id, progress.history)
        return _VERDICTS[row.status], row.keep and Keep(row.keep)

    def _settle(self, claim: Claim, progress: Progress | None = None) -> Verdict:
        verdict = self.beat(claim, progress)
        if verdict is Verdict.LOST:
            raise ClaimLost
        return verdict

    def _end(self, claim: Claim, status: Status, **values: Any) -> None:
        self._connection.execute(sql.END, self._under(claim, status=status, **values))
        if status is not Status.FAILED:
            self._checkpoints.clear(claim.job.id)
        self._tell_end(claim.job.id, status, **values)

    def _tell_end(self, job_id: str, status: Status, **values: Any) -> None:
        told = {"status": status} | {key: value for key, value in values.items() if value is not None}
        self._events.add(job_id, ("status", told), ("done", told))
        self._news.ended += 1

    def _published(self, claim: Claim, status: Status) -> int | None:
        published: int | None = self._connection.scalar(sql.PUBLISHED, self._under(claim, ended=status))
        return published

    def _under(self, claim: Claim, **values: Any) -> dict[str, Any]:
        token = {"claim_job": claim.job.id, "claim_fence": claim.fence, "claim_lease": claim.lease_id}
        return {"now": self._clock.now()} | token | values


def job_of(row: Row[Any]) -> Job:
    """The job in a row that begins with the columns `JOB`."""
    values = dict(zip(sql.FIELDS, row, strict=False))
    # SQLite returns a whole number as an integer from RETURNING.
    typed = {"status": Status(row.status), "fraction": float(row.fraction), "kind": Kind(row.kind)}
    typed["keep"] = row.keep and Keep(row.keep)
    return Job(**values | typed)

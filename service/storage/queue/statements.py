"""The statements of the queue; built once, because building costs more than running them.

Each write under a claim names the claim's fence and lease in its WHERE clause. A worker that was thought dead
and is not matches no row; it learns so from the result and has written nothing.
"""

from dataclasses import fields

from sqlalchemy import (
    JSON,
    Double,
    ScalarSelect,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    null,
    select,
    update,
)

from service.config import LONGEST_LEASE_SECONDS
from service.jobs import LONGEST_PAUSE_SECONDS, MAX_STALLS, Job, Status
from service.storage.clock import NOW
from service.storage.schema import IS_HELD, IS_QUEUED, checkpoints, jobs

FIELDS = [field.name for field in fields(Job)]
JOB = [jobs.c[name] for name in FIELDS]

AT_THE_START = {"epoch": 0, "fraction": 0.0, "metrics": {}, "expected_at": None}

_LEASE_END = NOW + bindparam("lease_seconds", type_=Double)
_OF_CLAIM = and_(
    jobs.c.id == bindparam("claim_job"),
    jobs.c.fence == bindparam("claim_fence"),
    jobs.c.lease_id == bindparam("claim_lease"),
)
_IS_CANCELLING = jobs.c.status == Status.CANCELLING


def _first(query: Select[tuple[str]]) -> ScalarSelect[str]:
    # Workers that claim at the same time take different jobs instead of waiting for each other.
    return query.limit(1).with_for_update(skip_locked=True).scalar_subquery()


OVERDUE = and_(IS_HELD, jobs.c.lease_until < NOW)
"""Whether the worker of a held job may be taken for dead; needs `now`."""

_LONGEST = NOW + LONGEST_LEASE_SECONDS
AHEAD = and_(IS_HELD, jobs.c.lease_until > _LONGEST)
"""Whether a lease began before the clock was set back; needs `now`."""

SHORTEN = update(jobs).where(AHEAD).values(lease_until=_LONGEST)
"""Lets such a lease end all the same; a worker that lives renews it long before."""

_OVERDUE = select(jobs.c.id).where(OVERDUE)
_EXPIRED = _first(_OVERDUE.order_by(jobs.c.lease_until, jobs.c.id))
# A pause that began before the clock was set back ends all the same.
_PAUSES = func.coalesce(jobs.c.lease_until, 0.0).between(NOW, NOW + LONGEST_PAUSE_SECONDS)
READY = and_(IS_QUEUED, not_(_PAUSES))
"""Whether a queued job may be claimed now; needs `now`."""

_QUEUED = _first(select(jobs.c.id).where(READY).order_by(jobs.c.priority.desc(), jobs.c.id))
_EPOCHS_KEPT = (
    select(func.coalesce(func.max(checkpoints.c.epoch), 0))
    .where(checkpoints.c.job_id == jobs.c.id)
    .correlate(jobs)
    .scalar_subquery()
)
_UNCLAIMED = {"owner": None, "lease_id": None}
# Progress after the last checkpoint is lost with its worker, so it is no longer shown.
_TAKEN_UP = {
    "epoch": _EPOCHS_KEPT,
    "fraction": cast(_EPOCHS_KEPT, Double) / jobs.c.epochs,
    "metrics": case((_EPOCHS_KEPT == 0, literal({}, JSON)), else_=jobs.c.metrics),
    "expected_at": None,
}

CLAIM = (
    update(jobs)
    .where(jobs.c.id == func.coalesce(_EXPIRED, _QUEUED))
    .values(
        status=case((_IS_CANCELLING, Status.CANCELLING), else_=Status.RUNNING),
        attempt=jobs.c.attempt + 1,
        # A job that is still held has lost a worker; ADVANCED resets the count at every checkpoint.
        stalls=jobs.c.stalls + case((IS_QUEUED, 0), else_=1),
        # A higher fence makes every earlier claim void.
        fence=jobs.c.fence + 1,
        lease_until=_LEASE_END,
        started_at=func.coalesce(jobs.c.started_at, NOW),
        waits_for=None,
        **_TAKEN_UP,
    )
    .returning(*JOB, jobs.c.fence)
)
"""Takes the job whose lease ended first, else the first in the queue; needs `lease_id` and `owner`, too.

One that is cancelling stays so: its worker is gone, and the next one publishes what its checkpoints hold.
"""

BEAT = update(jobs).where(_OF_CLAIM, IS_HELD).values(lease_until=_LEASE_END).returning(jobs.c.status, jobs.c.keep)
"""Renews a lease; returns no row if the claim is lost."""

WAIT = BEAT.values(waits_for=bindparam("waits_for", type_=Text))
"""The same of a job that stands still, and why: `waits_for`."""

REPORT = BEAT.values(expected_at=NOW + bindparam("remaining_seconds", type_=Double))
"""The same with progress: `epoch`, `fraction`, `metrics`."""

ADVANCED = update(jobs).where(_OF_CLAIM).values(stalls=0)
"""Notes that the job has come further than any attempt before."""

SAY = (
    update(jobs)
    .where(_OF_CLAIM)
    .values(request=bindparam("said", type_=jobs.c.request.type), request_sha256=bindparam("said_sha256"))
)
"""Stores the request with what was found out since."""

END = update(jobs).where(_OF_CLAIM, IS_HELD).values(finished_at=NOW, lease_until=None, expected_at=None, waits_for=None)
"""Takes the job to a final status."""

REQUEUE = (
    update(jobs)
    .where(_OF_CLAIM, IS_HELD)
    .values(
        status=Status.QUEUED,
        attempt=jobs.c.attempt - 1,  # a job that was given back has not been attempted
        **_UNCLAIMED,
        waits_for=bindparam("waits_for", type_=Text),
        lease_until=case((bindparam("lease_seconds", type_=Double) > 0, _LEASE_END), else_=null()),
        **_TAKEN_UP,
    )
)
"""Puts the job back where it was before the claim, which ends; nobody may claim it for `lease_seconds`."""

PUBLISHED = select(jobs.c.version).where(_OF_CLAIM, jobs.c.status == bindparam("ended"))
"""The version that this very claim has published when it ended the job so."""

HAS_CHECKPOINT = exists().where(checkpoints.c.job_id == jobs.c.id)
"""Whether there are weights that another worker could continue from, or publish."""

_LEAVES_WEIGHTS = and_(jobs.c.keep.is_not(None), HAS_CHECKPOINT)

_OWNER = bindparam("owner_prefix", type_=Text)
_IS_OWNED = func.substr(jobs.c.owner, 1, func.length(_OWNER)) == _OWNER
_ABANDONED = _OVERDUE.where(
    (_IS_CANCELLING & not_(_LEAVES_WEIGHTS)) | (jobs.c.stalls >= MAX_STALLS - 1), _OWNER.is_(None) | _IS_OWNED
)
END_ABANDONED = (
    update(jobs)
    .where(jobs.c.id.in_(_ABANDONED.with_for_update(skip_locked=True)))
    .values(
        status=case((_IS_CANCELLING, Status.CANCELLED), else_=Status.FAILED),
        error=case((_IS_CANCELLING, null()), else_=bindparam("worker_lost", type_=JSON)),
        stalls=jobs.c.stalls + 1,
        finished_at=NOW,
        lease_until=None,
        expected_at=None,
        waits_for=None,
    )
    .returning(jobs.c.id, jobs.c.status, jobs.c.error)
)
"""Ends the jobs that lost their worker and are not to be tried again, `owner_prefix`'s or everybody's.

What fails does so with the error `worker_lost`.
"""

LET_GO = (
    update(jobs)
    .where(_OF_CLAIM, _LEAVES_WEIGHTS)
    .values(
        attempt=jobs.c.attempt - 1,
        stalls=jobs.c.stalls - 1,  # the next claim takes it for one whose worker has died
        **_UNCLAIMED,
        lease_until=_LEASE_END,
    )
)
"""Ends the claim on a job that is cancelling, if there are weights that another may publish in `lease_seconds`."""

END_LEASES = update(jobs).where(IS_HELD, _IS_OWNED).values(lease_until=0.0)
"""Frees the jobs of one owner, or of all whose names begin alike."""

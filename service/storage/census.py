"""The census: how many jobs wait and run, for how long, and how much is stored."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from service.jobs import FINAL, Status
from service.storage.clock import NOW, Clock
from service.storage.schema import datasets, jobs


@dataclass(frozen=True, slots=True)
class Census:
    """What was counted at one moment; ages are in seconds."""

    jobs: dict[tuple[str, str], int]
    """Of each kind and status that is not final."""
    oldest_queued: float
    oldest_lease: float
    """The longest time since a worker was last heard of that has a job."""
    busy_workers: int
    dataset_bytes: int
    database_bytes: int


def take_census(connection: Connection, clock: Clock, lease_seconds: float) -> Census:
    """Counts; no finished job is looked at, so that it takes no longer the more there are."""
    now = {"now": clock.now()}
    open_ones = jobs.c.status.in_([status for status in Status if status not in FINAL])
    counted = connection.execute(
        select(jobs.c.kind, jobs.c.status, func.count()).where(open_ones).group_by(jobs.c.kind, jobs.c.status)
    )
    queued = select(NOW - func.min(jobs.c.created_at)).where(jobs.c.status == Status.QUEUED)
    leases = select(func.min(jobs.c.lease_until) - NOW, func.count(func.distinct(jobs.c.owner))).where(
        jobs.c.status.in_([Status.RUNNING, Status.CANCELLING])
    )
    remaining, busy = connection.execute(leases, now).one()
    if connection.dialect.name == "sqlite":
        pages, size = (connection.exec_driver_sql(f"PRAGMA {one}").scalar_one() for one in ("page_count", "page_size"))
        database_bytes = pages * size
    else:
        database_bytes = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    return Census(
        jobs={(kind, status): count for kind, status, count in counted},
        oldest_queued=max(0.0, connection.scalar(queued, now) or 0.0),
        oldest_lease=0.0 if remaining is None else max(0.0, lease_seconds - remaining),
        busy_workers=busy,
        dataset_bytes=connection.scalar(select(func.coalesce(func.sum(datasets.c.size_bytes), 0))) or 0,
        database_bytes=database_bytes,
    )

"""What tests of the database share: a clock that stands until told, and things worth storing."""

import time
from pathlib import Path

from service.jobs import Claim, Job
from service.storage import Database, NewDataset


class StandingClock:
    """Shows the same time until it is moved."""

    def __init__(self, seconds: float = 1_800_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


def sqlite_url(directory: Path) -> str:
    return f"sqlite:///{directory / 'fitd.db'}"


def add_job(database: Database, *, model: str = "digits", epochs: int = 3, priority: int = 0) -> Job:
    """A queued job and its dataset."""
    with database.transaction() as tx:
        dataset = tx.datasets.add(NewDataset(1, 2, b"x and y")).id
        return tx.jobs.add(model, {"fit": {"epochs": epochs}}, dataset, epochs, priority=priority)


def take(database: Database, owner: str = "worker", lease_seconds: float = 15.0) -> Claim:
    """The claim on the next job, which has to be there."""
    with database.transaction() as tx:
        claim = tx.jobs.claim(owner, lease_seconds)
    assert claim is not None
    return claim


def wait_for_end(database: Database, job_id: str, seconds: float = 60.0) -> Job:
    """The job once it is final, which has to be soon."""
    deadline = time.monotonic() + seconds
    while True:
        mark = database.mark()
        job = read_job(database, job_id)
        if job.is_final:
            return job
        assert time.monotonic() < deadline, f"{job_id} is still {job.status}."
        database.wait_for_change(1.0, since=mark)


def read_job(database: Database, job_id: str) -> Job:
    with database.reading() as tx:
        return tx.jobs.get(job_id)

"""A full disk and a clock that jumps end in a clear state, never in a lost or doubled job."""

import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from service.jobs import ClaimLost, Status
from service.storage import Database
from service.worker.loop import Worker
from tests.support.storing import StandingClock, add_job, read_job, sqlite_url, take
from tests.support.versions import new_version


class SmallDisk:
    """A database whose disk has room for little more than there is, until it is given more."""

    def __init__(self, directory: Path, jobs: int) -> None:
        self.database = Database(sqlite_url(directory))
        self.database.migrate()
        self.jobs = [add_job(self.database) for _ in range(jobs)]
        with self.database.engine.connect() as connection:
            self.pages = 20 + int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        self.database.engine.dispose()
        event.listen(self.database.engine, "begin", self._limit)

    def _limit(self, connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self.pages}")


def test_a_result_that_does_not_fit_on_the_disk_is_kept_and_stored_as_soon_as_it_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = SmallDisk(tmp_path, 1)
    database, (job,) = disk.database, disk.jobs
    trained = []

    def train(*_: object) -> Any:
        trained.append(1)
        return new_version(weights=b"w" * 1_000_000)

    worker = Worker(database, train, owner="worker", lease_seconds=0.5)
    thread = threading.Thread(target=worker.run_one)
    thread.start()
    while not (waiting := read_job(database, job.id)).waits_for:
        assert thread.is_alive()
    assert waiting.status is Status.RUNNING
    assert "no room" in str(waiting.waits_for)
    for _ in range(5):  # longer than several leases
        time.sleep(0.4)
        with database.transaction() as tx:
            assert tx.jobs.claim("another", 15) is None
    disk.pages += 1000
    thread.join(30)
    done = read_job(database, job.id)
    assert (done.status, done.attempt, done.waits_for, trained) == (Status.SUCCEEDED, 1, None, [1])
    assert "full" in caplog.text
    database.close()


def test_a_result_that_never_fits_fails_its_job_at_last_and_the_next_one_succeeds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = SmallDisk(tmp_path, 2)
    database, jobs = disk.database, disk.jobs
    sizes = iter([1_000_000, 10])

    def train(*_: object) -> Any:
        return new_version(weights=b"w" * next(sizes))

    worker = Worker(database, train, owner="worker", lease_seconds=0.5, keep_results_seconds=0.5)
    with caplog.at_level(logging.WARNING):
        assert worker.run_one()
        assert worker.run_one()
    failed, done = (read_job(database, job.id) for job in jobs)
    assert (failed.status, failed.error and failed.error["reason"]) == (Status.FAILED, "storage_failed")
    assert done.status is Status.SUCCEEDED
    assert "full" in caplog.text
    database.close()


@pytest.mark.parametrize(("jump", "costs"), [(-86_400, False), (-60, False), (86_400, True)])
def test_a_clock_that_jumps_costs_at_most_a_second_attempt(
    database: Database, clock: StandingClock, jump: float, costs: bool
) -> None:
    job = add_job(database)
    first = take(database)
    clock.advance(jump)
    with database.transaction() as tx:
        second = tx.jobs.claim("another", 15)
    assert (second is not None) == costs
    if second is not None:
        with pytest.raises(ClaimLost), database.transaction() as tx:
            tx.jobs.succeed(first, new_version())
    with database.transaction() as tx:
        tx.jobs.succeed(second or first, new_version())
        assert tx.models.get("digits").versions == 1
    assert read_job(database, job.id).attempt == (1 if second is None else 2)

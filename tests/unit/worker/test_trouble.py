"""A full disk and a clock that jumps end in a clear state, never in a lost or doubled job."""

import logging
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from service.jobs import ClaimLost, Status
from service.storage import Database
from service.worker.loop import Worker
from tests.support.storing import StandingClock, add_job, read_job, sqlite_url, take
from tests.support.versions import new_version


def test_a_result_that_does_not_fit_on_the_disk_fails_its_job_and_the_next_one_succeeds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(sqlite_url(tmp_path))
    database.migrate()
    jobs = [add_job(database) for _ in range(2)]
    with database.engine.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    database.engine.dispose()

    @event.listens_for(database.engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + 20}")

    sizes = iter([1_000_000, 10])

    def train(*_: object) -> Any:
        return new_version(weights=b"w" * next(sizes))

    worker = Worker(database, train, owner="worker", lease_seconds=0.5)
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

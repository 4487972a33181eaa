"""Whoever waits for a change is told of it soon, and of none that came before."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from service.jobs import Progress
from service.storage import Database, Transaction
from tests.support.postgres import new_database
from tests.support.storing import add_job, take
from tests.support.versions import new_version

LONG = 30.0


@pytest.fixture
def other(url: str) -> Iterator[Database]:
    """The database as another process sees it."""
    other = Database(url)
    yield other
    other.close()


def settled(database: Database) -> int:
    """A mark taken after the listening has begun, which counts as a change where it happens beside."""
    mark = database.mark()
    if database.backend == "postgresql":
        assert database.wait_for_change(LONG, since=mark)
    return database.mark()


def test_nothing_changes_when_nothing_happens(database: Database) -> None:
    add_job(database)
    mark = settled(database)
    assert not database.wait_for_change(0.05, since=mark)
    assert not database.wait_for_change(0.0)


def test_a_change_made_before_the_wait_is_not_missed(database: Database, other: Database) -> None:
    mark = settled(database)
    add_job(other)
    assert database.wait_for_change(LONG, since=mark)


def test_who_waits_is_told_of_a_new_job(database: Database, other: Database) -> None:
    mark = settled(database)
    told: list[bool] = []
    threads = [
        threading.Thread(target=lambda: told.append(database.wait_for_change(LONG, since=mark))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    start = time.monotonic()
    add_job(other)
    for thread in threads:
        thread.join()
    assert told == [True, True, True]
    assert time.monotonic() - start < LONG / 2


def test_the_end_of_a_job_is_a_change(database: Database, other: Database) -> None:
    add_job(other)
    claim = take(other)
    mark = settled(database)
    with other.transaction() as tx:
        tx.jobs.succeed(claim, new_version())
    assert database.wait_for_change(LONG, since=mark)


def test_the_cancel_of_a_job_is_a_change(database: Database, other: Database) -> None:
    job = add_job(other)
    mark = settled(database)
    with other.transaction() as tx:
        tx.jobs.cancel(job.id)
    assert database.wait_for_change(LONG, since=mark)


def test_an_idle_worker_is_told_of_work(database: Database, other: Database) -> None:
    mark = settled(database)
    add_job(other)
    assert database.wait_for_work(LONG, since=mark)
    assert not database.wait_for_work(0.0, since=database.mark())


def test_a_look_into_an_empty_queue_is_no_change(database: Database, other: Database) -> None:
    mark = settled(database)
    with other.transaction() as tx:
        assert tx.jobs.claim("worker", 15) is None
    assert not database.wait_for_change(0.05, since=mark)


def test_only_versions_and_labels_change_what_is_served(database: Database, other: Database) -> None:
    mark = settled(database)
    served = database.served_mark()
    cancelled = add_job(other)
    claim = take(other)
    with other.transaction() as tx:
        tx.jobs.beat(claim, Progress(epoch=1, metrics={"loss": 1.0}))
        tx.jobs.cancel(cancelled.id)
        tx.jobs.finish_cancel(claim)
    assert database.wait_for_change(LONG, since=mark)
    assert database.served_mark() == served
    changes: list[Callable[[Transaction], object]] = [
        lambda tx: tx.models.add("xor", new_version()),
        lambda tx: tx.labels.move("xor", "stable", 1),
        lambda tx: tx.labels.delete("xor", "stable"),
        lambda tx: tx.models.delete("xor", 1),
    ]
    for change in changes:
        mark, served = database.mark(), database.served_mark()
        with other.transaction() as tx:
            change(tx)
        while database.served_mark() == served:
            assert database.wait_for_change(LONG, since=mark), "Nobody heard of the change."
            mark = database.mark()


def test_listening_outlasts_a_lost_connection() -> None:
    database = Database(new_database())
    database.migrate()
    mark = settled(database)
    with database.engine.begin() as connection:
        ended = connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN fitd'"
        ).all()
    assert ended
    # To have been deaf counts as a change.
    assert database.wait_for_change(LONG, since=mark)
    mark = database.mark()
    add_job(database)
    assert database.wait_for_change(LONG, since=mark)
    database.close()

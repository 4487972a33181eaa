"""The bell wakes as many listeners as it was rung for, now or when they come to listen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.storage import Bell, Database, NewDataset
from tests.support.storing import add_job, sqlite_url, take

LONG = 30.0


@pytest.fixture
def bell() -> Iterator[Bell]:
    bell = Bell.new()
    yield bell
    bell.close()


def test_a_ring_before_the_wait_is_heard_once(bell: Bell) -> None:
    bell.ring()
    assert bell.wait(LONG)
    assert not bell.wait(0.0)


def test_each_ring_is_heard_by_one(bell: Bell) -> None:
    bell.ring(2)
    assert [bell.wait(0.0) for _ in range(3)] == [True, True, False]


def test_ringing_more_than_the_pipe_holds_is_no_error(bell: Bell) -> None:
    for _ in range(70):
        bell.ring(1000)
    assert bell.wait(0.0)


def test_a_bell_with_nobody_to_hear_it_may_be_rung() -> None:
    bell = Bell.new()
    read_fd, write_fd = bell.ends()
    Bell(read_fd=read_fd).close()
    half = Bell(write_fd=write_fd)
    half.ring()
    half.close()


def test_a_bell_without_a_rope_stays_silent() -> None:
    Bell().ring()


def test_a_bell_that_can_only_be_rung_is_not_waited_for() -> None:
    with pytest.raises(ValueError, match="reading end"):
        Bell().wait(0.0)
    with pytest.raises(ValueError, match="both ends"):
        Bell().ends()


def test_a_job_that_is_queued_or_given_back_rings(bell: Bell, tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path), bell=bell)
    database.migrate()
    mark = database.mark()
    add_job(database)
    assert database.wait_for_work(LONG, since=mark)
    claim = take(database, owner="worker")
    assert not database.wait_for_work(0.0, since=mark)
    with database.transaction() as tx:
        tx.jobs.release(claim)
    assert database.wait_for_work(LONG, since=mark)
    take(database, owner="worker")
    with database.transaction() as tx:
        tx.jobs.end_leases("worker")
    assert database.wait_for_work(LONG, since=mark)
    database.close()


def test_a_transaction_that_fails_does_not_ring(bell: Bell, tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path), bell=bell)
    database.migrate()
    with database.transaction() as tx:
        dataset = tx.datasets.add(NewDataset(0, 0, b"")).id

    def queue_and_fail() -> None:
        with database.transaction() as tx:
            tx.jobs.add("digits", {}, dataset, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        queue_and_fail()
    assert not bell.wait(0.0)
    database.close()

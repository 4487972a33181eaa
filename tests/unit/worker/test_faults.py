"""A bad disk under a worker: jobs go on, wait or fail with a reason, and no thread ends without a word."""

import errno
import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.errors import Damaged, DiskFault, Refused, StorageFailure
from service.jobs import Status, Verdict
from service.storage import Database
from service.worker.checkpointer import PATIENCE
from service.worker.loop import Worker
from service.worker.monitor import Monitor
from tests.support.resuming import At, Killed, die, published, submit, worker
from tests.support.storing import StandingClock, add_job, read_job, take
from tests.support.versions import new_version


def left_with_checkpoints(database: Database, clock: StandingClock) -> Any:
    """A job whose worker died after two checkpoints, and what an undisturbed one publishes."""
    undisturbed = submit(database)
    worker(database).run_one()
    expected = published(database, undisturbed)
    job = submit(database)
    with pytest.raises(Killed):
        worker(database, At(4, die)).run_one()
    with database.transaction() as tx:
        tx.jobs.end_leases("worker")
        newest, before = tx.checkpoints.newest(job.id)
    clock.advance(60)
    return job, expected, newest.artifact, before.artifact


def in_the_place(place: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes one file unreadable, as a disk or a person does."""
    if what == "folder":
        place.unlink()
        place.mkdir()
    elif what == "rot":
        content = bytearray(place.read_bytes())
        content[len(content) // 2] ^= 16
        place.write_bytes(content)
    elif what == "gone":
        place.unlink()
    else:
        digest = hashlib.file_digest

        def read(file: Any, how: str) -> Any:
            if file.name == str(place):
                raise OSError(errno.EIO, "Input/output error")
            return digest(file, how)

        monkeypatch.setattr(hashlib, "file_digest", read)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("what", ["folder", "rot", "gone", "EIO"])
def test_where_a_checkpoint_cannot_be_read_the_one_before_is_used(
    database: Database, clock: StandingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    job, expected, newest, before = left_with_checkpoints(database, clock)
    in_the_place(tmp_path / "artifacts" / newest, what, monkeypatch)
    read: list[str] = []
    get = database.artifacts.get

    def note(name: str) -> bytes:
        content = get(name)
        read.append(name)
        return content

    monkeypatch.setattr(database.artifacts, "get", note)
    assert worker(database).run_one()
    assert read == [before]
    version, history = published(database, job)
    assert (version.sha256, history) == (expected[0].sha256, expected[1])


@pytest.mark.usefixtures("always")
def test_a_disk_that_reads_no_checkpoint_has_time_to_mend_and_then_the_training_begins_anew(
    database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, expected, _, _ = left_with_checkpoints(database, clock)

    def refuse(_name: str) -> bytes:
        raise DiskFault("The disk of the artifacts fails to read or write.")

    monkeypatch.setattr(database.artifacts, "get", refuse)
    for _ in range(PATIENCE):
        assert worker(database).run_one()
        waiting = read_job(database, job.id)
        assert waiting.status is Status.QUEUED
        assert "fails to read" in str(waiting.waits_for)
        clock.advance(60)
    assert worker(database).run_one()
    done = read_job(database, job.id)
    assert (done.status, done.waits_for) == (Status.SUCCEEDED, None)
    assert published(database, job)[0].sha256 == expected[0].sha256


@pytest.mark.parametrize(
    "error",
    [
        Damaged("The database is damaged."),
        DiskFault("The disk fails."),
        sqlite3.DatabaseError("database disk image is malformed"),
        RuntimeError("a defect"),
    ],
)
def test_the_thread_that_beats_outlasts_every_error_and_hears_of_a_cancel(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    job = add_job(database)
    claim = take(database)
    transaction, failed = database.transaction, threading.Event()

    def fail_once() -> Any:
        if threading.current_thread().name == "beat" and not failed.is_set():
            failed.set()
            raise error
        return transaction()

    monkeypatch.setattr(database, "transaction", fail_once)
    monitor = Monitor(database, claim, threading.Event(), beat_seconds=0.01, give_up=lambda _code: None)
    with monitor:
        assert failed.wait(10)
        with transaction() as tx:
            tx.jobs.cancel(job.id)
        deadline = time.monotonic() + 10
        while monitor._stop is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert "CancelRequested" in repr(monitor._stop)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("error", [Damaged("It is damaged."), DiskFault("It fails."), Refused("A rule refuses.")])
def test_a_checkpoint_that_cannot_be_stored_costs_its_job_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: StorageFailure
) -> None:
    job = submit(database)

    def refuse(*_: Any) -> str:
        raise error

    monkeypatch.setattr(database.artifacts, "put", refuse)
    assert worker(database).run_one()
    assert read_job(database, job.id).status is Status.SUCCEEDED


def test_a_rule_that_refuses_the_version_is_told_as_that(database: Database) -> None:
    job = add_job(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refusal BEFORE INSERT ON versions BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    assert Worker(database, lambda *_: new_version(), owner="worker", lease_seconds=0.5).run_one()
    failed = read_job(database, job.id)
    assert failed.error is not None
    assert (failed.status, failed.error["reason"]) == (Status.FAILED, "storage_refused")
    assert "memory" not in failed.error["detail"]


def test_a_request_that_has_rotted_fails_its_job_before_anything_is_trained(database: Database) -> None:
    job = add_job(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET request = replace(request, '3', '7')")

    def train(*_: object) -> Any:
        raise AssertionError("It was trained.")

    assert Worker(database, train, owner="worker", lease_seconds=15).run_one()
    failed = read_job(database, job.id)
    assert failed.error is not None
    assert (failed.status, failed.error["reason"]) == (Status.FAILED, "damaged")


def test_an_idle_worker_outlasts_a_database_that_is_damaged_for_a_while(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark: Callable[[], int] = database.mark
    asked = threading.Event()

    def damaged_once() -> int:
        if not asked.is_set():
            asked.set()
            raise Damaged("The database is damaged.")
        return mark()

    monkeypatch.setattr(database, "mark", damaged_once)
    monkeypatch.setattr("service.worker.loop.IDLE_SECONDS", 0.05)
    idle = Worker(database, lambda *_: new_version(), owner="worker", lease_seconds=15)
    thread = threading.Thread(target=idle.run, daemon=True)
    thread.start()
    assert asked.wait(10)
    job = add_job(database)
    deadline = time.monotonic() + 20
    while read_job(database, job.id).status is not Status.SUCCEEDED:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    idle.leaving.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_job_that_waits_says_so_under_its_lease_alone(database: Database) -> None:
    job = add_job(database)
    claim = take(database)
    with database.transaction() as tx:
        assert tx.jobs.wait(claim, "A disk is full.") is Verdict.GO_ON
    assert read_job(database, job.id).waits_for == "A disk is full."
    with database.transaction() as tx:
        tx.jobs.succeed(claim, new_version())
        assert tx.jobs.wait(claim, "A disk is full.") is Verdict.LOST
    assert read_job(database, job.id).waits_for is None

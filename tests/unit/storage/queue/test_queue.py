"""The queue: one holder at a time, nothing written without a claim that holds, nothing lost."""

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from service.jobs import CancelRequested, Claim, ClaimLost, EpochResult, Keep, Progress, Status, Verdict
from service.storage import Database, Transaction
from service.storage.checkpoints import Checkpoint
from service.storage.schema import jobs
from tests.support.storing import StandingClock, add_job, read_job, sqlite_url, take
from tests.support.versions import new_version

Write = Callable[[Transaction, Claim], object]
WRITES: dict[str, Write] = {
    "checkpoint": lambda tx, claim: tx.jobs.checkpoint(claim, Checkpoint(1, 0, "name"), 10),
    "release": lambda tx, claim: tx.jobs.release(claim),
    "fail": lambda tx, claim: tx.jobs.fail(claim, "diverged", "The loss is not a number."),
    "finish_cancel": lambda tx, claim: tx.jobs.finish_cancel(claim),
    "succeed": lambda tx, claim: tx.jobs.succeed(claim, new_version()),
}


def test_an_empty_queue_gives_nothing(database: Database) -> None:
    with database.transaction() as tx:
        assert tx.jobs.claim("worker", 15) is None


def test_jobs_are_taken_in_the_order_they_were_asked_for(database: Database) -> None:
    asked = [add_job(database).id for _ in range(3)]
    assert [take(database).job.id for _ in range(3)] == asked


def test_many_who_take_at_once_get_different_jobs(database: Database) -> None:
    asked = {add_job(database).id for _ in range(24)}
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda number: take(database, f"worker-{number}").job.id, range(24)))
    assert sorted(taken) == sorted(asked)


def test_a_claim_starts_an_attempt(database: Database, clock: StandingClock) -> None:
    job = add_job(database)
    clock.advance(2)
    claim = take(database)
    assert claim.job == read_job(database, job.id)
    assert (claim.job.status, claim.job.attempt) == (Status.RUNNING, 1)
    assert claim.job.started_at is not None
    assert claim.job.started_at.timestamp() == clock()


def test_a_claimed_job_is_nobody_elses(database: Database, clock: StandingClock) -> None:
    add_job(database)
    take(database, lease_seconds=15)
    clock.advance(14.9)
    with database.transaction() as tx:
        assert tx.jobs.claim("other", 15) is None


def test_a_beat_renews_the_lease_and_stores_the_progress(database: Database, clock: StandingClock) -> None:
    add_job(database)
    claim = take(database, lease_seconds=15)
    clock.advance(14)
    progress = Progress(2, 0.5, {"loss": 0.25}, 8.0, {1: EpochResult({"loss": 0.5}), 2: EpochResult({"loss": 0.25})})
    with database.transaction() as tx:
        assert tx.jobs.beat(claim, progress) is Verdict.GO_ON
    clock.advance(14)
    with database.transaction() as tx:
        assert tx.jobs.claim("other", 15) is None
        assert tx.jobs.beat(claim) is Verdict.GO_ON
        assert tx.events.history(claim.job.id) == [
            {"epoch": 1, "metrics": {"loss": 0.5}},
            {"epoch": 2, "metrics": {"loss": 0.25}},
        ]
    job = read_job(database, claim.job.id)
    assert (job.epoch, job.fraction, job.metrics) == (2, 0.5, {"loss": 0.25})
    assert job.expected_at is not None
    assert job.expected_at.timestamp() == clock() - 14 + 8


def test_a_number_that_json_does_not_have_is_stored_as_null(database: Database) -> None:
    add_job(database)
    claim = take(database)
    metrics = {"loss": float("nan"), "accuracy": float("inf")}
    with database.transaction() as tx:
        tx.jobs.beat(claim, Progress(1, 0.5, metrics, None, {1: EpochResult(metrics)}))
        assert tx.events.history(claim.job.id) == [{"epoch": 1, "metrics": {"loss": None, "accuracy": None}}]
    assert read_job(database, claim.job.id).metrics == {"loss": None, "accuracy": None}


def test_success_publishes_the_version_and_ends_the_job(database: Database, clock: StandingClock) -> None:
    add_job(database)
    claim = take(database)
    clock.advance(3)
    last = Progress(3, 1.0, {"loss": 0.1}, 0.0, {3: EpochResult({"loss": 0.1})})
    with database.transaction() as tx:
        assert tx.jobs.succeed(claim, new_version(weights=b"w"), last) == 1
    job = read_job(database, claim.job.id)
    assert (job.status, job.version, job.fraction, job.epoch) == (Status.SUCCEEDED, 1, 1.0, 3)
    assert job.finished_at is not None
    assert job.finished_at.timestamp() == clock()
    assert job.expected_at is None
    with database.reading() as tx:
        version = tx.models.version("digits")
        assert (version.number, version.job_id) == (1, job.id)
        assert tx.models.weights(version.id) == b"w"
        assert len(tx.events.history(job.id)) == 1


def test_success_told_twice_publishes_once(database: Database) -> None:
    add_job(database)
    claim = take(database)
    for _ in range(2):
        with database.transaction() as tx:
            assert tx.jobs.succeed(claim, new_version()) == 1
    with database.reading() as tx:
        assert tx.models.get("digits").versions == 1


def test_a_failure_says_why(database: Database) -> None:
    add_job(database)
    claim = take(database)
    with database.transaction() as tx:
        tx.jobs.fail(claim, "diverged", "The loss is not a number.", Progress(1, 0.3, {"loss": None}))
    job = read_job(database, claim.job.id)
    assert (job.status, job.epoch) == (Status.FAILED, 1)
    assert job.error == {"reason": "diverged", "detail": "The loss is not a number."}


def test_a_released_job_waits_again_and_the_attempt_does_not_count(database: Database) -> None:
    add_job(database)
    for _ in range(3):
        claim = take(database)
        assert claim.job.attempt == 1
        with database.transaction() as tx:
            tx.jobs.beat(claim, Progress(1, 0.3, {"loss": 1.0}, None, {1: EpochResult({"loss": 1.0})}))
            tx.jobs.release(claim)
    job = read_job(database, claim.job.id)
    assert (job.status, job.epoch, job.fraction, job.metrics) == (Status.QUEUED, 0, 0.0, {})


def test_a_higher_priority_goes_first_and_equals_in_the_order_asked_for(database: Database) -> None:
    priorities = [0, 5, -3, 5, 0]
    asked = [add_job(database, priority=priority).id for priority in priorities]
    assert [take(database).job.id for _ in asked] == [asked[place] for place in (1, 3, 0, 4, 2)]


@pytest.mark.parametrize("keep", [None, Keep.LAST, Keep.BEST])
def test_a_cancelled_job_may_leave_a_partial_version(database: Database, keep: Keep | None) -> None:
    job = add_job(database)
    claim = take(database)
    with database.transaction() as tx:
        tx.jobs.cancel(job.id, keep)
    with pytest.raises(CancelRequested) as heard, database.transaction() as tx:
        tx.jobs.succeed(claim, new_version())
    assert heard.value.keep is keep
    partial = new_version(partial=True) if keep else None
    for _ in range(2 if keep else 1):  # the answer of the first may have been lost
        with database.transaction() as tx:
            tx.jobs.finish_cancel(claim, None, partial)
    done = read_job(database, job.id)
    assert (done.status, done.version) == (Status.CANCELLED, 1 if keep else None)
    if keep:
        with database.reading() as tx:
            assert [version.partial for version in tx.models.versions("digits")[0]] == [True]


@pytest.mark.parametrize("name", WRITES)
def test_who_lost_the_claim_writes_nothing(database: Database, clock: StandingClock, name: str) -> None:
    add_job(database)
    lost = take(database)
    clock.advance(16)
    claim = take(database)
    with database.transaction() as tx:
        assert tx.jobs.beat(lost, Progress(9, 0.9, {}, None, {9: EpochResult({})})) is Verdict.LOST
    with pytest.raises(ClaimLost), database.transaction() as tx:
        WRITES[name](tx, lost)
    assert read_job(database, claim.job.id) == claim.job
    with database.reading() as tx:
        assert tx.events.history(claim.job.id) == []
        assert tx.models.page() == ([], None)


@pytest.mark.parametrize("stale", [{"fence": 7}, {"lease_id": "another"}])
def test_half_a_token_is_not_enough(database: Database, stale: dict[str, object]) -> None:
    add_job(database)
    claim = take(database)
    with database.transaction() as tx:
        assert tx.jobs.beat(dataclasses.replace(claim, **stale)) is Verdict.LOST  # type: ignore[arg-type]
        assert tx.jobs.beat(claim) is Verdict.GO_ON


def test_the_token_holds_in_a_database_restored_to_an_earlier_moment(database: Database) -> None:
    job = add_job(database)
    zombie = take(database)
    with database.engine.begin() as connection:
        as_before = {"status": "queued", "fence": 0, "lease_id": None, "lease_until": None, "attempt": 0}
        connection.execute(update(jobs).where(jobs.c.id == job.id).values(as_before))
    claim = take(database)
    assert claim.fence == zombie.fence
    with pytest.raises(ClaimLost), database.transaction() as tx:
        tx.jobs.succeed(zombie, new_version())


@pytest.mark.parametrize("name", ["release", "fail", "finish_cancel", "succeed"])
def test_a_cancel_that_came_first_wins(database: Database, name: str) -> None:
    job = add_job(database)
    claim = take(database)
    with database.transaction() as tx:
        tx.jobs.cancel(job.id)
        assert tx.jobs.beat(claim) is Verdict.CANCEL
    if name == "succeed":
        with pytest.raises(CancelRequested), database.transaction() as tx:
            tx.jobs.succeed(claim, new_version())
        name = "finish_cancel"
    with database.transaction() as tx:
        WRITES[name](tx, claim)
    done = read_job(database, job.id)
    assert (done.status, done.error, done.version) == (Status.CANCELLED, None, None)
    with database.reading() as tx:
        assert tx.models.page() == ([], None)


def test_a_job_that_nobody_cancelled_cannot_end_as_cancelled(database: Database) -> None:
    add_job(database)
    claim = take(database)
    with pytest.raises(ValueError, match="is running"), database.transaction() as tx:
        tx.jobs.finish_cancel(claim)
    assert read_job(database, claim.job.id).status is Status.RUNNING


def test_the_clock_is_the_servers_unless_a_test_brings_one(url: str) -> None:
    database = Database(url)
    add_job(database)
    before = time.time()
    lost = take(database, lease_seconds=0.01)
    claim = None
    while claim is None and time.time() < before + 10:
        with database.transaction() as tx:
            claim = tx.jobs.claim("other", 15)
    assert claim is not None
    assert claim.job.id == lost.job.id
    assert abs(claim.job.created_at.timestamp() - before) < 10
    database.close()


def test_taking_a_job_searches_by_an_index(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    database.migrate()
    ran: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        ran.append((statement, parameters))

    with database.transaction() as tx:
        tx.jobs.claim("worker", 15)
    updates = [(statement, parameters) for statement, parameters in ran if statement.startswith("UPDATE")]
    assert len(updates) == 3
    with database.engine.connect() as connection:
        for statement, parameters in updates:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            assert "TEMP B-TREE" not in str(plan)
            scans = [step.detail for step in plan if "SCAN" in step.detail]
            assert all("ix_jobs_queued" in scan or "ix_jobs_held" in scan for scan in scans), scans
    database.close()

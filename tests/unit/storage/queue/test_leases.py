"""Leases: who holds a job and dies loses it, and the job goes on with another or says why not."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.config import LONGEST_LEASE_SECONDS
from service.jobs import MAX_STALLS, EpochResult, Progress, Status, Verdict
from service.storage import Database
from service.storage.checkpoints import Checkpoint
from tests.support.storing import StandingClock, add_job, read_job, take


def test_many_who_bury_the_abandoned_at_once_bury_each_once(database: Database, clock: StandingClock) -> None:
    jobs = [add_job(database).id for _ in range(12)]
    for job_id in jobs:
        take(database)
        with database.transaction() as tx:
            tx.jobs.cancel(job_id)
    clock.advance(16)

    def look(_: int) -> object:
        with database.transaction() as tx:
            return tx.jobs.claim("worker", 15)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(look, range(16))) == {None}
    assert {read_job(database, job_id).status for job_id in jobs} == {Status.CANCELLED}


def test_a_job_whose_lease_ran_out_is_taken_over_before_any_other(database: Database, clock: StandingClock) -> None:
    first, _second = add_job(database), add_job(database)
    lost = take(database)
    clock.advance(15.1)
    claim = take(database)
    assert (claim.job.id, claim.job.attempt) == (first.id, 2)
    assert claim.fence == lost.fence + 1
    assert claim.lease_id != lost.lease_id
    assert claim.job.started_at == lost.job.started_at


def test_of_jobs_whose_workers_died_together_the_oldest_comes_first(database: Database) -> None:
    asked = [add_job(database).id for _ in range(4)]
    claims = [take(database, owner="serve-1") for _ in asked]
    with database.transaction() as tx:
        # The order of the rows on disk shall not decide.
        tx.jobs.beat(claims[0])
        tx.jobs.end_leases("serve-1")
    assert [take(database).job.id for _ in asked] == asked


def test_an_attempt_without_a_checkpoint_starts_over_and_tells_no_epoch_twice(
    database: Database, clock: StandingClock
) -> None:
    add_job(database)
    lost = take(database)
    two = {1: EpochResult({"loss": 2.0}), 2: EpochResult({"loss": 1.0})}
    with database.transaction() as tx:
        tx.jobs.beat(lost, Progress(2, 0.6, {"loss": 1.0}, 1.0, two))
    clock.advance(16)
    claim = take(database)
    assert (claim.job.epoch, claim.job.fraction, claim.job.metrics) == (0, 0.0, {})
    with database.transaction() as tx:
        tx.jobs.beat(claim, Progress(3, 1.0, {"loss": 0.5}, 1.0, two | {3: EpochResult({"loss": 0.5})}))
        assert [epoch["epoch"] for epoch in tx.events.history(claim.job.id)] == [1, 2, 3]
        told = tx.events.after(claim.job.id, 0)
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    assert [event.event for event in told] == ["status", "status", "epoch", "epoch", "status", "epoch"]


def test_an_attempt_with_a_checkpoint_goes_on_from_there(database: Database, clock: StandingClock) -> None:
    add_job(database, epochs=4)
    lost = take(database)
    with database.transaction() as tx:
        tx.jobs.beat(lost, Progress(3, 0.75, {"loss": 1.0}, 1.0))
        assert tx.jobs.checkpoint(lost, Checkpoint(2, 5, "first"), 10) == []
        assert tx.jobs.checkpoint(lost, Checkpoint(3, 0, "second"), 10) == []
        assert tx.jobs.checkpoint(lost, Checkpoint(3, 7, "third"), 10) == ["first"]
    clock.advance(16)
    claim = take(database)
    assert (claim.job.epoch, claim.job.fraction, claim.job.metrics) == (3, 0.75, {"loss": 1.0})
    with database.reading() as tx:
        newest = tx.checkpoints.newest(claim.job.id)
    assert newest == [Checkpoint(3, 7, "third"), Checkpoint(3, 0, "second")]


def test_a_job_that_advances_outlasts_any_number_of_dead_workers(database: Database, clock: StandingClock) -> None:
    job = add_job(database)
    for number in range(4 * MAX_STALLS):
        claim = take(database)
        assert claim.job.id == job.id
        if number % (MAX_STALLS - 1) == 0:
            with database.transaction() as tx:
                tx.jobs.checkpoint(claim, Checkpoint(number, 0, f"number {number}"), 10)
        clock.advance(16)
    for _ in range(MAX_STALLS):
        with database.transaction() as tx:
            tx.jobs.claim("worker", 15)
        clock.advance(16)
    failed = read_job(database, job.id)
    assert failed.error is not None
    assert failed.error["reason"] == "worker_lost"


def test_a_cancelled_job_whose_worker_died_ends_cancelled(database: Database, clock: StandingClock) -> None:
    job = add_job(database)
    take(database)
    with database.transaction() as tx:
        tx.jobs.cancel(job.id)
    clock.advance(16)
    with database.transaction() as tx:
        assert tx.jobs.claim("other", 15) is None
    assert read_job(database, job.id).status is Status.CANCELLED


def test_a_job_over_which_five_workers_died_fails(database: Database, clock: StandingClock) -> None:
    job = add_job(database)
    for attempt in range(1, MAX_STALLS + 1):
        assert take(database).job.attempt == attempt
        clock.advance(16)
    with database.transaction() as tx:
        assert tx.jobs.claim("another", 15) is None
    failed = read_job(database, job.id)
    assert (failed.status, failed.attempt) == (Status.FAILED, MAX_STALLS)
    assert failed.error is not None
    assert failed.error["reason"] == "worker_lost"


@pytest.mark.parametrize(
    ("exit_code", "words", "hint"),
    [
        (-9, "The last was killed (SIGKILL)", "FITD_MAX_MEMORY_BYTES"),
        (-11, "The last was ended by signal 11", ""),
        (70, "without progress. It may need", ""),
        (None, "without progress. It may need", ""),
    ],
)
def test_a_job_that_is_given_up_tells_the_signal_that_ended_its_last_worker(
    database: Database, exit_code: int | None, words: str, hint: str
) -> None:
    job, other = add_job(database), add_job(database)
    for number in range(1, MAX_STALLS + 1):
        assert take(database, owner="serve-1.a").job.id == job.id
        if number == MAX_STALLS:
            assert take(database, owner="serve-1.b").job.id == other.id
        with database.transaction() as tx:
            tx.jobs.end_leases("serve-1.a", exit_code)
    failed = read_job(database, job.id)
    assert failed.status is Status.FAILED
    assert failed.error is not None
    assert failed.error["reason"] == "worker_lost"
    assert words in failed.error["detail"]
    assert hint in failed.error["detail"]
    assert ("FITD_" in failed.error["detail"]) == bool(hint)
    assert read_job(database, other.id).status is Status.RUNNING


def test_a_clock_that_is_set_back_takes_no_job_from_a_worker_that_lives(
    database: Database, clock: StandingClock
) -> None:
    add_job(database)
    claim = take(database)
    clock.advance(-86_400)
    with database.transaction() as tx:
        assert tx.jobs.claim("other", 15) is None
        assert tx.jobs.beat(claim) is Verdict.GO_ON
    clock.advance(15)
    with database.transaction() as tx:
        assert tx.jobs.claim("other", 15) is None


def test_a_lease_further_ahead_than_any_may_be_is_shortened(database: Database, clock: StandingClock) -> None:
    job = add_job(database)
    take(database)
    clock.advance(-86_400)
    with database.transaction() as tx:
        assert tx.jobs.ready() == 1
        assert tx.jobs.claim("other", 15) is None
        assert tx.jobs.ready() == 0
    clock.advance(LONGEST_LEASE_SECONDS + 1)
    assert take(database).job.id == job.id


def test_the_longest_lease_is_believed(database: Database) -> None:
    add_job(database)
    take(database, lease_seconds=LONGEST_LEASE_SECONDS)
    with database.transaction() as tx:
        assert tx.jobs.claim("other", 15) is None


def test_the_leases_of_the_dead_end_at_once(database: Database) -> None:
    for _ in range(3):
        add_job(database)
    first = take(database, owner="serve-1.a")
    take(database, owner="serve-2.a")
    take(database, owner="serve-1.b")
    with database.transaction() as tx:
        assert tx.jobs.end_leases("serve-1.a") == 1
        assert tx.jobs.end_leases("SERVE") == 0
        assert tx.jobs.end_leases("serve_1.a") == 0
    assert take(database).job.id == first.job.id
    with database.transaction() as tx:
        assert tx.jobs.end_leases("serve-1") == 1

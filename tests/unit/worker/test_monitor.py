"""The monitor tells the database how far a training is, and the training when to stop."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import Unavailable
from service.jobs import CancelRequested, Claim, ClaimLost, EpochResult, Keep, Released, Status
from service.storage import Database
from service.versions import NewVersion
from service.worker.monitor import EXIT_STUCK, STUCK_BY_LONGEST, STUCK_SECONDS, Monitor
from tests.support.storing import StandingClock, add_job, read_job, sqlite_url, take
from tests.support.versions import new_version


@pytest.fixture
def claim(database: Database) -> Claim:
    add_job(database, epochs=4)
    return take(database, lease_seconds=15)


@pytest.fixture
def leaving() -> threading.Event:
    return threading.Event()


@pytest.fixture
def given_up() -> list[int]:
    return []


@pytest.fixture
def monitor(
    database: Database, claim: Claim, leaving: threading.Event, clock: StandingClock, given_up: list[int]
) -> Monitor:
    return Monitor(database, claim, leaving, now=clock, give_up=given_up.append)


def test_a_beat_stores_how_far_the_training_is(
    monitor: Monitor, database: Database, claim: Claim, clock: StandingClock
) -> None:
    monitor.on_train_begin()
    clock.advance(6)
    monitor.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.75})
    monitor.on_block_end(5, 10)
    monitor.beat()
    job = read_job(database, claim.job.id)
    assert (job.epoch, job.fraction, job.metrics) == (1, 0.375, {"loss": 0.5, "accuracy": 0.75})
    assert job.expected_at is not None
    assert job.expected_at.timestamp() == clock() + 10


def test_an_epoch_is_stored_by_one_beat_only(monitor: Monitor, database: Database, claim: Claim) -> None:
    monitor.on_epoch_end(0, {"loss": 0.5})
    assert monitor.progress().history == {1: EpochResult({"loss": 0.5}, seconds=0.0)}
    monitor.beat()
    assert monitor.progress().history == {}
    monitor.on_epoch_end(1, {"loss": 0.25})
    monitor.beat()
    with database.reading() as tx:
        assert [epoch["epoch"] for epoch in tx.events.history(claim.job.id)] == [1, 2]


def test_a_training_that_is_done_is_done_wholly_even_if_it_stopped_early(monitor: Monitor) -> None:
    monitor.on_epoch_end(0, {"loss": 0.5})
    done = monitor.progress(done=True)
    assert (done.epoch, done.fraction, done.remaining_seconds) == (1, 1.0, 0.0)


def test_nothing_is_foretold_before_anything_is_done(monitor: Monitor) -> None:
    assert monitor.progress().remaining_seconds is None


def hooks(monitor: Monitor) -> list[Callable[[], None]]:
    return [
        monitor.on_train_begin,
        lambda: monitor.on_block_end(1, 10),
        lambda: monitor.on_resume_point(0, 1, None),
        lambda: monitor.on_epoch_end(0, {"loss": 0.5}),
    ]


def test_a_cancel_ends_the_training_at_the_next_hook(monitor: Monitor, database: Database, claim: Claim) -> None:
    with database.transaction() as tx:
        tx.jobs.cancel(claim.job.id)
    monitor.beat()
    for hook in hooks(monitor):
        with pytest.raises(CancelRequested):
            hook()


def test_a_lost_claim_ends_the_training_at_the_next_hook(
    monitor: Monitor, database: Database, clock: StandingClock
) -> None:
    clock.advance(16)
    take(database)
    monitor.beat()
    for hook in hooks(monitor):
        with pytest.raises(ClaimLost):
            hook()


def test_a_worker_that_leaves_does_not_wait_for_a_validation(monitor: Monitor, leaving: threading.Event) -> None:
    leaving.set()
    for hook in hooks(monitor):  # between two blocks a checkpoint is written first
        hook()
    with pytest.raises(Released):
        monitor.on_test_block_end()


def test_a_training_goes_on_while_the_database_is_away_until_the_lease_is_nearly_over(
    database: Database, claim: Claim, leaving: threading.Event, clock: StandingClock, tmp_path: Path
) -> None:
    away = Database(f"sqlite:///{tmp_path}")
    monitor = Monitor(away, claim, leaving, now=clock)
    monitor.on_epoch_end(0, {"loss": 0.5})
    clock.advance(11)
    monitor.beat()
    monitor.on_epoch_end(1, {"loss": 0.25})
    assert list(monitor.progress().history) == [1, 2]
    clock.advance(2)
    monitor.beat()
    with pytest.raises(ClaimLost):
        monitor.on_epoch_end(2, {"loss": 0.125})


@pytest.mark.parametrize(("longest", "patience"), [(1, STUCK_SECONDS), (60, 60 * STUCK_BY_LONGEST)])
def test_a_training_silent_for_longer_than_it_ever_was_ends_the_process(
    monitor: Monitor, clock: StandingClock, given_up: list[int], longest: float, patience: float
) -> None:
    monitor.on_train_begin()
    clock.advance(longest)
    monitor.on_block_end(1, 10)
    clock.advance(patience - 1)
    monitor.beat()
    assert given_up == []
    clock.advance(2)
    monitor.beat()
    assert given_up == [EXIT_STUCK]


@pytest.mark.parametrize("keep", [None, Keep.LAST])
def test_a_cancel_that_the_training_does_not_hear_ends_the_process_and_leaves_what_is_stored(
    database: Database, claim: Claim, tmp_path: Path, keep: Keep | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.worker.monitor.GRACE_SECONDS", 0.01)
    given_up = threading.Event()
    timely = Database(sqlite_url(tmp_path))
    with database.transaction() as tx:
        tx.jobs.cancel(claim.job.id, keep)
    monitor = Monitor(
        timely,
        claim,
        threading.Event(),
        beat_seconds=0.01,
        give_up=lambda _code: given_up.set(),
    )
    monitor.salvage = lambda asked: new_version(partial=True, spec={"asked": asked})
    with monitor:
        assert given_up.wait(30)
    cancelled = read_job(database, claim.job.id)
    assert (cancelled.status, cancelled.version) == (Status.CANCELLED, keep and 1)
    if keep:
        with database.reading() as tx:
            assert tx.models.version("digits").spec == {"asked": keep}
    timely.close()


def test_weights_that_cannot_be_had_now_are_left_to_the_next_worker(
    database: Database, claim: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.worker.monitor.GRACE_SECONDS", 0.01)
    given_up = threading.Event()
    timely = Database(sqlite_url(tmp_path))
    with database.transaction() as tx:
        tx.jobs.cancel(claim.job.id, Keep.LAST)

    def salvage(_keep: Keep) -> NewVersion | None:
        raise Unavailable("The bucket is away.")

    monitor = Monitor(timely, claim, threading.Event(), beat_seconds=0.01, give_up=lambda _code: given_up.set())
    monitor.salvage = salvage
    with monitor:
        assert given_up.wait(30)
    assert read_job(database, claim.job.id).status is Status.CANCELLING
    timely.close()


def test_a_training_that_hears_the_cancel_while_weights_are_salvaged_leaves_its_own(
    database: Database, claim: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_up: list[int]
) -> None:
    monkeypatch.setattr("service.worker.monitor.GRACE_SECONDS", 0.01)
    salvaging = threading.Event()
    timely = Database(sqlite_url(tmp_path))
    with database.transaction() as tx:
        tx.jobs.cancel(claim.job.id, Keep.LAST)

    def salvage(_keep: Keep) -> NewVersion:
        salvaging.set()
        assert hearing._closing.wait(30)
        return new_version(partial=True)

    hearing = Monitor(timely, claim, threading.Event(), beat_seconds=0.01, give_up=given_up.append)
    hearing.salvage = salvage
    with hearing:
        assert salvaging.wait(30)
    assert given_up == []
    assert read_job(database, claim.job.id).status is Status.CANCELLING
    timely.close()


def test_beats_come_by_themselves_while_a_step_takes_long(database: Database, claim: Claim, tmp_path: Path) -> None:
    timely = Database(sqlite_url(tmp_path))
    mark = database.mark()
    with Monitor(timely, claim, threading.Event(), beat_seconds=0.01):
        assert database.wait_for_change(30, since=mark)
        assert database.wait_for_change(30, since=database.mark())
    mark = database.mark()
    assert not database.wait_for_change(0.1, since=mark)
    timely.close()


def test_a_short_training_costs_no_beat(database: Database, claim: Claim) -> None:
    mark = database.mark()
    with Monitor(database, claim, threading.Event()) as monitor:
        monitor.on_epoch_end(0, {"loss": 0.5})
    assert not database.wait_for_change(0.0, since=mark)
    assert list(monitor.progress().history) == [1]

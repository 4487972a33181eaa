"""The worker's loop takes every job to its end, whatever the training does."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from service.errors import Finding, Invalid, TrainingFailed
from service.jobs import Status
from service.nn.arguments import ArgumentError
from service.nn.callbacks import Callback
from service.storage import Database
from service.versions import NewVersion
from service.worker.loop import Train, Worker
from tests.support.storing import StandingClock, add_job, read_job, take, wait_for_end
from tests.support.versions import new_version


def worker_with(database: Database, train: Train, **options: Any) -> Worker:
    return Worker(database, train, owner="worker", lease_seconds=15, **options)


def after_epochs(end: Callable[[], NewVersion]) -> Train:
    """A training of two epochs that then does `end`."""

    def train(
        _request: Mapping[str, Any], _form: str, content: bytes, callbacks: Sequence[Callback], _states: object
    ) -> NewVersion:
        assert content == b"x and y"
        for callback in callbacks:
            callback.on_train_begin()
            for epoch in range(2):
                callback.on_epoch_end(epoch, {"loss": 1.0 / (epoch + 1)})
        return end()

    return train


def failing(error: Exception) -> Train:
    def fail() -> NewVersion:
        raise error

    return after_epochs(fail)


def test_without_a_job_there_is_nothing_to_do(database: Database) -> None:
    assert not worker_with(database, after_epochs(new_version)).run_one()


def test_a_job_is_trained_and_published(database: Database) -> None:
    job = add_job(database, epochs=2)
    assert worker_with(database, after_epochs(lambda: new_version(weights=b"w"))).run_one()
    done = read_job(database, job.id)
    assert (done.status, done.version, done.epoch, done.fraction) == (Status.SUCCEEDED, 1, 2, 1.0)
    assert done.metrics == {"loss": 0.5}
    with database.reading() as tx:
        assert tx.models.weights(tx.models.version("digits").id) == b"w"
        assert [epoch["metrics"] for epoch in tx.events.history(job.id)] == [{"loss": 1.0}, {"loss": 0.5}]


def test_a_job_that_has_succeeded_shows_what_the_test_part_says(database: Database) -> None:
    job = add_job(database, epochs=2)
    made = new_version(metrics={"loss": 0.5, "test_loss": 0.75})
    assert worker_with(database, after_epochs(lambda: made)).run_one()
    assert read_job(database, job.id).metrics == {"loss": 0.5, "test_loss": 0.75}


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (TrainingFailed("The loss is not a number.", code="diverged"), "diverged", "not a number"),
        (Invalid([Finding("#/fit/epochs", "too_small", "Expected 1.")]), "invalid_request", "#/fit/epochs"),
        (ArgumentError("units", "3", 4), "training_failed", "received 4"),
        (ValueError("at 0x7f00"), "internal_error", "the log"),
        (MemoryError(), "out_of_memory", "more memory"),
        (RuntimeError("at 0x7f00"), "internal_error", "the log"),
    ],
)
def test_a_training_that_fails_ends_the_job_with_its_reason(
    database: Database, error: Exception, reason: str, words: str
) -> None:
    job = add_job(database)
    assert worker_with(database, failing(error)).run_one()
    failed = read_job(database, job.id)
    assert failed.status is Status.FAILED
    assert failed.error is not None
    assert failed.error["reason"] == reason
    assert words in failed.error["detail"]
    assert "0x7f00" not in failed.error["detail"]
    assert failed.epoch == 2


def test_a_worker_goes_on_after_a_job_that_failed(database: Database) -> None:
    first, second = add_job(database), add_job(database)
    for train in (failing(RuntimeError()), after_epochs(new_version)):
        assert worker_with(database, train).run_one()
    assert read_job(database, first.id).status is Status.FAILED
    assert read_job(database, second.id).status is Status.SUCCEEDED


def test_a_cancel_that_the_training_did_not_hear_still_publishes_nothing(database: Database) -> None:
    job = add_job(database)

    def cancel_at_the_end() -> NewVersion:
        with database.transaction() as tx:
            tx.jobs.cancel(job.id)
        return new_version()

    assert worker_with(database, after_epochs(cancel_at_the_end)).run_one()
    assert read_job(database, job.id).status is Status.CANCELLED
    with database.reading() as tx:
        assert tx.models.page() == ([], None)


def test_a_worker_that_leaves_gives_its_job_back(database: Database) -> None:
    job = add_job(database)
    leaving = threading.Event()

    def train(
        _request: Mapping[str, Any], _form: str, _content: bytes, callbacks: Sequence[Callback], _states: object
    ) -> NewVersion:
        leaving.set()
        callbacks[0].on_test_block_end()
        raise AssertionError("The training should have been interrupted.")

    assert worker_with(database, train, leaving=leaving).run_one()
    back = read_job(database, job.id)
    assert (back.status, back.attempt) == (Status.QUEUED, 0)


def test_a_worker_that_was_away_for_longer_than_its_lease_publishes_nothing(
    database: Database, clock: StandingClock
) -> None:
    job = add_job(database)

    def sleep_through() -> NewVersion:
        clock.advance(16)
        take(database, owner="another")
        return new_version()

    assert worker_with(database, after_epochs(sleep_through)).run_one()
    assert read_job(database, job.id).status is Status.RUNNING
    with database.reading() as tx:
        assert tx.models.page() == ([], None)


def test_a_worker_told_to_leave_stops_waiting(database: Database) -> None:
    worker = worker_with(database, after_epochs(new_version))
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    job = add_job(database)
    assert wait_for_end(database, job.id).status is Status.SUCCEEDED
    worker.leaving.set()
    thread.join(30)
    assert not thread.is_alive()

"""A cancelled job leaves what was asked for, whoever ends it and whatever has become of its worker."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from service.jobs import Job, Keep, Status
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.storage import Database
from service.worker.loop import Worker
from service.worker.making import train_with
from tests.support.resuming import At, Killed, die, published, submit, worker
from tests.support.storing import StandingClock, read_job


@pytest.mark.parametrize("keep", [Keep.LAST, Keep.BEST])
def test_a_cancelled_training_publishes_the_weights_that_were_asked_for(database: Database, keep: Keep) -> None:
    job = submit(database, epochs=50)

    def cancel() -> None:
        with database.transaction() as tx:
            tx.jobs.cancel(job.id, keep)
        monitors[0].beat()

    monitors: list[Any] = []

    class Finder(At):
        others: Sequence[Callback] = ()

        def on_train_begin(self, logs: Any = None) -> None:
            monitors.append(self.others[0])

    finder = Finder(2, cancel)

    def train(
        request: Any, form: str, content: bytes, callbacks: Sequence[Callback], states: Iterable[TrainingState]
    ) -> Any:
        finder.others = callbacks
        return train_with(database)(request, form, content, [finder, *callbacks], states)

    assert Worker(database, train, owner="worker", lease_seconds=15).run_one()
    cancelled = read_job(database, job.id)
    assert (cancelled.status, cancelled.version, cancelled.epoch) == (Status.CANCELLED, 1, 2)
    version, history = published(database, job)
    assert version.partial
    losses = [epoch["metrics"]["val_loss"] for epoch in history]
    assert version.metrics["val_loss"] == (min(losses) if keep is Keep.BEST else losses[-1])


def left_by_the_dead(database: Database, clock: StandingClock, keep: Keep, checkpoints: int) -> Job:
    """A job that was cancelled after so many checkpoints, while its worker died."""
    job = submit(database)

    def cancel_and_die() -> None:
        with database.transaction() as tx:
            tx.jobs.cancel(job.id, keep)
        die()

    with pytest.raises(Killed):
        worker(database, At(checkpoints + 1, cancel_and_die)).run_one()
    clock.advance(16)
    return job


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("keep", [Keep.LAST, Keep.BEST])
def test_a_cancelled_job_whose_worker_died_leaves_the_weights_of_its_newest_checkpoint(
    database: Database, clock: StandingClock, tmp_path: Path, keep: Keep
) -> None:
    short = submit(database, epochs=3)
    worker(database).run_one()
    expected, _ = published(database, short)
    job = left_by_the_dead(database, clock, keep, checkpoints=3)
    assert worker(database).run_one()
    cancelled = read_job(database, job.id)
    assert (cancelled.status, cancelled.version) == (Status.CANCELLED, 2)
    version, _ = published(database, job)
    assert version.partial
    assert (version.sha256, version.metrics) == (expected.sha256, expected.metrics)
    assert not worker(database).run_one()
    assert list((tmp_path / "artifacts").glob("job_*")) == []


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("left", ["nothing", "the one before", "none that can be read"])
def test_a_cancelled_job_leaves_what_can_be_read(
    database: Database, clock: StandingClock, tmp_path: Path, left: str
) -> None:
    job = left_by_the_dead(database, clock, Keep.LAST, checkpoints=0 if left == "nothing" else 3)
    with database.reading() as tx:
        stored = [checkpoint.artifact for checkpoint in tx.checkpoints.newest(job.id)]
    for name in stored[: 1 if left == "the one before" else None]:
        (tmp_path / "artifacts" / name).write_bytes(b"torn")
    worker(database).run_one()
    cancelled = read_job(database, job.id)
    assert (cancelled.status, cancelled.version) == (Status.CANCELLED, 1 if left == "the one before" else None)


@pytest.mark.usefixtures("always")
def test_a_job_that_was_given_back_leaves_its_weights_when_it_is_cancelled_in_the_queue(database: Database) -> None:
    job = submit(database)
    leaving = threading.Event()
    assert worker(database, At(3, leaving.set), leaving=leaving).run_one()
    with database.transaction() as tx:
        assert tx.jobs.cancel(job.id, Keep.LAST).status is Status.CANCELLING
    assert worker(database).run_one()
    cancelled = read_job(database, job.id)
    assert (cancelled.status, cancelled.version, cancelled.attempt) == (Status.CANCELLED, 1, 1)


def left_cancelling(database: Database) -> Job:
    """A job whose worker let go of it with a checkpoint, and whose cancel is to keep the weights."""
    job = submit(database)
    leaving = threading.Event()
    worker(database, At(3, leaving.set), leaving=leaving).run_one()
    with database.transaction() as tx:
        return tx.jobs.cancel(job.id, Keep.LAST)


@pytest.mark.usefixtures("always")
def test_the_claim_on_a_cancelled_job_is_renewed_while_its_weights_are_fetched(
    database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = left_cancelling(database)
    fetch = database.artifacts.get

    def fetch_slowly(name: str) -> Any:
        for _ in range(3):
            mark = database.mark()
            clock.advance(14)
            assert database.wait_for_change(30, since=mark)
            with database.transaction() as tx:
                assert tx.jobs.claim("another", 15) is None
        return fetch(name)

    monkeypatch.setattr(database.artifacts, "get", fetch_slowly)
    assert worker(database).run_one()
    done = read_job(database, job.id)
    assert (done.status, done.version, done.attempt) == (Status.CANCELLED, 1, 1)


@pytest.mark.usefixtures("always")
def test_weights_that_break_whoever_reads_them_end_the_cancelled_job_and_not_the_worker(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = left_cancelling(database)

    def run_out(_name: str) -> Any:
        raise MemoryError

    monkeypatch.setattr(database.artifacts, "get", run_out)
    assert worker(database).run_one()
    done = read_job(database, job.id)
    assert (done.status, done.version) == (Status.CANCELLED, None)

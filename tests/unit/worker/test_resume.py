"""Interrupted anywhere, a job goes on from its checkpoint and ends as if nothing had happened."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from service.datasets import Dataset
from service.errors import Conflict, NotFound
from service.jobs import Job, Keep, Progress, Status
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.storage import Database, NewDataset, Version
from service.storage.tables import versions
from service.worker.checkpointer import PAUSE_BY_COST, Checkpointer
from service.worker.housekeeping import UNWANTED_SECONDS, Housekeeping
from service.worker.loop import Worker
from service.worker.process import train_with
from tests.storing import StandingClock, read_job, take

from service.config import Settings  # isort: skip

RNG = np.random.default_rng(0)
DATASET = Dataset(RNG.normal(size=(90, 4)).astype(np.float32), RNG.normal(size=(90, 1)).astype(np.float32))
REQUEST: dict[str, Any] = {
    "spec": {
        "layers": [{"class_name": "Dense", "units": 8, "activation": "relu"}, {"class_name": "Dense", "units": 1}]
    },
    "compile": {"optimizer": "adam", "loss": "mse", "metrics": ["mae"]},
    "fit": {"epochs": 6, "batch_size": 16, "seed": 5, "validation_split": 0.2},
}


class Killed(BaseException):
    """What no code of ours catches: it stands for a process that is gone."""


class At(Callback):
    """Does something at the resume points, the first of which is number 1."""

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self.number, self.act, self.seen = number, act, 0

    def on_resume_point(self, epoch: int, step: int, capture: object) -> None:
        self.seen += 1
        if self.seen == self.number:
            self.act()


def submit(database: Database, asked: dict[str, Any] | None = None, *, dataset: Dataset = DATASET, **fit: Any) -> Job:
    request = REQUEST | {"fit": REQUEST["fit"] | fit} | (asked or {})
    with database.transaction() as tx:
        dataset_id = tx.datasets.add(NewDataset(dataset.rows, 4, dataset.to_bytes())).id
        return tx.jobs.add("digits", request, dataset_id, request["fit"]["epochs"])


def worker(database: Database, *extra: Callback, leaving: threading.Event | None = None) -> Worker:
    def train(
        request: Any, form: str, content: bytes, callbacks: Sequence[Callback], states: Iterable[TrainingState]
    ) -> Any:
        return train_with(database)(request, form, content, [*extra, *callbacks], states)

    return Worker(database, train, owner="worker", lease_seconds=15, checkpoint_seconds=0, leaving=leaving)


def published(database: Database, job: Job) -> tuple[Version, list[dict[str, Any]]]:
    with database.reading() as tx:
        history = [{"epoch": told["epoch"], "metrics": told["metrics"]} for told in tx.events.history(job.id)]
        number = tx.jobs.get(job.id).version
        assert number is not None
        return tx.models.version("digits", number), history


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("callbacks", [[], [{"class_name": "EarlyStopping", "patience": 1, "min_delta": 0.5}]])
def test_a_job_whose_worker_died_at_any_point_ends_with_the_same_bits(
    database: Database, clock: StandingClock, callbacks: list[Any]
) -> None:
    undisturbed = submit(database, callbacks=callbacks)
    worker(database).run_one()
    expected, history = published(database, undisturbed)
    job = submit(database, callbacks=callbacks)
    for number in (2, 1, 1):
        try:
            worker(database, At(number, die)).run_one()
        except Killed:
            clock.advance(16)
    while worker(database).run_one():
        pass
    assert read_job(database, job.id).status is Status.SUCCEEDED
    got, same = published(database, job)
    assert (got.sha256, got.metrics) == (expected.sha256, expected.metrics)
    assert same == history


@pytest.mark.usefixtures("always")
def test_a_job_that_goes_on_from_a_version_does_so_after_its_worker_died(
    database: Database, clock: StandingClock
) -> None:
    whole = submit(database, epochs=6, shuffle=False)
    begun = submit(database, epochs=2, shuffle=False)
    for _ in range(2):
        worker(database).run_one()
    expected, history = published(database, whole)
    base, _ = published(database, begun)
    asked = {"from": {"model": "digits", "version": base.number, "optimizer": True}}
    job = submit(database, asked, epochs=4, shuffle=False)

    def die() -> None:
        raise Killed

    with pytest.raises(Killed):
        worker(database, At(2, die)).run_one()
    clock.advance(16)
    with pytest.raises(Conflict, match="needs version 2"), database.transaction() as tx:
        tx.models.delete("digits", base.number)
    assert worker(database).run_one()
    got, same = published(database, job)
    assert got.sha256 == expected.sha256
    assert [epoch["metrics"] for epoch in same] == [epoch["metrics"] for epoch in history[2:]]
    assert got.environment["from"] == asked["from"]


def test_a_job_whose_version_is_damaged_says_so(database: Database) -> None:
    submit(database)
    worker(database).run_one()
    with database.engine.begin() as connection:
        connection.execute(update(versions).values(sha256="0" * 64))
    job = submit(database, {"from": {"model": "digits", "version": 1, "optimizer": True}})
    worker(database).run_one()
    error = read_job(database, job.id).error
    assert error is not None
    assert error["reason"] == "damaged"


def test_a_worker_told_to_leave_stores_a_checkpoint_and_gives_the_job_back(database: Database) -> None:
    job = submit(database)
    leaving = threading.Event()
    assert worker(database, At(3, leaving.set), leaving=leaving).run_one()
    back = read_job(database, job.id)
    assert (back.status, back.attempt, back.epoch) == (Status.QUEUED, 0, 3)
    claim = take(database)
    assert claim.job.epoch == 3
    with database.reading() as tx:
        newest = tx.checkpoints.newest(job.id)[0]
    assert (newest.epoch, newest.step) == (3, 0)


@pytest.mark.usefixtures("always")
def test_a_job_that_ends_leaves_no_checkpoint_behind(database: Database, tmp_path: Path) -> None:
    job = submit(database)
    assert worker(database).run_one()
    with database.reading() as tx:
        assert tx.checkpoints.newest(job.id) == []
    assert list((tmp_path / "artifacts").iterdir()) == []


@pytest.mark.usefixtures("always")
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    database: Database, clock: StandingClock, tmp_path: Path
) -> None:
    undisturbed = submit(database)
    worker(database).run_one()
    expected, _ = published(database, undisturbed)
    job = submit(database)

    with pytest.raises(Killed):
        worker(database, At(4, die)).run_one()
    with database.reading() as tx:
        newest, before = tx.checkpoints.newest(job.id)
    (tmp_path / "artifacts" / newest.artifact).write_bytes(b"torn")
    clock.advance(16)
    seen = At(99, lambda: None)
    assert worker(database, seen).run_one()
    assert seen.seen == 5 - before.epoch
    assert published(database, job)[0].sha256 == expected.sha256


def test_a_checkpoint_that_cannot_be_stored_costs_no_training(
    database: Database, tmp_path: Path, always: None, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "artifacts").write_text("a file where the directory should be")
    job = submit(database)
    assert worker(database).run_one()
    assert read_job(database, job.id).status is Status.SUCCEEDED
    assert "no checkpoint could be stored" in caplog.text


def test_checkpoints_wait_longer_the_more_they_cost(database: Database, clock: StandingClock) -> None:
    job = submit(database)
    checkpointer = Checkpointer(
        database, take(database), threading.Event(), progress=Progress, shortest_pause_seconds=2, now=clock
    )
    made: list[float] = []

    def capture() -> TrainingState:
        made.append(clock())
        clock.advance(1)
        return TrainingState(len(made), 0, {"weights.0": np.zeros(3)}, {})

    start = clock()
    for _ in range(400):
        checkpointer.on_resume_point(0, 0, capture)
        clock.advance(0.5)
    assert made[0] - start == 2
    assert min(np.diff(made)) >= PAUSE_BY_COST
    with database.reading() as tx:
        assert len(tx.checkpoints.newest(job.id)) == 2


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


def die() -> None:
    raise Killed


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
    assert list((tmp_path / "artifacts").iterdir()) == []


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


def test_housekeeping_forgets_what_is_old_and_nothing_else(
    database: Database, clock: StandingClock, tmp_path: Path
) -> None:
    old = submit(database)
    alone = submit(database, dataset=Dataset(DATASET.x[:50], DATASET.y[:50]))
    for _ in range(2):
        worker(database).run_one()
    clock.advance(91 * 86_400)
    young, waiting = submit(database), submit(database)
    worker(database).run_one()
    lost = database.artifacts.put("nobody", b"refers to this")
    artifact = tmp_path / "artifacts" / lost
    settings = Settings(_env_file=None, data_dir=tmp_path)
    chores = Housekeeping(database, settings, now=clock)
    chores()
    with database.reading() as tx:
        assert {job.id for job in tx.jobs.page()[0]} == {young.id, waiting.id}
        assert tx.models.version("digits", 1).job_id is None
        assert tx.datasets.get(str(young.dataset)).rows == 90
        assert tx.events.history(young.id)
    assert artifact.exists()
    then = artifact.stat().st_mtime - UNWANTED_SECONDS - 1
    os.utime(artifact, (then, then))
    clock.advance(31 * 86_400)
    chores()
    assert not artifact.exists()
    with database.reading() as tx:
        assert tx.events.history(young.id) == []
        assert tx.events.after(waiting.id, 0)
        assert tx.datasets.get(str(old.dataset)).id == tx.jobs.get(young.id).dataset, "equal data are stored once"
        with pytest.raises(NotFound):
            tx.datasets.get(str(alone.dataset))


@pytest.mark.parametrize("phase", ["before the bytes", "between the bytes and the row"])
def test_a_worker_paused_beyond_its_lease_while_it_writes_a_checkpoint_writes_nothing_more(
    database: Database, clock: StandingClock, always: None, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(database)
    taken: list[Any] = []

    def pause() -> None:
        if not taken:
            clock.advance(16)
            taken.append(take(database, owner="another"))

    if phase == "before the bytes":
        assert worker(database, At(2, pause)).run_one()
    else:
        put = database.artifacts.put

        def put_and_pause(label: str, content: bytes) -> str:
            name = put(label, content)
            pause()
            return name

        monkeypatch.setattr(database.artifacts, "put", put_and_pause)
        assert worker(database).run_one()
    held = read_job(database, job.id)
    assert (held.status, held.attempt) == (Status.RUNNING, 2)
    with database.reading() as tx:
        assert len(tx.checkpoints.newest(job.id)) == (1 if phase == "before the bytes" else 0)
        assert tx.models.page() == ([], None)


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

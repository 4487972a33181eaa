"""Interrupted anywhere, a job goes on from its checkpoint and ends as if nothing had happened."""

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from service.config import Settings
from service.data.datasets import Dataset
from service.errors import Conflict, NotFound
from service.jobs import Progress, Status
from service.nn.training_state import TrainingState
from service.storage import Database
from service.storage.schema import versions
from service.worker.checkpointer import PAUSE_BY_COST, Checkpointer
from service.worker.dask import Cluster
from service.worker.housekeeping import UNWANTED_SECONDS, Housekeeping
from tests.support.resuming import DATASET, At, Killed, die, published, submit, worker
from tests.support.storing import StandingClock, read_job, take


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
    assert list((tmp_path / "artifacts").glob("job_*")) == []


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


def test_what_is_old_is_forgotten_also_where_a_cluster_trains(
    database: Database, clock: StandingClock, tmp_path: Path
) -> None:
    old = submit(database)
    worker(database).run_one()
    clock.advance(91 * 86_400)
    leaving = threading.Event()
    engine = Cluster(Settings(_env_file=None, data_dir=tmp_path), database, "dask://127.0.0.1:1", leaving)
    running = threading.Thread(target=engine.run)
    running.start()
    try:
        jobs = [old]
        for _ in range(100):
            if jobs:
                database.wait_for_change(0.1)
                with database.reading() as tx:
                    jobs = tx.jobs.page()[0]
        assert jobs == []
    finally:
        leaving.set()
        running.join()


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

"""A worker predicts for a whole dataset: the same bytes whatever happens, wherever they are kept, or nothing."""

import errno
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc

from service.data.datasets import Dataset
from service.data.tables import Table
from service.errors import Damaged, Unavailable
from service.jobs import Job, Kind, Status
from service.prediction import LoadedVersion
from service.storage import Database, NewDataset
from service.training import train
from service.versions import NewVersion
from service.worker.loop import Worker
from service.worker.monitor import Monitor
from tests.support.postgres import new_database
from tests.support.storing import StandingClock, read_job, sqlite_url, take

RNG = np.random.default_rng(8)
ROWS = 150_000
TABLE = pa.table({"a": RNG.normal(size=ROWS), "b": RNG.normal(size=ROWS), "y": RNG.choice(["no", "yes"], ROWS)})


class Killed(BaseException):
    """What no code of ours catches: it stands for a process that is gone."""


def trained() -> NewVersion:
    layers = [{"class_name": "Dense", "units": 1, "activation": "sigmoid"}]
    request = {
        "spec": {"layers": layers},
        "compile": {"loss": "binary_crossentropy"},
        "fit": {"seed": 1},
        "data": {"dataset": "ds", "target": "y"},
    }
    return train(request, Table(TABLE.slice(0, 200)))


VERSION = trained()


def add_prediction(database: Database, directory: Path, table: pa.Table = TABLE, **asked: Any) -> Job:
    """A queued prediction for a table with the one version of the model."""
    file = directory / "table.arrow"
    with pa.OSFile(str(file), "wb") as sink, ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, 65_536)
    new = NewDataset.of_table(file, database.artifacts, name=None, uploaded=True)
    with database.transaction() as tx:
        if not tx.models.page()[0]:
            tx.models.add("m", VERSION)
        stored = tx.datasets.add(new)
        request = {"model": "m", "version": 1, "dataset": stored.id, "rows": table.num_rows, **asked}
        return tx.jobs.add("m", request, stored.id, 1, kind=Kind.PREDICTION)


def worker(database: Database, directory: Path, **options: Any) -> Worker:
    def never(*_: object) -> NewVersion:
        raise AssertionError("There is nothing to train.")

    return Worker(database, never, owner="worker", lease_seconds=15, directory=directory / "scratch", **options)


def result_of(database: Database, job: Job) -> tuple[bytes, Table]:
    _, content = database.open_dataset(str(read_job(database, job.id).result))
    return content[:], Table.from_buffer(content)


def at_block(number: int, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Does something when so many blocks are done."""
    seen, hook = [0], Monitor.on_predict_block_end

    def counted(self: Monitor, rows_done: int, rows: int) -> None:
        seen[0] += 1
        if seen[0] == number:
            act()
        hook(self, rows_done, rows)

    monkeypatch.setattr(Monitor, "on_predict_block_end", counted)


def test_a_result_has_a_row_for_each_row_and_is_described(database: Database, tmp_path: Path) -> None:
    job = add_prediction(database, tmp_path, name="answers", include=["b"])
    assert worker(database, tmp_path).run_one()
    done = read_job(database, job.id)
    assert (done.status, done.version, done.fraction) == (Status.SUCCEEDED, 1, 1.0)
    _, table = result_of(database, job)
    assert table.names == ["b", "predicted_y", "probability_no", "probability_yes"]
    assert table.arrow["b"].equals(TABLE["b"])
    loaded = LoadedVersion(VERSION, VERSION.weights)
    expected = loaded.predict(loaded.encoder.encode(Table(TABLE))[0])[:, 0]
    assert np.allclose(table.arrow["probability_yes"].to_numpy(), expected, atol=1e-6)
    with database.reading() as tx:
        stored = tx.datasets.get(str(done.result))
    assert (stored.name, stored.uploaded, stored.rows) == ("answers", True, ROWS)
    assert [column["name"] for column in stored.meta["columns"]] == table.names
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("number", [1, 3, 19])
def test_a_job_whose_worker_died_at_any_block_ends_with_the_same_bytes(
    database: Database, clock: StandingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    undisturbed = add_prediction(database, tmp_path)
    worker(database, tmp_path).run_one()
    expected, _ = result_of(database, undisturbed)
    job = add_prediction(database, tmp_path, priority=0)

    def die() -> None:
        raise Killed

    at_block(number, die, monkeypatch)
    with pytest.raises(Killed):
        worker(database, tmp_path).run_one()
    clock.advance(16)
    assert worker(database, tmp_path).run_one()
    done = read_job(database, job.id)
    assert (done.status, done.attempt) == (Status.SUCCEEDED, 2)
    assert result_of(database, job)[0] == expected
    assert done.result == read_job(database, undisturbed.id).result


def test_a_worker_that_leaves_gives_the_prediction_back(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, leaving = add_prediction(database, tmp_path), threading.Event()
    at_block(2, leaving.set, monkeypatch)
    assert worker(database, tmp_path, leaving=leaving).run_one()
    back = read_job(database, job.id)
    assert (back.status, back.attempt, back.fraction) == (Status.QUEUED, 0, 0.0)


def test_a_cancel_leaves_no_result_and_no_bytes(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = add_prediction(database, tmp_path)

    def cancel() -> None:
        with database.transaction() as tx:
            tx.jobs.cancel(job.id)

    at_block(19, cancel, monkeypatch)
    kept = {name for name, _ in database.artifacts._store.names()}
    assert worker(database, tmp_path).run_one()
    done = read_job(database, job.id)
    assert (done.status, done.result) == (Status.CANCELLED, None)
    assert {name for name, _ in database.artifacts._store.names()} == kept


def test_a_worker_that_was_away_for_longer_than_its_lease_leaves_nothing(
    database: Database, clock: StandingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = add_prediction(database, tmp_path)

    def sleep_through() -> None:
        clock.advance(16)
        take(database, owner="another")

    at_block(19, sleep_through, monkeypatch)
    kept = {name for name, _ in database.artifacts._store.names()}
    assert worker(database, tmp_path).run_one()
    assert read_job(database, job.id).status is Status.RUNNING
    assert {name for name, _ in database.artifacts._store.names()} == kept


def test_a_cell_that_no_input_can_be_made_of_fails_the_job(database: Database, tmp_path: Path) -> None:
    values = TABLE["a"].to_pylist()
    values[ROWS - 2] = float("inf")
    job = add_prediction(database, tmp_path, TABLE.set_column(0, "a", pa.array(values)))
    assert worker(database, tmp_path).run_one()
    failed = read_job(database, job.id)
    assert failed.error is not None
    assert failed.error["reason"] == "bad_data"
    assert f"#/rows/{ROWS - 2}/a" in failed.error["detail"]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (MemoryError(), Status.FAILED, "out_of_memory"),
        (RuntimeError("at 0x7f00"), Status.FAILED, "internal_error"),
        (OSError(errno.ENOSPC, "No space left on device"), Status.QUEUED, None),
        (Damaged("The weights are not what they were."), Status.FAILED, "damaged"),
        (Unavailable("The bucket is away."), Status.QUEUED, None),
    ],
)
def test_a_prediction_that_breaks_off_says_why_or_waits(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, status: Status, reason: str
) -> None:
    job = add_prediction(database, tmp_path)

    def fail() -> None:
        raise error

    at_block(1, fail, monkeypatch)
    assert worker(database, tmp_path).run_one()
    ended = read_job(database, job.id)
    assert (ended.status, ended.error and ended.error["reason"]) == (status, reason)
    assert "0x7f00" not in str(ended.error)


def test_arrays_are_predicted_in_the_memory_of_a_block(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    database.migrate()
    layers = [{"class_name": "Dense", "units": 1}]
    x = RNG.normal(size=(ROWS, 100)).astype(np.float32)
    few = Dataset(x[:10], x[:10, 0].copy())
    version = train({"spec": {"layers": layers}, "compile": {"loss": "mse"}, "fit": {"seed": 1}}, few)
    new = NewDataset.of_arrays(Dataset(x, x[:, 0].copy()), database.artifacts, uploaded=True)
    with database.transaction() as tx:
        tx.models.add("m", version)
        stored = tx.datasets.add(new)
        request = {"model": "m", "version": 1, "dataset": stored.id, "rows": len(x)}
        job = tx.jobs.add("m", request, stored.id, 1, kind=Kind.PREDICTION)
    tracemalloc.start()
    try:
        assert worker(database, tmp_path).run_one()
        assert tracemalloc.get_traced_memory()[1] < x.nbytes / 2
    finally:
        tracemalloc.stop()
    done = read_job(database, job.id)
    assert done.status is Status.SUCCEEDED
    loaded = LoadedVersion(version, version.weights)
    expected = np.concatenate([loaded.predict(x[start : start + 8192]) for start in range(0, len(x), 8192)])
    assert np.allclose(result_of(database, job)[1].arrow["prediction"].to_numpy(), expected[:, 0], atol=1e-5)
    database.close()


@pytest.fixture(params=["folder", "bucket", "rows"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database whose artifacts lie in a folder, in a bucket, in its own rows."""
    if request.param == "rows":
        database = Database(new_database())
    else:
        place = request.getfixturevalue("bucket") if request.param == "bucket" else str(tmp_path / "shared")
        database = Database(sqlite_url(tmp_path), artifacts_url=place)
    database.migrate()
    yield database
    database.close()


def test_data_and_result_may_lie_anywhere(elsewhere: Database, tmp_path: Path) -> None:
    job = add_prediction(elsewhere, tmp_path)
    assert worker(elsewhere, tmp_path).run_one()
    assert read_job(elsewhere, job.id).status is Status.SUCCEEDED
    _, table = result_of(elsewhere, job)
    assert table.rows == ROWS

"""A prediction job ends once with one dataset, and holds what it needs until then."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc

from service.errors import Conflict, NotFound
from service.jobs import ClaimLost, Job, Kind, Progress, Status
from service.storage import Database, NewDataset
from service.storage.datasets import LARGEST_ROW_BYTES
from tests.support.storing import StandingClock, read_job, take
from tests.support.versions import new_version


def add_prediction(database: Database, version: int = 1) -> Job:
    """A queued prediction with a version of the model `digits`, which is made if it is not there."""
    with database.transaction() as tx:
        try:
            tx.models.version("digits", version)
        except NotFound:
            tx.models.add("digits", new_version())
        dataset = tx.datasets.add(NewDataset(1, 2, b"table", form="table", uploaded=True)).id
        request = {"model": "digits", "version": version, "dataset": dataset, "rows": 1}
        return tx.jobs.add("digits", request, dataset, 1, kind=Kind.PREDICTION)


def answers(content: bytes = b"answers", name: str | None = None) -> NewDataset:
    return NewDataset(1, 1, content, form="table", name=name, uploaded=name is not None)


def test_success_publishes_the_result_once_however_often_it_is_told(database: Database) -> None:
    job = add_prediction(database)
    claim = take(database)
    for _ in range(2):
        with database.transaction() as tx:
            assert tx.jobs.succeed(claim, answers(), Progress(fraction=1.0)) == 1
    done = read_job(database, job.id)
    assert (done.status, done.version, done.fraction) == (Status.SUCCEEDED, 1, 1.0)
    assert done.result is not None
    with database.reading() as tx:
        assert tx.datasets.content(done.result) == b"answers"
        assert tx.models.get("digits").versions == 1
        told = [event for event in tx.events.after(job.id, 0) if event.event == "done"]
        assert [event.data["result"] for event in told] == [done.result]


def test_who_lost_the_claim_publishes_no_result(database: Database, clock: StandingClock) -> None:
    job = add_prediction(database)
    late = take(database)
    clock.advance(16)
    other = take(database, owner="other")
    with pytest.raises(ClaimLost), database.transaction() as tx:
        tx.jobs.succeed(late, answers(b"late"))
    with database.transaction() as tx:
        tx.jobs.succeed(other, answers(b"in time"))
    with database.reading() as tx:
        assert tx.datasets.content(str(tx.jobs.get(job.id).result)) == b"in time"


def test_an_attempt_that_follows_starts_over(database: Database, clock: StandingClock) -> None:
    job = add_prediction(database)
    claim = take(database)
    with database.transaction() as tx:
        tx.jobs.beat(claim, Progress(fraction=0.75))
    assert read_job(database, job.id).fraction == 0.75
    clock.advance(16)
    take(database, owner="other")
    assert read_job(database, job.id).fraction == 0.0


@pytest.mark.parametrize("number", [1, None])
def test_its_version_cannot_be_deleted_before_it_has_ended(database: Database, number: int | None) -> None:
    with database.transaction() as tx:
        tx.models.add("digits", new_version())
        tx.models.add("digits", new_version())
    add_prediction(database)
    with pytest.raises(Conflict, match="version 1 of 'digits'"), database.transaction() as tx:
        tx.models.delete("digits", number)
    with database.transaction() as tx:
        tx.models.delete("digits", 2)
    claim = take(database)
    with pytest.raises(Conflict), database.transaction() as tx:
        tx.models.delete("digits", number)
    with database.transaction() as tx:
        tx.jobs.succeed(claim, answers())
    with database.transaction() as tx:
        tx.models.delete("digits", number)


def test_a_job_is_not_found_as_one_of_another_kind(database: Database) -> None:
    job = add_prediction(database)
    with database.reading() as tx:
        assert tx.jobs.get(job.id, Kind.PREDICTION).id == job.id
        with pytest.raises(NotFound, match="training job"):
            tx.jobs.get(job.id, Kind.TRAINING)
        assert tx.jobs.page()[0] == []
        assert [one.id for one in tx.jobs.page(kind=Kind.PREDICTION)[0]] == [job.id]


@pytest.mark.parametrize(("name", "stays"), [("answers", True), (None, False)])
def test_a_result_goes_with_its_job_unless_it_has_a_name(database: Database, name: str | None, stays: bool) -> None:
    job = add_prediction(database)
    claim = take(database)
    with database.transaction() as tx:
        tx.jobs.succeed(claim, answers(name=name))
    result = str(read_job(database, job.id).result)
    with database.transaction() as tx:
        tx.jobs.delete(job.id)
    with database.reading() as tx:
        if stays:
            assert tx.datasets.get(result).name == name
        else:
            with pytest.raises(NotFound):
                tx.datasets.get(result)


@pytest.mark.parametrize("rows", [10, 200_000])
def test_a_table_in_a_file_is_stored_in_a_row_or_as_an_artifact(database: Database, tmp_path: Path, rows: int) -> None:
    file = tmp_path / "answers.arrow"
    table = pa.table({"n": pa.array([0.5, float("nan")] * (rows // 2), pa.float32())})
    with pa.OSFile(str(file), "wb") as sink, ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    content = file.read_bytes()
    new = NewDataset.of_table(file, database.artifacts, name=None, uploaded=False)
    assert (new.artifact is not None) == (len(content) > LARGEST_ROW_BYTES)
    with database.reading() as tx:
        assert tx.datasets.unshared(new.artifact) == new.artifact
    with database.transaction() as tx:
        stored = tx.datasets.add(new)
    with database.reading() as tx:
        assert tx.datasets.unshared(new.artifact) is None
    described, found = database.open_dataset(stored.id)
    assert found[:] == content
    assert described.meta["columns"][0] == {
        "name": "n",
        "type": "number",
        "missing": rows // 2,
        "min": 0.5,
        "max": 0.5,
        "mean": 0.5,
        "deviation": 0.0,
    }

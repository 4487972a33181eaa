"""Events tell the life of a job in order, each once."""

from service.errors import Finding
from service.jobs import EpochResult, Progress
from service.storage import Database, NewDataset
from tests.support.storing import StandingClock, add_job, take
from tests.support.versions import new_version


def told(database: Database, job_id: str, after: int = 0) -> list[tuple[int, str, dict[str, object]]]:
    with database.reading() as tx:
        return [(event.seq, event.event, event.data) for event in tx.events.after(job_id, after)]


def test_a_job_tells_its_whole_life(database: Database) -> None:
    job = add_job(database, epochs=2)
    claim = take(database)
    epoch = EpochResult({"loss": 0.5}, learning_rate=0.001, seconds=2.0, rows_per_second=500.0)
    with database.transaction() as tx:
        tx.jobs.beat(claim, Progress(1, 0.5, {"loss": 0.5}, 2.0, {1: epoch}))
    with database.transaction() as tx:
        tx.jobs.succeed(claim, new_version(), Progress(2, 1.0, {"loss": 0.25}, 0.0, {2: EpochResult({"loss": 0.25})}))
    assert told(database, job.id) == [
        (1, "status", {"status": "queued"}),
        (2, "status", {"status": "running", "attempt": 1}),
        (
            3,
            "epoch",
            {"epoch": 1, "metrics": {"loss": 0.5}, "learning_rate": 0.001, "seconds": 2.0, "rows_per_second": 500.0},
        ),
        (4, "epoch", {"epoch": 2, "metrics": {"loss": 0.25}}),
        (5, "status", {"status": "succeeded", "version": 1}),
        (6, "done", {"status": "succeeded", "version": 1}),
    ]
    assert told(database, job.id, after=5) == told(database, job.id)[5:]


def test_a_warning_about_the_request_is_told_as_a_log(database: Database) -> None:
    warning = {"pointer": "#/data/x", "code": "unscaled_inputs", "detail": "Scale the columns."}
    assert set(warning) == set(Finding.__slots__)
    with database.transaction() as tx:
        dataset = tx.datasets.add(NewDataset(1, 1, b"")).id
        job = tx.jobs.add("digits", {"warnings": [warning]}, dataset, 1)
    assert told(database, job.id)[1:] == [(2, "log", {"level": "warning"} | warning)]


def test_the_end_of_a_job_whose_worker_died_for_good_is_told(database: Database, clock: StandingClock) -> None:
    job = add_job(database)
    take(database)
    with database.transaction() as tx:
        tx.jobs.cancel(job.id)
    clock.advance(16)
    with database.transaction() as tx:
        assert tx.jobs.claim("worker", 15) is None
    assert [event for _, event, _ in told(database, job.id)] == ["status", "status", "status", "status", "done"]
    assert told(database, job.id)[-1][2] == {"status": "cancelled"}


def test_the_latest_event_of_many_jobs_is_found_at_once(database: Database) -> None:
    first, second = add_job(database), add_job(database)
    take(database)
    with database.reading() as tx:
        assert tx.events.latest([first.id, second.id, "job_unknown"]) == {first.id: 2, second.id: 1}

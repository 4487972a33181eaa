"""Jobs as users see them: stored as asked, listed newest first, cancelled at once or on the way."""

import pytest

from service.errors import Conflict, Malformed, NotFound, TooMany
from service.jobs import EpochResult, Keep, Progress, Status
from service.storage import Database, NewDataset
from service.storage.checkpoints import Checkpoint
from tests.support.storing import StandingClock, add_job, read_job, take
from tests.support.versions import new_version


def test_a_job_begins_queued_with_what_was_asked(database: Database, clock: StandingClock) -> None:
    request = {"spec": {"layers": [{"class_name": "Dense", "units": 3}]}, "compile": {"loss": "mse"}}
    with database.transaction() as tx:
        dataset = tx.datasets.add(NewDataset(1, 1, b"")).id
        job = tx.jobs.add("digits", request, dataset, 7)
    assert job == read_job(database, job.id)
    assert (job.status, job.model, job.request, job.dataset) == (Status.QUEUED, "digits", request, dataset)
    assert (job.epoch, job.epochs, job.fraction, job.metrics, job.attempt) == (0, 7, 0.0, {}, 0)
    assert (job.version, job.started_at, job.finished_at, job.expected_at, job.error) == (None,) * 5
    assert job.created_at.timestamp() == clock()
    assert not job.is_final


def test_the_order_of_keys_in_a_request_is_kept(database: Database) -> None:
    with database.transaction() as tx:
        dataset = tx.datasets.add(NewDataset(1, 1, b"")).id
        job = tx.jobs.add("digits", {"zeta": 1, "alpha": {"b": 1, "a": 2}}, dataset, 1)
    stored = read_job(database, job.id).request
    assert list(stored) == ["zeta", "alpha"]
    assert list(stored["alpha"]) == ["b", "a"]


def test_a_job_that_does_not_exist_is_not_found(database: Database) -> None:
    with database.transaction() as tx:
        with pytest.raises(NotFound, match="There is no job 'job_none'"):
            tx.jobs.get("job_none")
        with pytest.raises(NotFound, match="There is no job 'job_none'"):
            tx.jobs.cancel("job_none")


def test_pages_are_newest_first_without_gap_or_repeat(database: Database) -> None:
    ids = [add_job(database).id for _ in range(5)]
    seen: list[str] = []
    cursor = None
    sizes = []
    while True:
        with database.reading() as tx:
            page, cursor = tx.jobs.page(limit=2, cursor=cursor)
        seen += [job.id for job in page]
        sizes.append(len(page))
        # A job that is added meanwhile belongs to no later page.
        add_job(database)
        if cursor is None:
            break
    assert seen == ids[::-1]
    assert sizes == [2, 2, 1]


def test_a_page_that_ends_with_the_list_has_no_next(database: Database) -> None:
    for _ in range(2):
        add_job(database)
    with database.reading() as tx:
        page, cursor = tx.jobs.page(limit=2)
    assert (len(page), cursor) == (2, None)


def test_pages_can_be_of_one_status_and_one_model(database: Database) -> None:
    for model in ("digits", "digits", "wine"):
        add_job(database, model=model)
    running = take(database).job
    with database.reading() as tx:
        assert [job.id for job in tx.jobs.page(status=Status.RUNNING)[0]] == [running.id]
        assert [job.model for job in tx.jobs.page(model="wine")[0]] == ["wine"]
        assert len(tx.jobs.page(status=Status.QUEUED, model="digits")[0]) == 1


@pytest.mark.parametrize("cursor", ["", "2", "ds_0", "job_x", "' OR 1=1"])
def test_a_cursor_that_no_page_gave_is_refused(database: Database, cursor: str) -> None:
    with database.reading() as tx, pytest.raises(Malformed, match="Expected a cursor") as refusal:
        tx.jobs.page(cursor=cursor)
    assert refusal.value.code == "bad_cursor"


def test_a_queued_job_is_cancelled_at_once(database: Database, clock: StandingClock) -> None:
    job = add_job(database)
    clock.advance(1)
    with database.transaction() as tx:
        cancelled = tx.jobs.cancel(job.id)
        assert tx.jobs.claim("worker", 15) is None
    assert cancelled.status is Status.CANCELLED
    assert cancelled.finished_at is not None
    assert cancelled.finished_at.timestamp() == clock()


def test_a_running_job_is_cancelling_until_its_worker_stops(database: Database) -> None:
    job = add_job(database)
    claim = take(database)
    for _ in range(2):
        with database.transaction() as tx:
            assert tx.jobs.cancel(job.id).status is Status.CANCELLING
    with database.transaction() as tx:
        tx.jobs.finish_cancel(claim, Progress(epoch=1, fraction=0.3, history={1: EpochResult({"loss": 1.0})}))
    done = read_job(database, job.id)
    assert (done.status, done.epoch, done.version) == (Status.CANCELLED, 1, None)


def test_weights_may_be_asked_for_until_a_job_that_is_cancelling_has_stopped(database: Database) -> None:
    job = add_job(database)
    claim = take(database)
    asked: list[Keep | None] = [None, Keep.BEST, None, Keep.LAST]
    for keep in asked:
        with database.transaction() as tx:
            assert tx.jobs.cancel(job.id, keep).status is Status.CANCELLING
    assert read_job(database, job.id).keep is Keep.BEST
    with database.transaction() as tx:
        tx.jobs.finish_cancel(claim)
        assert tx.jobs.cancel(job.id, Keep.LAST).keep is Keep.BEST


def test_a_final_job_stays_as_it_is_when_cancelled(database: Database) -> None:
    add_job(database)
    claim = take(database)
    with database.transaction() as tx:
        tx.jobs.fail(claim, "diverged", "The loss is not a number.")
    failed = read_job(database, claim.job.id)
    with database.transaction() as tx:
        assert tx.jobs.cancel(claim.job.id) == failed


def test_only_so_many_jobs_may_wait(database: Database) -> None:
    for _ in range(3):
        add_job(database)
    with database.transaction() as tx:
        tx.jobs.check_quota(2, most=5)
        with pytest.raises(TooMany, match="At most 5 jobs may wait, and 3 do"):
            tx.jobs.check_quota(3, most=5)
    take(database)
    with database.transaction() as tx:
        tx.jobs.check_quota(3, most=5)


def test_a_job_is_deleted_with_all_that_is_its_own_and_its_version_stays(database: Database) -> None:
    job = add_job(database)
    claim = take(database)
    with pytest.raises(Conflict, match="running; cancel it first"), database.transaction() as tx:
        tx.jobs.delete(job.id)
    with database.transaction() as tx:
        tx.jobs.checkpoint(claim, Checkpoint(1, 0, "name"), 10)
        tx.jobs.succeed(claim, new_version())
    with database.transaction() as tx:
        tx.jobs.delete(job.id)
    with database.reading() as tx:
        for gone in (lambda: tx.jobs.get(job.id), lambda: tx.datasets.get(str(job.dataset))):
            with pytest.raises(NotFound):
                gone()
        assert tx.events.after(job.id, 0) == []
        assert tx.checkpoints.newest(job.id) == []
        assert tx.models.version("digits").job_id is None


def test_who_deletes_a_job_that_is_being_cancelled_is_not_told_to_cancel_it(database: Database) -> None:
    job = add_job(database)
    take(database)
    with database.transaction() as tx:
        tx.jobs.cancel(job.id)
    with pytest.raises(Conflict, match="cancelling; it is about to end"), database.transaction() as tx:
        tx.jobs.delete(job.id)


def test_data_that_another_job_uses_outlives_the_job(database: Database) -> None:
    job = add_job(database)
    with database.transaction() as tx:
        other = tx.jobs.add("digits", {}, str(job.dataset), 1)
        tx.jobs.cancel(job.id)
        tx.jobs.delete(job.id)
        assert tx.datasets.content(str(other.dataset)) == b"x and y"

"""A worker outlasts a database or a bucket that goes away and comes back."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from moto.server import ThreadedMotoServer
from psycopg import sql

from service.jobs import LONGEST_PAUSE_SECONDS, MAX_STALLS, Keep, Status
from service.nn.callbacks import Callback
from service.storage import Database
from service.versions import NewVersion
from service.worker.loop import Worker
from tests.support.postgres import new_database
from tests.support.resuming import At, published, submit, worker
from tests.support.storing import StandingClock, add_job, read_job, sqlite_url, take, wait_for_end
from tests.support.versions import new_version


class Outage:
    """A PostgreSQL database that can be taken away."""

    def __init__(self, url: str) -> None:
        server, _, name = url.replace("+psycopg", "").rpartition("/")
        self._admin = f"{server}/postgres"
        self._name = name

    def begin(self) -> None:
        self._allow(False)
        with psycopg.connect(self._admin, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self._name,)
            )

    def end(self) -> None:
        self._allow(True)

    def _allow(self, allowed: bool) -> None:
        with psycopg.connect(self._admin, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                    sql.Identifier(self._name), sql.Literal(allowed)
                )
            )


@pytest.fixture
def url() -> str:
    return new_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def outage(url: str) -> Outage:
    return Outage(url)


def train(
    _request: Mapping[str, Any], _form: str, _content: bytes, _callbacks: Sequence[Callback], _states: object
) -> NewVersion:
    return new_version()


def test_a_job_that_ends_during_an_outage_is_published_after_it(database: Database, outage: Outage) -> None:
    job = add_job(database)

    def train_until_it_is_gone(*_: object) -> NewVersion:
        outage.begin()
        threading.Timer(0.5, outage.end).start()
        return new_version()

    assert Worker(database, train_until_it_is_gone, owner="worker", lease_seconds=15).run_one()
    assert read_job(database, job.id).status is Status.SUCCEEDED


def test_an_idle_worker_takes_up_work_again_after_an_outage(database: Database, outage: Outage) -> None:
    worker = Worker(database, train, owner="worker", lease_seconds=15)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    outage.begin()
    outage.end()
    job = add_job(database)
    assert wait_for_end(database, job.id).status is Status.SUCCEEDED
    worker.leaving.set()
    thread.join(30)
    assert not thread.is_alive()


class Bucket:
    """A server of S3 that can be stopped and started again with what it holds."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        _, self.port = self._server.get_host_and_port()

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    import boto3

    bucket = Bucket()
    endpoint = f"http://127.0.0.1:{bucket.port}"
    given = {"ENDPOINT_URL": endpoint, "REGION": "us-east-1", "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}
    for name, value in given.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="outage")
    yield bucket
    bucket.stop()


@pytest.fixture
def stored_there(bucket: Bucket, tmp_path: Path, clock: StandingClock) -> Iterator[Database]:
    database = Database(sqlite_url(tmp_path), artifacts_url="s3://outage/artifacts", clock=clock)
    database.migrate()
    yield database
    database.close()


@pytest.mark.usefixtures("always")
def test_a_job_whose_checkpoint_is_in_a_bucket_that_is_away_waits_longer_each_time_and_others_go_on(
    stored_there: Database, bucket: Bucket, clock: StandingClock
) -> None:
    database = stored_there
    undisturbed = submit(database)
    training = worker(database)
    training.run_one()
    expected, history = published(database, undisturbed)
    job = submit(database)
    leaving = threading.Event()
    worker(database, At(3, leaving.set), leaving=leaving).run_one()
    bucket.stop()
    other = submit(database, epochs=1)
    pauses = []
    for _ in range(7):
        assert worker(database).run_one()  # whoever tries it next knows of the pauses before
        waiting = read_job(database, job.id)
        assert (waiting.status, waiting.attempt, waiting.epoch) == (Status.QUEUED, 0, 3)
        since = clock()
        training.run_one()
        assert read_job(database, other.id).status is Status.SUCCEEDED
        while not ready(database):
            clock.advance(0.5)
        pauses.append(clock() - since)
    assert pauses == pytest.approx([2, 4, 8, 16, 30, 30, 30], abs=0.6)  # it had been given back once before
    bucket.start()
    assert training.run_one()
    assert read_job(database, job.id).attempt == 1
    got, same = published(database, job)
    assert (got.sha256, same) == (expected.sha256, history)


def ready(database: Database) -> int:
    with database.reading() as tx:
        return tx.jobs.ready()


@pytest.mark.usefixtures("always")
def test_a_cancelled_job_leaves_its_weights_when_the_bucket_is_back_however_long_that_takes(
    stored_there: Database, bucket: Bucket, clock: StandingClock
) -> None:
    database = stored_there
    job = submit(database)
    leaving = threading.Event()
    worker(database, At(3, leaving.set), leaving=leaving).run_one()
    bucket.stop()
    with database.transaction() as tx:
        tx.jobs.cancel(job.id, Keep.LAST)
    training = worker(database)
    for _ in range(MAX_STALLS + 1):
        assert training.run_one()
        assert not training.run_one()
        waiting = read_job(database, job.id)
        assert (waiting.status, waiting.attempt) == (Status.CANCELLING, 0)
        clock.advance(LONGEST_PAUSE_SECONDS + 1)
    bucket.start()
    assert training.run_one()
    cancelled = read_job(database, job.id)
    assert (cancelled.status, cancelled.version, cancelled.attempt) == (Status.CANCELLED, 1, 1)


def test_a_pause_ends_although_the_clock_is_set_back(stored_there: Database, clock: StandingClock) -> None:
    job = submit(stored_there)
    claim = take(stored_there)
    with stored_there.transaction() as tx:
        tx.jobs.release(claim, LONGEST_PAUSE_SECONDS)
    assert ready(stored_there) == 0
    clock.advance(-86_400)
    assert take(stored_there).job.id == job.id

"""A worker outlasts a database that goes away and comes back."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pytest
from psycopg import sql

from service.jobs import Status
from service.nn.callbacks import Callback
from service.storage import Database, NewVersion
from service.worker.loop import Worker
from tests.postgres import new_database
from tests.storing import add_job, new_version, read_job, wait_for_end


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

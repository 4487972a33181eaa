"""Transactions do all or nothing, readers see one state, and a database that is away is said to be."""

import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text

from service.errors import FitdError, Full, NotFound, Unavailable, WrongSchema
from service.storage import Database, NewDataset
from service.storage.connections import LONGEST_SILENCE_SECONDS, open_engine
from service.storage.faults import answering
from tests.support.postgres import new_database
from tests.support.storing import add_job, read_job, sqlite_url


def test_several_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    def opened(path: Path) -> None:
        engine = open_engine(f"sqlite:///{path}")
        together.wait()
        with engine.begin() as connection:
            connection.execute(text("SELECT 1"))
        engine.dispose()

    together = Barrier(6)
    with ThreadPoolExecutor(together.parties) as pool:
        for round_ in range(60):
            list(pool.map(opened, [tmp_path / f"{round_}.db"] * together.parties))


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    dataset = ""

    def store_and_fail() -> None:
        nonlocal dataset
        with database.transaction() as tx:
            dataset = tx.datasets.add(NewDataset(0, 0, b"")).id
            tx.jobs.add("digits", {}, dataset, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store_and_fail()
    assert dataset
    with database.reading() as tx:
        assert tx.jobs.page() == ([], None)
        with pytest.raises(NotFound):
            tx.datasets.get(dataset)


def test_a_reader_sees_one_state_and_makes_no_writer_wait(database: Database) -> None:
    add_job(database)
    with database.reading() as before:
        assert len(before.jobs.page()[0]) == 1
        add_job(database)
        assert len(before.jobs.page()[0]) == 1
    with database.reading() as after:
        assert len(after.jobs.page()[0]) == 2


def test_a_second_database_object_sees_what_the_first_has_stored(database: Database, url: str) -> None:
    job = add_job(database)
    other = Database(url)
    assert read_job(other, job.id) == job
    other.close()


def test_the_schema_is_current_only_after_a_migration(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    assert not database.schema_is_current()
    database.migrate()
    assert database.schema_is_current()
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert not database.schema_is_current()
    database.close()


def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    away = [Database(f"sqlite:///{tmp_path}"), Database("postgresql+psycopg://nobody@127.0.0.1:1/none")]
    for database in away:
        with pytest.raises(Unavailable, match="does not respond"), database.reading():
            pass
        database.close()


def test_a_database_without_room_is_full(database: Database) -> None:
    with database.engine.connect() as connection:
        if database.backend == "sqlite":
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
            connection.commit()
        raising = "DO $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$"
        writing = "CREATE TABLE more AS SELECT zeroblob(1000000) AS content"
        with pytest.raises(Full), answering():
            connection.exec_driver_sql(writing if database.backend == "sqlite" else raising)


def test_a_server_that_has_become_a_standby_is_unavailable() -> None:
    url = new_database()
    database = Database(url)
    database.migrate()
    with database.engine.connect() as connection:
        name = url.rpartition("/")[2]
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        connection.commit()
    database.engine.dispose()
    with pytest.raises(Unavailable):
        add_job(database)
    database.close()


def test_an_error_of_the_database_repeats_no_values(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    secret = "theirs " * 3
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE events RENAME TO elsewhere"))
    try:
        with pytest.raises(WrongSchema) as refusal, database.transaction() as tx:
            tx.events.add(secret, ("log", {}))
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO events"))
    assert secret not in "".join(traceback.format_exception(refusal.value))
    assert secret not in caplog.text


@pytest.mark.parametrize("url", ["", "fitd.db", "mysql://host/name", "postgresql+none://host/name"])
def test_a_url_of_no_database_we_know_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(FitdError, match="Expected a database URL") as refusal:
        Database(url)
    assert not url or url not in str(refusal.value)


def test_sqlite_is_durable_and_checks_references(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "made" / "on the way"))
    with database.engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    database.close()


def test_postgresql_ends_a_transaction_that_falls_silent_so_that_it_holds_no_rows() -> None:
    database = Database(new_database())
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one()
    assert found == f"{LONGEST_SILENCE_SECONDS}s"
    database.close()

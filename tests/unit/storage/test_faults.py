"""Whatever a database says no with has one meaning, and that is one of ours."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import ProgrammingError

from service.errors import Damaged, DiskFault, Full, Locked, Refused, StorageFailure, Unavailable, WrongSchema
from service.storage import Database
from service.storage.connections import LINK
from service.storage.faults import answering
from tests.support.storing import sqlite_url
from tests.support.versions import new_version

MEANINGS: dict[str, type[StorageFailure]] = {
    "SQLITE_CORRUPT": Damaged,
    "SQLITE_CORRUPT_INDEX": Damaged,
    "SQLITE_NOTADB": Damaged,
    "SQLITE_IOERR": DiskFault,
    "SQLITE_IOERR_READ": DiskFault,
    "SQLITE_IOERR_FSYNC": DiskFault,
    "SQLITE_IOERR_SHORT_READ": DiskFault,
    "SQLITE_FULL": Full,
    "SQLITE_BUSY": Locked,
    "SQLITE_BUSY_SNAPSHOT": Locked,
    "SQLITE_LOCKED": Locked,
    "SQLITE_CANTOPEN": Unavailable,
    "SQLITE_READONLY": Unavailable,
    "SQLITE_CONSTRAINT_CHECK": Refused,
    "SQLITE_CONSTRAINT_UNIQUE": Refused,
    "08006": Unavailable,
    "57P01": Unavailable,
    "53300": Unavailable,
    "53100": Full,
    "58030": DiskFault,
    "XX001": Damaged,
    "XX002": Damaged,
    "40001": Locked,
    "40P01": Locked,
    "42P01": WrongSchema,
    "42703": WrongSchema,
    "23505": Refused,
    "22003": Refused,
}


@pytest.mark.parametrize("code", MEANINGS)
def test_each_error_of_a_driver_has_one_meaning(code: str) -> None:
    error: Exception
    if code.startswith("SQLITE"):
        error = sqlite3.DatabaseError("it says no")
        error.sqlite_errorcode = getattr(sqlite3, code)
    else:
        error = psycopg.errors.lookup(code)("it says no")
    said = ProgrammingError("SELECT", {}, error) if isinstance(error, psycopg.Error) else error
    with pytest.raises(StorageFailure) as meaning, answering():
        raise said
    assert type(meaning.value) is MEANINGS[code]


@pytest.mark.parametrize("kind", [psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ConnectionTimeout])
def test_a_server_that_is_gone_is_unavailable_however_the_driver_says_it(kind: type[psycopg.Error]) -> None:
    with pytest.raises(Unavailable), answering():
        raise ProgrammingError("SELECT", {}, kind("connection lost"))


def test_a_mistake_in_sql_of_ours_is_no_failure_of_the_storage(database: Database) -> None:
    with pytest.raises(Exception, match="syntax error") as refusal, database.transaction() as tx:
        tx._connection.exec_driver_sql("SELEC 1")
    assert not isinstance(refusal.value, StorageFailure)


def test_a_table_or_column_of_another_release_is_told(database: Database) -> None:
    for statement in ("SELECT * FROM nowhere", "SELECT elsewhere FROM jobs"):
        with pytest.raises(WrongSchema, match="migrate"), database.transaction() as tx:
            tx._connection.exec_driver_sql(statement)


def test_what_a_rule_of_the_database_refuses_is_told_as_that(database: Database) -> None:
    with pytest.raises(Refused), database.transaction() as tx:
        tx.models.add("digits", new_version(), job_id="job_that_is_not_there")


@pytest.mark.parametrize(
    "content", [b"this is no database, and never was one" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_broken_file_is_told_whatever_is_asked(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "fitd.db").write_bytes(content)
    database = Database(sqlite_url(tmp_path))
    for ask in (database.migrate, database.schema_is_current, database.mark, database.served_mark):
        with pytest.raises(Damaged, match="restore"):
            ask()
    database.close()


def test_a_page_that_rots_in_a_file_is_told(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    database.migrate()
    with database.transaction() as tx:
        for _ in range(50):
            tx.models.add("digits", new_version(weights=b"w" * 2000))
    database.close()
    file = tmp_path / "fitd.db"
    content = bytearray(file.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 100] = b"\xee" * 100
    file.write_bytes(content)
    with pytest.raises((Damaged, WrongSchema)), database.reading() as tx:
        tx.models.versions("digits", limit=50)
    database.close()


def test_connections_to_postgresql_notice_a_network_that_swallows_everything() -> None:
    from tests.support.postgres import new_database

    database = Database(new_database())
    with database.engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, psycopg.Connection)
        given = {name.decode(): value for name, value in ((o.keyword, o.val) for o in driver.pgconn.info)}
    assert {name: int(given[name] or b"0") for name in LINK} == LINK
    assert LINK["tcp_user_timeout"] <= 10_000
    database.close()

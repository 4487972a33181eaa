"""One suite for both databases: a test that asks for `database` runs on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.storage import Database
from service.storage.schema import metadata
from tests.support.postgres import new_database
from tests.support.storing import StandingClock, sqlite_url


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("template")
    _migrate(sqlite_url(directory))
    return directory / "fitd.db"


@pytest.fixture(scope="session")
def postgres_url() -> str:
    url = new_database()
    _migrate(url)
    return url


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated and empty database of its own."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path)
        yield sqlite_url(tmp_path)
        return
    shared: str = request.getfixturevalue("postgres_url")
    yield shared
    database = Database(shared)
    with database.engine.begin() as connection:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.exec_driver_sql(f"TRUNCATE {names}")
    database.close()


@pytest.fixture
def database(url: str, clock: StandingClock) -> Iterator[Database]:
    database = Database(url, clock=clock)
    yield database
    database.close()

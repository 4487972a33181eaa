"""A migrated SQLite database; the queue's own tests run on PostgreSQL, too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.storage import Database
from tests.support.storing import StandingClock, sqlite_url


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def database(tmp_path: Path, clock: StandingClock) -> Iterator[Database]:
    database = Database(sqlite_url(tmp_path), clock=clock)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint at every resume point."""
    monkeypatch.setattr("service.worker.checkpointer.PAUSE_BY_COST", 0)

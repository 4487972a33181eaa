"""A consistent copy of a live SQLite database, with the artifacts that it refers to."""

import sqlite3
from contextlib import closing
from pathlib import Path

from service.errors import Conflict, NotFound, Unavailable
from service.storage.artifacts.folder import sync
from service.storage.database import Database


def back_up(database: Database, target: Path) -> int:
    """Copies the database to `target/fitd.db` while it is in use, and its artifacts beside it; returns how many.

    The copy is the database as it was at one moment, and has its name when all of it is there. `Conflict` if the target
    has one already, or if the database is PostgreSQL, which has tools of its own for this; `Unavailable` if the copy
    cannot be finished.
    """
    if database.backend != "sqlite":
        raise Conflict("This copies SQLite databases; for PostgreSQL use pg_dump.")
    copy, unfinished = target / "fitd.db", target / "fitd.db.unfinished"
    if copy.exists():
        raise Conflict(f"{copy} exists already; name a directory without one.")
    try:
        target.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        copied = _copy_to(unfinished, database)
        sync(unfinished)
        unfinished.rename(copy)
        for directory in (target, target.absolute().parent):  # the names in them, the target's own among them
            sync(directory)
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(f"The copy could not be finished: {error}.") from error
    return copied


def _copy_to(file: Path, database: Database) -> int:
    with closing(sqlite3.connect(str(database.engine.url.database))) as source, closing(sqlite3.connect(file)) as into:
        source.backup(into)
    copied = Database(f"sqlite:///{file}")
    try:
        with copied.reading() as tx:
            names = tx.retention.artifacts_in_use()
        return sum(_copy(name, database, copied) for name in names)
    finally:
        copied.close()


def _copy(name: str, database: Database, copied: Database) -> bool:
    try:
        copied.artifacts.keep(name, database.artifacts.get(name))
    except NotFound:
        return False  # its job has come further since, or ended
    return True

"""Waiting for a database whose tables somebody else may just be bringing up."""

import logging
import time

from service.errors import Conflict, Unavailable, WrongSchema
from service.storage import Database

PATIENCE_SECONDS = 30.0
"""The time that a database server has to come up."""

_PAUSE_SECONDS = 1.0
_RETRY_SECONDS = 0.2

_log = logging.getLogger("fitd")


def await_schema(database: Database) -> None:
    """Waits until the database has the tables of this release; `Conflict` if that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_ready(database):
        _log.info("Waiting for the database and its tables")
        if time.monotonic() > deadline:
            raise Conflict("The database's tables are not those of this release; run `python -m service migrate`.")
        time.sleep(_PAUSE_SECONDS)


def migrate(database: Database) -> None:
    """Brings the tables to this release's; waits for a server that is still coming up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return database.migrate()
        except Unavailable:
            # A file that cannot be opened will not come up.
            if database.backend == "sqlite" or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)


def _is_ready(database: Database) -> bool:
    try:
        return database.schema_is_current()
    except (Unavailable, WrongSchema):
        return False

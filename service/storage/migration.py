"""Bringing the tables of a database to this release's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

import service
from service.errors import Conflict
from service.storage.schema import REVISION

SCRIPTS = Path(service.__file__).parents[1] / "migrations"
_PATIENCE_SECONDS = 60
_LOCK = 0x66697464


def upgrade(engine: Engine) -> None:
    """Brings the tables to this release's, wholly or not at all; of two that try at once, one waits."""
    with _alone(engine) as connection:
        try:
            command.upgrade(_config(connection), REVISION)
        except CommandError as error:
            raise Conflict(f"The database was not made by this release or an earlier one: {error}.") from error


def downgrade(engine: Engine, revision: str) -> None:
    """Takes the tables back to an earlier revision; `base` leaves none."""
    with _alone(engine) as connection:
        command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that excludes every other migration."""
    with engine.connect() as connection:
        # What is set for the migration goes with its connection.
        connection.detach()
        if engine.dialect.name == "sqlite":
            _let_tables_be_replaced(connection)
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection
            if engine.dialect.name == "sqlite":
                _check_references(connection)


def _let_tables_be_replaced(connection: Connection) -> None:
    # SQLite changes a table by copying it and dropping the old one, which with foreign keys on would delete
    # the rows that refer to it. Inside a transaction the setting is ignored.
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    driver.execute(f"PRAGMA busy_timeout = {_PATIENCE_SECONDS * 1000}")


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise RuntimeError(f"Expected every reference to hold after the migration, received {broken[:3]}.")

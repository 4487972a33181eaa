"""How a connection is opened, so that both databases keep the same promises."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import SQLITE_BUSY, SQLITE_FULL
from sqlite3 import Connection as SQLiteConnection
from sqlite3 import OperationalError as SQLiteOperationalError
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from service.errors import FitdError, Full, Unavailable

BUSY_TIMEOUT_SECONDS = 5.0
"""Longest wait for SQLite's write lock; well below a lease, so that waiting alone never loses a claim."""

CONNECT_TIMEOUT_SECONDS = 5
"""Longest wait for a server that does not answer at all."""

LONGEST_SILENCE_SECONDS = 10
"""How long PostgreSQL waits for the next statement of a transaction before it ends the connection."""

_DISK_FULL = "53100"
"""What PostgreSQL calls it."""

_log = logging.getLogger("fitd.storage")

_PAUSE_SECONDS = 0.01

_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def open_engine(url: str) -> Engine:
    """An engine whose transactions are durable, and on SQLite immediate unless they are read-only."""
    try:
        parsed = make_url(url)
        makers = {"sqlite": _sqlite, "postgresql": _postgres}
        return makers[parsed.get_backend_name()](parsed)
    except ModuleNotFoundError as error:
        raise FitdError(f"This database needs the Python package {error.name}.") from error
    except (ArgumentError, KeyError):
        expected = "sqlite:////path/to/file or postgresql+psycopg://user:password@host/name"
        raise FitdError(f"Expected a database URL such as {expected}; received another.") from None


def _to_json(value: Any) -> str:
    """JSON as every reader takes it: NaN and infinity become null."""
    return orjson.dumps(value, option=_JSON).decode()


def _postgres(url: URL) -> Engine:
    engine = create_engine(
        url,
        pool_pre_ping=True,
        connect_args={} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_TIMEOUT_SECONDS},
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _limit_silence)
    return engine


def _limit_silence(connection: Any, _record: object) -> None:
    # A machine that drops off the network within a transaction would hold its jobs' rows locked for hours.
    connection.execute(f"SET idle_in_transaction_session_timeout = '{LONGEST_SILENCE_SECONDS}s'")
    connection.commit()


def _sqlite(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: SQLiteConnection, _record: object) -> None:
    # The driver's own BEGIN comes late and never for DDL, so it is turned off and `_begin` says it.
    connection.isolation_level = None
    _keep_a_log(connection)
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _keep_a_log(connection: SQLiteConnection) -> None:
    # Of several that open a new file at once SQLite refuses some at once, whatever time-out they have.
    latest = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except SQLiteOperationalError as error:
            if error.sqlite_errorcode != SQLITE_BUSY or time.monotonic() > latest:
                raise
            time.sleep(_PAUSE_SECONDS)


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another wrote in between, and no
    # timeout helps; whoever may write therefore takes the write lock first.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _is_full(error: BaseException | None) -> bool:
    """Whether a driver's error says that there is no room on the database's disk."""
    return getattr(error, "sqlite_errorcode", None) == SQLITE_FULL or getattr(error, "sqlstate", None) == _DISK_FULL


@contextmanager
def answering() -> Iterator[None]:
    """Inside, a database that does not answer, or cannot store any more, is `Unavailable`."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, PoolExhausted) as error:
        _log.warning("The database does not answer: %s", error.__cause__ or error)
        if _is_full(error.__cause__):
            raise Full from error
        raise Unavailable("The database does not answer now.") from error

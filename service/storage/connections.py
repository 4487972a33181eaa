"""How a connection is opened, so that both databases keep the same promises."""

import logging
import time
from pathlib import Path
from sqlite3 import SQLITE_BUSY
from sqlite3 import Connection as SQLiteConnection
from sqlite3 import OperationalError as SQLiteOperationalError
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from service.errors import FitdError
from service.storage.seals import Unreadable, to_json

BUSY_TIMEOUT_SECONDS = 5.0
"""Longest wait for SQLite's write lock; well below a lease, so that waiting alone never loses a claim."""

CONNECT_TIMEOUT_SECONDS = 5
"""Longest wait for a server that does not respond."""

POOL_TIMEOUT_SECONDS = 5
"""Longest wait for a connection while all of them are in use, or wait for a server that does not answer."""

LINK = {
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "tcp_user_timeout": 5_000,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""When a connection to PostgreSQL counts as cut: what was sent and nobody confirmed, or a silence that nobody breaks.

A network that drops packets reports nothing, and without these limits the kernel would retry for 15 minutes.
"""

LONGEST_SILENCE_SECONDS = 10
"""How long PostgreSQL waits for the next statement of a transaction before it ends the connection."""

_log = logging.getLogger("fitd.storage")

_PAUSE_SECONDS = 0.01


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


def _from_json(text: str | bytes) -> Any:
    # A damaged row can still be read and deleted; its seal shows the damage.
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        _log.error("A text that is stored as JSON cannot be read as such any more")
        return Unreadable()


def _postgres(url: URL) -> Engine:
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        connect_args={name: value for name, value in LINK.items() if name not in url.query},
        json_serializer=to_json,
        json_deserializer=_from_json,
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
        json_serializer=to_json,
        json_deserializer=_from_json,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: SQLiteConnection, _record: object) -> None:
    # The driver's own BEGIN comes late and never for DDL, so it is turned off and `_begin` says it.
    connection.isolation_level = None
    connection.text_factory = _text
    _keep_a_log(connection)
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _text(stored: bytes) -> str:
    # Of a text that has rotted the driver would give nothing at all, and no row could be read or deleted any more.
    return stored.decode("utf-8", "surrogateescape")


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
    # timeout helps; a transaction that may write therefore takes the write lock first.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

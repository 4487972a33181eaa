"""Translates the errors of a database driver into our own storage failures."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from service.errors import Damaged, DiskFault, Full, Locked, Refused, StorageFailure, Unavailable, WrongSchema

_AWAY = "The database does not respond now."
_LOCKED = "Others keep the database from this for too long; the same request may succeed in a moment."
_FAULT = "The disk of the database fails to read or write; the operator of the service has to look at it."
_DAMAGED = "The database is damaged; the operator of the service has to restore a backup."
_REFUSED = "The rules of the database refuse what was to be stored."

_OF_SQLITE: dict[int, type[StorageFailure]] = {
    sqlite3.SQLITE_CORRUPT: Damaged,
    sqlite3.SQLITE_NOTADB: Damaged,
    sqlite3.SQLITE_FORMAT: Damaged,
    sqlite3.SQLITE_IOERR: DiskFault,
    sqlite3.SQLITE_FULL: Full,
    sqlite3.SQLITE_BUSY: Locked,
    sqlite3.SQLITE_LOCKED: Locked,
    sqlite3.SQLITE_CANTOPEN: Unavailable,
    sqlite3.SQLITE_READONLY: Unavailable,
    sqlite3.SQLITE_PERM: Unavailable,
    sqlite3.SQLITE_NOMEM: Unavailable,
    sqlite3.SQLITE_PROTOCOL: Locked,
    sqlite3.SQLITE_CONSTRAINT: Refused,
    sqlite3.SQLITE_MISMATCH: Refused,
    sqlite3.SQLITE_TOOBIG: Refused,
}
"""By the primary result code, the lowest byte of the extended one."""

_OF_POSTGRESQL: dict[str, type[StorageFailure]] = {
    "53100": Full,
    "58030": DiskFault,
    "XX001": Damaged,
    "XX002": Damaged,
    "42P01": WrongSchema,
    "42703": WrongSchema,
    "40001": Locked,
    "40P01": Locked,
    "55P03": Locked,
    "57014": Locked,
    "22": Refused,
    "23": Refused,
    "08": Unavailable,
    "25": Unavailable,
    "53": Unavailable,
    "57": Unavailable,
    "58": Unavailable,
    "XX": Unavailable,
}
"""By SQLSTATE, else by its class, the first two characters."""

_OLDER_SQLITE = ("no such table", "no such column", "has no column named")
_GONE = ("OperationalError", "InterfaceError", "InternalError")

_log = logging.getLogger("fitd.storage")


@contextmanager
def answering() -> Iterator[None]:
    """Turns database errors inside the `with` block into `StorageFailure`, except defects in our own SQL."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, PoolExhausted) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        failure = _meaning(cause or error)
        if failure is None:
            raise
        _log.warning("The database says no: %s", " ".join(str(cause or error).split())[:400])
        raise failure from error
    except UnicodeDecodeError as error:
        raise Damaged(_DAMAGED) from error


def _meaning(error: BaseException) -> StorageFailure | None:
    code = getattr(error, "sqlite_errorcode", None)
    state = getattr(error, "sqlstate", None)
    if isinstance(error, PoolExhausted):
        return Unavailable(_AWAY)
    if code is not None:
        kind = _OF_SQLITE.get(code & 0xFF) or (WrongSchema if _names_what_is_not_there(error) else None)
    elif state is not None:
        kind = _OF_POSTGRESQL.get(state) or _OF_POSTGRESQL.get(state[:2])
    else:
        kind = Unavailable if any(kind.__name__ in _GONE for kind in type(error).__mro__) else None
    return None if kind is None else _made(kind)


def _names_what_is_not_there(error: BaseException) -> bool:
    return any(said in str(error) for said in _OLDER_SQLITE)


def _made(kind: type[StorageFailure]) -> StorageFailure:
    said = {Damaged: _DAMAGED, DiskFault: _FAULT, Locked: _LOCKED, Refused: _REFUSED, Unavailable: _AWAY}
    return kind(said[kind]) if kind in said else kind()  # type: ignore[call-arg]

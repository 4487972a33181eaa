"""Learning that another connection has committed something, without asking every table."""

import contextlib
import logging
import threading
import time
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

CHANNEL = "fitd"
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.002, 0.02
_LISTEN_SECONDS = 0.25
_RECONNECT_SECONDS = 1.0

_log = logging.getLogger("fitd.storage")


class Changes(Protocol):
    """A counter that other connections' commits move, and waiting for it to move."""

    def mark(self) -> int:
        """The counter; taken before reading, it shows later whether the reading may be out of date."""

    def wait(self, since: int, timeout_seconds: float) -> bool:
        """Whether the counter left `since` before the time-out."""

    def move(self) -> None:
        """Moves the counter at once, where it would only follow in a moment what this process has done itself."""

    def close(self) -> None:
        """Ends the watch."""


def watch(engine: Engine) -> Changes:
    """The changes of an engine's database; connects when first asked."""
    return _SQLiteChanges(engine) if engine.dialect.name == "sqlite" else _PostgresChanges(engine)


class _SQLiteChanges:
    """SQLite counts commits in shared memory; reading the count takes microseconds, so it is polled."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: Any = None

    def mark(self) -> int:
        with self._lock:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
                self._connection.detach()
            (count,) = self._connection.dbapi_connection.execute("PRAGMA data_version").fetchone()
            return int(count)

    def wait(self, since: int, timeout_seconds: float) -> bool:
        start = time.monotonic()
        while self.mark() == since:
            waited = time.monotonic() - start
            if waited >= timeout_seconds:
                return False
            # Short waits are answered quickly, long ones cost little.
            pause = min(max(waited / 20, _SHORTEST_PAUSE), _LONGEST_PAUSE, timeout_seconds - waited)
            time.sleep(pause)
        return True

    def move(self) -> None:
        """The count of commits is always that of the moment."""

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


class _PostgresChanges:
    """PostgreSQL notifies of jobs that are queued or end, of versions and labels; one thread listens for all.

    Progress is not notified (a notification takes a lock that all commits of the server share), so those who
    watch it wait with a short time-out and read again.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._count = 0
        self._moved = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def mark(self) -> int:
        with self._moved:
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="listen", daemon=True)
                self._thread.start()
            # To begin to listen counts as a change, so who asks meanwhile misses nothing.
            return self._count

    def wait(self, since: int, timeout_seconds: float) -> bool:
        with self._moved:
            return self._moved.wait_for(lambda: self._count != since, timeout_seconds)

    def move(self) -> None:
        with self._moved:
            self._count += 1
            self._moved.notify_all()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _listen(self) -> None:
        driver = self._engine.dialect.loaded_dbapi
        while not self._closing.is_set():
            try:
                self._hear()
            except (SQLAlchemyError, driver.Error, OSError) as error:
                _log.warning("PostgreSQL sends no notifications now: %s", error)
                self._closing.wait(_RECONNECT_SECONDS)

    def _hear(self) -> None:
        pooled = self._engine.raw_connection()
        pooled.detach()
        with contextlib.closing(pooled):
            connection: Any = pooled.dbapi_connection
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            # Something may have changed while nobody listened.
            self.move()
            while not self._closing.is_set():
                for _ in connection.notifies(timeout=_LISTEN_SECONDS):
                    self.move()

"""Learning that another connection has committed something, without asking every table."""

import contextlib
import logging
import threading
import time
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from service.storage.queue.bell import News

CHANNEL = "fitd"
_SERVED = "served"
"""What is said on the channel when another version may answer a prediction."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.002, 0.02
_LISTEN_SECONDS = 0.25
_RECONNECT_SECONDS = 1.0

_log = logging.getLogger("fitd.storage")


class Changes(Protocol):
    """A counter that other connections' commits move, and waiting for it to move."""

    def mark(self) -> int:
        """The counter; taken before reading, it shows later whether the reading may be out of date."""

    def served(self) -> int:
        """A counter that moves only where another version may answer a prediction."""

    def wait(self, since: int, timeout_seconds: float) -> bool:
        """Whether the counter left `since` before the time-out."""

    def move(self) -> None:
        """Moves the counters at once, where it would only follow in a moment what this process has done itself."""

    def close(self) -> None:
        """Ends the watch."""


def watch(engine: Engine) -> Changes:
    """The changes of an engine's database; connects when first asked."""
    return _SQLiteChanges(engine) if engine.dialect.name == "sqlite" else _PostgresChanges(engine)


def tell(connection: Connection, news: News) -> None:
    """Announces within a transaction what it has done: its commit moves the counters of every process."""
    if connection.dialect.name == "postgresql":
        if news.is_served_otherwise:
            connection.exec_driver_sql(f"NOTIFY {CHANNEL}, '{_SERVED}'")
        elif news.queued or news.ended:
            connection.exec_driver_sql(f"NOTIFY {CHANNEL}")
    elif news.is_served_otherwise:
        count: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        connection.exec_driver_sql(f"PRAGMA user_version = {(count + 1) % 2**31}")


class _SQLiteChanges:
    """SQLite counts commits in shared memory; reading the count takes microseconds, so it is polled.

    What is served otherwise is counted in `user_version`, a number that every SQLite file has for its application.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: Any = None

    def mark(self) -> int:
        return self._count("data_version")

    def served(self) -> int:
        return self._count("user_version")

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
        """The counts are always those of the moment."""

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _count(self, counter: str) -> int:
        with self._lock:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
                self._connection.detach()
            (count,) = self._connection.dbapi_connection.execute(f"PRAGMA {counter}").fetchone()
            return int(count)


class _PostgresChanges:
    """PostgreSQL notifies of jobs that are queued or end, of versions and labels; one thread listens for all.

    Progress is not notified (a notification takes a lock that all commits of the server share), so those who
    watch it wait with a short time-out and read again.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._count = self._served = 0
        self._moved = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def mark(self) -> int:
        with self._moved:
            self._begin()
            return self._count

    def served(self) -> int:
        with self._moved:
            self._begin()
            return self._served

    def wait(self, since: int, timeout_seconds: float) -> bool:
        with self._moved:
            return self._moved.wait_for(lambda: self._count != since, timeout_seconds)

    def move(self) -> None:
        with self._moved:
            self._count += 1
            self._served += 1
            self._moved.notify_all()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _begin(self) -> None:
        # The start of listening counts as a change, so that nobody misses one that came before it.
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, name="listen", daemon=True)
            self._thread.start()

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                self._hear()
            except Exception as error:  # noqa: BLE001 - without this thread nobody would hear of anything any more
                _log.warning("PostgreSQL sends no notifications now: %s", error)
                self._closing.wait(_RECONNECT_SECONDS)

    def _hear(self) -> None:
        pooled = self._engine.raw_connection()
        pooled.detach()
        with contextlib.closing(pooled):
            connection: Any = pooled.dbapi_connection
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            # Something may have changed while no connection listened.
            self.move()
            while not self._closing.is_set():
                for heard in connection.notifies(timeout=_LISTEN_SECONDS):
                    with self._moved:
                        self._count += 1
                        self._served += heard.payload == _SERVED
                        self._moved.notify_all()

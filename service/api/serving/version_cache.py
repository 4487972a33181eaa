"""The cache of versions in this process."""

import asyncio
import math
import threading
import time
from concurrent.futures import Future
from typing import NamedTuple

from service.errors import NotFound
from service.prediction import LoadedVersion, LoadedVersions
from service.storage import Database
from service.versions import Version

Which = int | str | None
"""A version's number, a label, or None for the latest."""

LIGHT_BODY = 256 * 1024
"""Bytes; the numbers in a larger body take more than a millisecond."""

_LIGHT_WORK = 40_000_000
"""Rows times bytes of weights: a millisecond or less."""

_REMEMBERED = 1000
_TRUSTED_SECONDS = 0.5


class Served(NamedTuple):
    """A version as stored, and its network."""

    version: Version
    loaded: LoadedVersion

    def is_light(self, body_bytes: int) -> bool:
        """Whether a body so large takes so little time that changing threads for it costs more than it gives."""
        # Each number takes at least a digit and a comma.
        rows = 1 + body_bytes // (2 * self.loaded.columns + 2)
        return body_bytes <= LIGHT_BODY and rows * self.version.size_bytes < _LIGHT_WORK and not self.loaded.is_busy


class _Remembered(NamedTuple):
    version: Version
    until: float


class Serving:
    """Finds the version that a path means; where nothing has changed, without asking the database."""

    def __init__(self, database: Database, size: int, size_bytes: int) -> None:
        self._database = database
        self._loaded = LoadedVersions(size, size_bytes)
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, Which], _Remembered] = {}
        self._loading: dict[str, Future[LoadedVersion]] = {}
        self._mark: int | None = None
        self._is_marked = False

    def at_hand(self, name: str, which: Which) -> Served | None:
        """The version, if it is loaded and surely the right one; never waits for the database.

        Only for the event loop's thread: what is asked in one turn of the loop arrived before it, so that one look at
        the mark does for all.
        """
        if not self._is_marked:
            self._look_for_changes()
            self._is_marked = True
            asyncio.get_running_loop().call_soon(self._forget_mark)
        remembered = self._versions.get((name, which))
        if remembered is None or time.monotonic() > remembered.until:
            return None
        loaded = self._loaded.find(remembered.version.id)
        return None if loaded is None else Served(remembered.version, loaded)

    def find(self, name: str, which: Which) -> Served:
        """The version of this number or label, or the latest; `NotFound` if there is none."""
        self._look_for_changes()
        with self._lock:
            mark, now = self._mark, time.monotonic()
            remembered = self._versions.get((name, which))
            if remembered is not None and now > remembered.until:
                # One asks the database; whoever comes meanwhile is answered as before.
                self._versions[name, which] = remembered._replace(until=now + _TRUSTED_SECONDS)
                remembered = None
        version = self._read(name, which, mark) if remembered is None else remembered.version
        return Served(version, self._loaded.find(version.id) or self._load_once(version))

    def _read(self, name: str, which: Which, mark: int | None) -> Version:
        try:
            with self._database.reading() as tx:
                version = tx.version(name, which)
        except NotFound:
            with self._lock:
                self._versions.pop((name, which), None)
            raise
        # PostgreSQL's notifications may be cut off for a while without anybody's knowing.
        trusted = math.inf if self._database.backend == "sqlite" else _TRUSTED_SECONDS
        with self._lock:
            if mark == self._mark and len(self._versions) < _REMEMBERED:
                self._versions[name, which] = _Remembered(version, time.monotonic() + trusted)
        return version

    def _forget_mark(self) -> None:
        self._is_marked = False

    def _look_for_changes(self) -> None:
        mark = self._database.served_mark()
        with self._lock:
            if mark != self._mark:
                self._versions.clear()
                self._mark = mark

    def _load_once(self, version: Version) -> LoadedVersion:
        """Loads a version, or waits for who does so already."""
        with self._lock:
            loading = self._loading.get(version.id)
            if loading is None:
                mine = self._loading[version.id] = Future()
        if loading is not None:
            return loading.result()
        try:
            mine.set_result(self._loaded.find(version.id) or self._load(version))
        except Exception as error:  # noqa: BLE001 - whoever waits hears of it, too
            mine.set_exception(error)
        finally:
            with self._lock:
                del self._loading[version.id]
        return mine.result()

    def _load(self, version: Version) -> LoadedVersion:
        with self._database.reading() as tx:
            weights = tx.models.weights(version.id)
        loaded = LoadedVersion.of(version, weights)
        self._loaded.add(version.id, loaded)
        return loaded

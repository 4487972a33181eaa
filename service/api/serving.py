"""The versions that this process has at hand to answer with."""

import threading
from dataclasses import dataclass

from service.prediction import LoadedVersion, LoadedVersions
from service.storage import Database
from service.storage.models import Version

_LIGHT_PARAMETERS = 500_000


@dataclass(frozen=True, slots=True)
class Served:
    """A version as stored, and its network."""

    version: Version
    loaded: LoadedVersion

    @property
    def is_light(self) -> bool:
        """Whether one row takes so little time that changing threads for it would take longer."""
        return self.version.size_bytes < 4 * _LIGHT_PARAMETERS and not self.loaded.is_busy


class Serving:
    """Finds the version that a path means; where nothing has changed, without asking the database."""

    def __init__(self, database: Database, size: int) -> None:
        self._database = database
        self._loaded = LoadedVersions(size)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int | None], Served] = {}
        self._mark: int | None = None

    def known(self, name: str, number: int | None) -> Served | None:
        """The version if it is at hand and surely the right one."""
        # Only SQLite's mark moves with every change; PostgreSQL's does not move when a version is deleted.
        if self._database.backend != "sqlite":
            return None
        mark = self._database.mark()
        with self._lock:
            if mark != self._mark:
                self._known.clear()
                self._mark = mark
            return self._known.get((name, number))

    def find(self, name: str, number: int | None) -> Served:
        """The version of this number, or the latest; `NotFound` if there is none."""
        found = self.known(name, number)
        if found is not None:
            return found
        mark = self._mark
        with self._database.reading() as tx:
            version = tx.models.version(name, number)
        found = Served(version, self._loaded.get(version.id, lambda: self._load(version)))
        with self._lock:
            if self._mark == mark:
                self._known[name, number] = found
        return found

    def _load(self, version: Version) -> LoadedVersion:
        with self._database.reading() as tx:
            weights = tx.models.weights(version.id)
        columns, classes = version.input["shape"][-1], version.output["classes"]
        return LoadedVersion(version.spec, columns=columns, classes=classes, weights=weights)

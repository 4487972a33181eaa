"""The versions that this process has at hand to answer with."""

import threading
from dataclasses import dataclass

from service.errors import Damaged
from service.formats.weights import digest
from service.prediction import LoadedVersion, LoadedVersions
from service.storage import Database, Version

Which = int | str | None
"""A version's number, a label, or None for the latest."""

_LIGHT_BODY = 256 * 1024
_LIGHT_WORK = 40_000_000
"""Rows times bytes of weights: a millisecond or less."""

_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Served:
    """A version as stored, and its network."""

    version: Version
    loaded: LoadedVersion

    def is_light(self, body_bytes: int) -> bool:
        """Whether a body so large takes so little time that changing threads for it costs more than it gives."""
        # Each number takes at least a digit and a comma.
        rows = 1 + body_bytes // (2 * self.loaded.columns + 2)
        return body_bytes <= _LIGHT_BODY and rows * self.version.size_bytes < _LIGHT_WORK and not self.loaded.is_busy


class Serving:
    """Finds the version that a path means; where nothing has changed, without asking the database."""

    def __init__(self, database: Database, size: int) -> None:
        self._database = database
        self._loaded = LoadedVersions(size)
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, Which], Version] = {}
        self._mark: int | None = None

    def at_hand(self, name: str, which: Which) -> Served | None:
        """The version, if it is loaded and surely the right one; never waits for the database."""
        version = self._remembered(name, which)
        loaded = None if version is None else self._loaded.find(version.id)
        return None if version is None or loaded is None else Served(version, loaded)

    def find(self, name: str, which: Which) -> Served:
        """The version of this number or label, or the latest; `NotFound` if there is none."""
        version = self._remembered(name, which)
        if version is None:
            mark = self._mark
            with self._database.reading() as tx:
                version = tx.version(name, which)
            with self._lock:
                if mark == self._mark and len(self._versions) < _REMEMBERED:
                    self._versions[name, which] = version
        return Served(version, self._loaded.find(version.id) or self._load(version))

    def _remembered(self, name: str, which: Which) -> Version | None:
        # Only SQLite's mark moves with every change; PostgreSQL's does not when a version is deleted.
        if self._database.backend != "sqlite":
            return None
        mark = self._database.mark()
        with self._lock:
            if mark != self._mark:
                self._versions.clear()
                self._mark = mark
            return self._versions.get((name, which))

    def _load(self, version: Version) -> LoadedVersion:
        with self._database.reading() as tx:
            weights = tx.models.weights(version.id)
        if digest(weights) != version.sha256:
            raise Damaged(f"The weights of version {version.number} of {version.model!r} do not match their SHA-256.")
        columns, classes = version.input["shape"][-1], version.output["classes"]
        loaded = LoadedVersion(
            version.spec,
            columns=columns,
            classes=classes,
            weights=weights,
            features=version.input.get("features"),
            targets=version.output.get("targets"),
            others=version.data.get("left_out", ()),
        )
        self._loaded.add(version.id, loaded)
        return loaded

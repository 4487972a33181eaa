"""Artifacts: bytes too large for a row (checkpoints, tables), each under a name that tells its SHA-256.

Written whole or not at all, never changed, found by whoever shares the database: in a directory, in a bucket that
speaks S3, or, where neither is named and machines share a PostgreSQL, in its tables.
"""

import contextlib
import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Collection
from pathlib import Path

from service.errors import Damaged, FitdError, NotFound
from service.storage.artifacts.content import Content
from service.storage.artifacts.folder import Folder
from service.storage.artifacts.store import Store
from service.storage.identity import Owner

FIRST_DAY_SECONDS = 86_400.0
"""Seconds in which a new database sweeps nothing: it may only stand in for one that is about to be restored."""

TRASH_SECONDS = 7 * 86_400.0
"""So long what was swept lies in the trash, unless a setting says otherwise."""

_OURS = re.compile(r"[A-Za-z0-9_-]+\.[0-9a-f]{8}\.[0-9a-f]{64}(\.tmp)?")

_log = logging.getLogger("fitd.storage")


class Artifacts:
    """All artifacts of an installation; `owner` tells which database it has."""

    def __init__(self, store: Store, owner: Callable[[], Owner]) -> None:
        self._store = store
        self._owner = owner
        self._is_claimed = False

    def put(self, label: str, content: bytes) -> str:
        """Keeps the bytes and returns their name, which begins with `label`."""
        name = f"{label}.{secrets.token_hex(4)}.{hashlib.sha256(content).hexdigest()}"
        self.keep(name, content)
        return name

    def put_file(self, label: str, file: Path, sha256: str) -> str:
        """Keeps a file's content, which need not fit into memory and has this hash; the file is used up."""
        name = f"{label}.{secrets.token_hex(4)}.{sha256}"
        self._claim_if_new()
        self._store.take(name, file)
        return name

    def keep(self, name: str, content: bytes) -> None:
        """Stores content that another store had under this name."""
        self._claim_if_new()
        self._store.write(name, content)

    def get(self, name: str) -> bytes:
        """The bytes as they were put; `NotFound` or `Damaged` if they are not there any more."""
        content = self.open(name)
        return content if isinstance(content, bytes) else content[:]

    def open(self, name: str, *, glimpse: bool = False) -> Content:
        """As `get`, but a file is mapped into memory, whose pages the system can reclaim.

        For a `glimpse` a file is not read to its end to check it.
        """
        if glimpse and isinstance(self._store, Folder):
            content = self._store.look_at(name)
            if content is not None:
                return content
        found = self._store.read(name)
        if found is None and self._store.restore(name):
            _log.warning("The artifact %s is needed after all, and was taken back from the trash", name)
            found = self._store.read(name)
        if found is None:
            raise NotFound("artifact", name)
        if found.sha256 != digest_of(name):
            raise Damaged(f"The artifact {name} does not match its SHA-256.")
        return found.content

    def remove(self, names: Collection[str]) -> None:
        """Removes these; the next sweep finds what cannot be removed now."""
        for name in names:
            with contextlib.suppress(OSError, FitdError):
                self._store.remove(name)

    def sweep(self, wanted: Collection[str], *, older_than_seconds: float, trash_seconds: float = TRASH_SECONDS) -> int:
        """Moves what nobody refers to and has lain for so long to the trash; returns how many. Others' files stay.

        It does nothing in a store of another database, nor on the first day of this one: names that a new database
        does not know are more likely those of the one that should be in its place.
        """
        owner = self._owner()
        known = [(name, age) for name, age in self._store.names() if _OURS.fullmatch(name)]
        old = [name for name, age in known if age > older_than_seconds and name not in wanted]
        if not self._belongs_to(owner.id, wanted, [name for name, _ in known]):
            _log.warning("Nothing is swept: the artifacts belong to another database, or to an unknown one")
            return 0
        if owner.age_seconds < FIRST_DAY_SECONDS:
            return 0
        for name in old:
            with contextlib.suppress(OSError, FitdError):
                self._store.discard(name)
        self._store.empty_trash(trash_seconds)
        return len(old)

    def _claim_if_new(self) -> None:
        if not self._is_claimed:
            if self._store.owner() is None and not any(_OURS.fullmatch(name) for name, _ in self._store.names()):
                self._store.claim(self._owner().id)
            self._is_claimed = True

    def _belongs_to(self, owner: str, wanted: Collection[str], known: Collection[str]) -> bool:
        """Whether the store belongs to this database: it has its name, or no name and only known artifacts."""
        if self._store.owner() is None and (not known or any(name in wanted for name in known)):
            self._store.claim(owner)
        return self._store.owner() == owner


def digest_of(name: str) -> str:
    """The SHA-256 that an artifact's name tells."""
    return name.rpartition(".")[2]

"""Artifacts: bytes too large for a row (checkpoints, tables), each under a name that tells its SHA-256.

Written whole or not at all, never changed, found by whoever shares the database: in a directory, in a bucket that
speaks S3, or, where neither is named and machines share a PostgreSQL, in its tables.
"""

import contextlib
import hashlib
import mmap
import os
import re
import secrets
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from service.errors import Damaged, FitdError, NotFound
from service.storage.artifacts.store import Content, Store

_PIECE_BYTES = 4 << 20
_OURS = re.compile(r"[A-Za-z0-9_-]+\.[0-9a-f]{8}\.[0-9a-f]{64}(\.tmp)?")


class Artifacts:
    """All artifacts of an installation."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, label: str, content: bytes) -> str:
        """Keeps the bytes and returns their name, which begins with `label`."""
        name = f"{label}.{secrets.token_hex(4)}.{hashlib.sha256(content).hexdigest()}"
        self._store.write(name, content)
        return name

    def put_file(self, label: str, file: Path, sha256: str) -> str:
        """Keeps a file's content, which need not fit into memory and has this hash; the file is used up."""
        name = f"{label}.{secrets.token_hex(4)}.{sha256}"
        self._store.take(name, file)
        return name

    def keep(self, name: str, content: bytes) -> None:
        """Keeps what another store gave under this name."""
        self._store.write(name, content)

    def get(self, name: str) -> bytes:
        """The bytes as they were put; `NotFound` or `Damaged` if they are not there any more."""
        content = self.open(name)
        return content if isinstance(content, bytes) else content[:]

    def open(self, name: str) -> Content:
        """As `get`, but a file is mapped: what is looked at takes memory only while nobody else needs it."""
        content = self._store.read(name)
        if content is None:
            raise NotFound("artifact", name)
        if _digest(content) != digest_of(name):
            raise Damaged(f"The artifact {name} does not match its SHA-256.")
        return content

    def remove(self, names: Collection[str]) -> None:
        """Forgets these; what cannot be removed now is found by the next sweep."""
        for name in names:
            with contextlib.suppress(OSError, FitdError):
                self._store.remove(name)

    def sweep(self, wanted: Collection[str], *, older_than_seconds: float) -> int:
        """Removes what nobody refers to and has lain for so long; returns how many. Other people's files stay."""
        old = [name for name, age in self._store.names() if age > older_than_seconds and _OURS.fullmatch(name)]
        unwanted = [name for name in old if name not in wanted]
        self.remove(unwanted)
        return len(unwanted)


def _digest(content: Content) -> str:
    if not isinstance(content, mmap.mmap):
        return hashlib.sha256(content).hexdigest()
    digest = hashlib.sha256()
    with memoryview(content) as view:
        for start in range(0, len(view), _PIECE_BYTES):
            digest.update(view[start : start + _PIECE_BYTES])
            content.madvise(mmap.MADV_DONTNEED)  # who maps it wants it out of memory until it is looked at
    return digest.hexdigest()


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, which goes to its disk meanwhile: who puts it has not to wait for that any more."""
    with file.open("rb") as content, ThreadPoolExecutor(1, "fitd-sync") as beside:
        syncing = beside.submit(os.fsync, content.fileno())
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        syncing.result()
    return digest


def digest_of(name: str) -> str:
    """The SHA-256 that an artifact's name tells."""
    return name.rpartition(".")[2]

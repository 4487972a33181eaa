"""Bytes on their way out of a store: in memory, or in a file that is mapped, with the SHA-256 that they have now."""

import hashlib
import mmap
import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

Content = bytes | mmap.mmap


class Found(NamedTuple):
    """What a store has under a name, and the SHA-256 of it as it was read."""

    content: Content
    sha256: str


def found_in(content: bytes) -> Found:
    """Bytes in memory."""
    return Found(content, hashlib.sha256(content).hexdigest())


def found_at(file: Path) -> Found:
    """Returns the content of a file mapped into memory, whose pages the system can reclaim.

    It is read once before: of a mapped file a disk that fails would end the process instead of raising `OSError`.
    """
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        size = os.fstat(opened.fileno()).st_size
        return Found(mmap.mmap(opened.fileno(), size, access=mmap.ACCESS_READ) if size else b"", sha256)


def gathered(pieces: Iterable[bytes]) -> Found:
    """All pieces, in a file without a name: they need not fit into memory."""
    sha256 = hashlib.sha256()
    with tempfile.TemporaryFile() as file:
        for piece in pieces:
            sha256.update(piece)
            file.write(piece)
        file.flush()
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.tell() else b""
    return Found(content, sha256.hexdigest())


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, which goes to its disk meanwhile: who puts it has not to wait for that any more."""
    with file.open("rb") as content, ThreadPoolExecutor(1, "fitd-sync") as beside:
        syncing = beside.submit(os.fsync, content.fileno())
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        syncing.result()
    return digest

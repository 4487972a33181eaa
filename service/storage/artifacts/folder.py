"""A directory as a store of artifacts."""

import contextlib
import logging
import mmap
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from service.errors import Unavailable, is_full
from service.storage.artifacts.store import Content

_log = logging.getLogger("fitd.storage")


class Folder:
    """A directory, which several machines may share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, name: str, content: bytes) -> None:
        """Writes beside the place, then moves: a reader sees all or nothing, also after a loss of power."""
        with self._unfinished(name) as unfinished:
            unfinished.write_bytes(content)

    def take(self, name: str, file: Path) -> None:
        """Moves the file here, or copies it where it lies on another disk."""
        with self._unfinished(name) as unfinished:
            shutil.move(file, unfinished)

    @contextlib.contextmanager
    def _unfinished(self, name: str) -> Iterator[Path]:
        """A place to write to in the block; then it is settled under the name, or removed after an error."""
        with _reachable():
            self._path.mkdir(parents=True, exist_ok=True)
            unfinished = self._path / f"{name}.tmp"
            try:
                yield unfinished
                self._settle(unfinished, name)
            except OSError:
                unfinished.unlink(missing_ok=True)
                raise

    def _settle(self, unfinished: Path, name: str) -> None:
        _sync(unfinished)
        unfinished.rename(self._path / name)
        _sync(self._path)

    def read(self, name: str) -> Content | None:
        """The bytes of the file, mapped."""
        with _reachable(), contextlib.suppress(FileNotFoundError), (self._path / name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""
        return None

    def remove(self, name: str) -> None:
        """Deletes the file."""
        (self._path / name).unlink(missing_ok=True)

    def names(self) -> Iterator[tuple[str, float]]:
        """All files, the unfinished among them."""
        now = time.time()
        with _reachable(), contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._path):
                with contextlib.suppress(FileNotFoundError):
                    yield entry.name, now - entry.stat().st_mtime


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    """Inside, a directory that refuses is `Unavailable`: it may lie on another machine. One that is full is full."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise
        _log.warning("The directory of artifacts does not answer as it should: %s", error.strerror)
        raise Unavailable("The directory of artifacts does not answer now.") from error


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

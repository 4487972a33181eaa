"""A directory as a store of artifacts."""

import contextlib
import errno
import logging
import mmap
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from service.errors import Damaged, DiskFault, Full, Unavailable, is_full
from service.storage.artifacts.content import Content, Found, found_at

OWNER = "database"
"""The file that names the database which the directory belongs to."""

TRASH = "trash"
"""The folder for files that are no longer needed, before they are deleted."""

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
        # The content has to be on the disk before its name is, or a loss of power leaves an empty file.
        sync(unfinished)
        unfinished.rename(self._path / name)
        sync(self._path)

    def read(self, name: str) -> Found | None:
        """The bytes of the file, mapped."""
        with _reachable(), contextlib.suppress(FileNotFoundError):
            return found_at(self._path / name)
        return None

    def look_at(self, name: str) -> Content | None:
        """The bytes of the file, mapped and not checked."""
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
                    if entry.name not in (OWNER, TRASH):
                        yield entry.name, now - entry.stat().st_mtime

    def owner(self) -> str | None:
        """What stands in the file that names the database."""
        with _reachable(), contextlib.suppress(FileNotFoundError):
            return (self._path / OWNER).read_text(encoding="ascii", errors="replace").strip()
        return None

    def claim(self, owner: str) -> None:
        """Writes the file, wholly or not at all, unless there is one: of several that do so at once the first does."""
        with _reachable():
            self._path.mkdir(parents=True, exist_ok=True)
            unfinished = self._path / f"{OWNER}.{owner}.tmp"
            try:
                unfinished.write_text(owner, encoding="ascii")
                sync(unfinished)
                # A link fails where the name exists, which a rename would replace.
                with contextlib.suppress(FileExistsError):
                    os.link(unfinished, self._path / OWNER)
            finally:
                unfinished.unlink(missing_ok=True)
            sync(self._path)

    def discard(self, name: str) -> None:
        """Moves the file to the folder of the trash, whose time begins now."""
        with _reachable(), contextlib.suppress(FileNotFoundError):
            (self._path / TRASH).mkdir(exist_ok=True)
            os.utime(self._path / name)
            (self._path / name).rename(self._path / TRASH / name)

    def restore(self, name: str) -> bool:
        """Moves the file back."""
        with _reachable(), contextlib.suppress(FileNotFoundError):
            (self._path / TRASH / name).rename(self._path / name)
            return True
        return False

    def empty_trash(self, older_than_seconds: float) -> None:
        """Deletes what has lain there for so long."""
        now = time.time()
        with _reachable(), contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._path / TRASH):
                with contextlib.suppress(OSError):
                    if now - entry.stat().st_mtime > older_than_seconds:
                        Path(entry).unlink()


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    """Inside, a directory that refuses is `Unavailable`: it may lie on another machine. One file may be worse off."""
    try:
        yield
    except IsADirectoryError as error:
        raise Damaged("A folder is in the place of an artifact.") from error
    except OSError as error:
        _log.warning("The directory of artifacts does not respond as it should: %s", error.strerror)
        if is_full(error):
            raise Full from error
        if error.errno == errno.EIO:
            raise DiskFault("The disk of the artifacts fails to read or write.") from error
        raise Unavailable("The directory of artifacts does not respond now.") from error


def sync(path: Path) -> None:
    """Returns when a file, or the names in a directory, would outlast a loss of power."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

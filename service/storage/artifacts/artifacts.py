"""Artifacts: bytes too large for a row (checkpoints, tables), each under a name that tells its SHA-256.

Written whole or not at all, never changed, found by whoever shares the database: in a directory, in a bucket that
speaks S3, or, where neither is named and machines share a PostgreSQL, in its tables.
"""

import contextlib
import hashlib
import itertools
import logging
import mmap
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Collection, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from sqlalchemy import Engine, delete, insert, select

from service.errors import Damaged, FitdError, NotFound, Unavailable, is_full
from service.storage.clock import NOW, Clock
from service.storage.connections import answering
from service.storage.schema import artifacts

Content = bytes | mmap.mmap

_PIECE_BYTES = 4 << 20
_ROW_BYTES = 8 << 20
_OURS = re.compile(r"[A-Za-z0-9_-]+\.[0-9a-f]{8}\.[0-9a-f]{64}(\.tmp)?")

_log = logging.getLogger("fitd.storage")


class Store(Protocol):
    """A place that keeps bytes under names."""

    def write(self, name: str, content: bytes) -> None:
        """Keeps the bytes durably; until it has, nothing can be read under the name."""

    def take(self, name: str, file: Path) -> None:
        """Keeps a file's content durably under the name; the file is used up."""

    def read(self, name: str) -> Content | None:
        """The bytes, or None if there are none of this name."""

    def remove(self, name: str) -> None:
        """Forgets a name, known or not."""

    def names(self) -> Iterator[tuple[str, float]]:
        """Every name, with its age in seconds."""


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


def open_artifacts(url: str | None, engine: Engine, clock: Clock) -> Artifacts:
    """The artifacts at a directory or an `s3://bucket/prefix`; by default beside SQLite's file, or in PostgreSQL."""
    if url is None:
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        return Artifacts(Folder(Path(file).absolute().parent / "artifacts") if file else Rows(engine, clock))
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return Artifacts(Folder(Path(parts.path)))
    from service.storage.artifacts.bucket import Bucket  # noqa: PLC0415 - only who has a bucket pays for its library

    return Artifacts(Bucket(url))


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


class Rows:
    """A table of the database, each write a transaction of its own; what is large takes several rows.

    PostgreSQL gives out no value of more than half a gigabyte, and one takes many times its size in memory.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def write(self, name: str, content: bytes) -> None:
        """Inserts a row for each piece."""
        self._insert(name, (content[start : start + _ROW_BYTES] for start in range(0, len(content) or 1, _ROW_BYTES)))

    def take(self, name: str, file: Path) -> None:
        """Inserts a row for each piece of the file's content."""
        with file.open("rb") as opened:
            self._insert(name, iter(lambda: opened.read(_ROW_BYTES), b""))
        file.unlink()

    def _insert(self, name: str, pieces: Iterable[bytes]) -> None:
        add = insert(artifacts).values(created_at=NOW)
        with answering(), self._engine.begin() as connection:
            for number, piece in enumerate(pieces):
                connection.execute(add, {"name": _row(name, number), "content": piece, "now": self._clock.now()})

    def read(self, name: str) -> Content | None:
        """The content of the row, or that of several in a file without a name."""
        with contextlib.closing(self._pieces(name)) as pieces:
            first = next(pieces, None)
            if first is None or len(first) < _ROW_BYTES:
                return first
            return mapped(itertools.chain([first], pieces))

    def _pieces(self, name: str) -> Generator[bytes]:
        with answering(), self._engine.connect() as connection:
            if self._engine.dialect.name == "sqlite":
                connection.execution_options(read_only=True)
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")  # all of it, or nothing
            for number in itertools.count():
                content = connection.scalar(select(artifacts.c.content).where(artifacts.c.name == _row(name, number)))
                if content is None:
                    return
                yield bytes(content)

    def remove(self, name: str) -> None:
        """Deletes the rows."""
        with answering(), self._engine.begin() as connection:
            for number in itertools.count():
                if connection.execute(delete(artifacts).where(artifacts.c.name == _row(name, number))).rowcount == 0:
                    return

    def names(self) -> Iterator[tuple[str, float]]:
        """All rows."""
        with answering(), self._engine.connect() as connection:
            connection.execution_options(read_only=True)
            rows = connection.execute(
                select(artifacts.c.name, (NOW - artifacts.c.created_at).label("age")), {"now": self._clock.now()}
            ).all()
        yield from ((row.name, float(row.age)) for row in rows)


def _row(name: str, number: int) -> str:
    """The name of the row of a piece: none but the first matches the name of an artifact."""
    return f"{name}.{number}" if number else name


def mapped(pieces: Iterable[bytes]) -> Content:
    """The bytes of all pieces, in a file without a name: they need not fit into memory."""
    with tempfile.TemporaryFile() as file:
        file.writelines(pieces)
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.tell() else b""

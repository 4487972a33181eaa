"""The data directory, which one supervisor at a time may own."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from service.errors import Conflict


@dataclass(frozen=True, slots=True)
class Ownership:
    """A supervisor's time in the directory: its own name, and that of the one before."""

    name: str
    previous: str


@contextmanager
def lock_directory(directory: Path) -> Iterator[Ownership]:
    """Holds the directory until the block, or the process, ends; `Conflict` if another holds it."""
    with _open(directory) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = f"Another Fitd serves from {directory.absolute()}."
            raise Conflict(f"{said} Give this one a FITD_DATA_DIR and a FITD_PORT of its own.") from None
        file.seek(0)
        ownership = Ownership(name=f"serve-{secrets.token_hex(8)}", previous=file.read())
        file.seek(0)
        file.truncate()
        file.write(ownership.name)
        file.flush()
        yield ownership


def _open(directory: Path) -> TextIO:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return (directory / "supervisor.lock").open("a+", encoding="ascii")
    except OSError as error:
        raise Conflict(f"Cannot write to {directory.absolute()}: {error.strerror}.") from None

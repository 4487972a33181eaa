"""Scratch: places for files that are needed for a moment, and for what the dead have left there."""

import contextlib
import errno
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from service.errors import Full, Unavailable, is_full

_HELD = "held"
"""A file in each place, which is locked for as long as the process lives that uses the place."""

_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Troubles of the process, which the directory has no part in."""

_YOUNG_SECONDS = 60.0
"""Somebody may have made the place just now, and is about to lock it."""


@contextlib.contextmanager
def scratch(directory: Path) -> Iterator[Path]:
    """A new folder in the directory, gone with the block; forgets those of processes that have died."""
    make_usable(directory)
    forget_the_dead(directory)
    with _usable(directory):
        place = Path(tempfile.mkdtemp(dir=directory))
    try:
        with (place / _HELD).open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def make_usable(directory: Path) -> None:
    """Makes the directory where there is none; `Unavailable` where that cannot be, because it is a file, say."""
    with _usable(directory):
        directory.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def _usable(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise Full from error
        if error.errno in _PASSING:
            raise
        said = f"Expected a directory that can be written to at {directory.name!r} in FITD_DATA_DIR: {error.strerror}."
        raise Unavailable(said, code="scratch_unusable") from error


def forget_the_dead(directory: Path) -> None:
    """Removes the folders of processes that have died, and none that is in use, however old."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for place in directory.iterdir():
            # An error is what a lock says that somebody has, and a folder that another removes.
            with contextlib.suppress(OSError):
                if time.time() - place.stat().st_mtime > _YOUNG_SECONDS:
                    _forget_unless_held(place)


def _forget_unless_held(place: Path) -> None:
    with (place / _HELD).open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(place)

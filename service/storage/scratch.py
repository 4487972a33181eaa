"""Scratch: places for files that are needed for a moment, and for what the dead have left there."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_ABANDONED_SECONDS = 86_400.0


@contextlib.contextmanager
def scratch(directory: Path) -> Iterator[Path]:
    """A new folder in the directory, gone with the block; forgets the folders of processes that died a day ago."""
    directory.mkdir(parents=True, exist_ok=True)
    for place in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - place.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(place, ignore_errors=True)
    place = Path(tempfile.mkdtemp(dir=directory))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)

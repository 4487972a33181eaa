"""What a store of artifacts is: a place that keeps bytes under names, wholly or not at all."""

import mmap
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

Content = bytes | mmap.mmap


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


def mapped(pieces: Iterable[bytes]) -> Content:
    """The bytes of all pieces, in a file without a name: they need not fit into memory."""
    with tempfile.TemporaryFile() as file:
        file.writelines(pieces)
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.tell() else b""

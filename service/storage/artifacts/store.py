"""What a store of artifacts is: a place that keeps bytes under names, wholly or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from service.storage.artifacts.content import Found


class Store(Protocol):
    """A place that keeps bytes under names, and knows the database that it belongs to."""

    def write(self, name: str, content: bytes) -> None:
        """Keeps the bytes durably; until it has, nothing can be read under the name."""

    def take(self, name: str, file: Path) -> None:
        """Keeps a file's content durably under the name; the file is used up."""

    def read(self, name: str) -> Found | None:
        """The bytes, or None if there are none of this name."""

    def remove(self, name: str) -> None:
        """Forgets a name, known or not."""

    def names(self) -> Iterator[tuple[str, float]]:
        """Every name, with its age in seconds."""

    def owner(self) -> str | None:
        """The id of the database that it belongs to; None while nobody has claimed it."""

    def claim(self, owner: str) -> None:
        """Makes it the database's that is called so, unless it is another's already."""

    def discard(self, name: str) -> None:
        """Moves what is under a name to the trash."""

    def restore(self, name: str) -> bool:
        """Moves it back; False if it is not there."""

    def empty_trash(self, older_than_seconds: float) -> None:
        """Deletes what has lain in the trash for so long."""

"""A table of the database as a store of artifacts."""

import contextlib
import itertools
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from sqlalchemy import Engine, delete, insert, select

from service.storage.artifacts.content import Found, found_in, gathered
from service.storage.clock import NOW, Clock
from service.storage.faults import answering
from service.storage.schema import artifacts, identity

_ROW_BYTES = 8 << 20


class Rows:
    """A table of the database, each write a transaction of its own; what is large takes several rows.

    PostgreSQL cannot return a value of more than half a gigabyte, and needs many times its size in memory.
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

    def read(self, name: str) -> Found | None:
        """The content of the row, or that of several in a file without a name."""
        with contextlib.closing(self._pieces(name)) as pieces:
            first = next(pieces, None)
            if first is None or len(first) < _ROW_BYTES:
                return None if first is None else found_in(first)
            return gathered(itertools.chain([first], pieces))

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

    def owner(self) -> str | None:
        """The database that it is a table of, if it has a name."""
        with answering(), self._engine.connect() as connection:
            connection.execution_options(read_only=True)
            return connection.scalar(select(identity.c.id))

    def claim(self, owner: str) -> None:
        """It is claimed by being a table."""

    def discard(self, name: str) -> None:
        """Deletes the rows: what refers to them is restored with them, or not at all."""
        self.remove(name)

    def restore(self, name: str) -> bool:  # noqa: ARG002 - as stores do
        """There is no trash."""
        return False

    def empty_trash(self, older_than_seconds: float) -> None:
        """There is none."""


def _row(name: str, number: int) -> str:
    """The name of the row of a piece: none but the first matches the name of an artifact."""
    return f"{name}.{number}" if number else name

"""How large the sheets in a package of XML are, counted while it streams by, before a reader builds any of them."""

import abc
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import numpy as np

from service.errors import Malformed

_MOST_DEPTH = 256


@dataclass(frozen=True, slots=True)
class Extent:
    """The smallest rectangle around the cells of a sheet that hold something, and the characters of their texts."""

    rows: int = 0
    columns: int = 0
    characters: int = 0


def unreadable() -> Malformed:
    """The error of a spreadsheet that is damaged, or none."""
    return Malformed("The spreadsheet cannot be read; open it, save it again, or save it as CSV.", code="bad_table")


class Sheet:
    """The rectangle of one sheet, cell by cell."""

    def __init__(self) -> None:
        self._places: tuple[int, int, int, int] | None = None
        self.characters = 0
        self.shared = array("I")
        """The number of the shared text of each cell that holds one."""

    def add(self, row: int, column: int, rows: int = 1, columns: int = 1) -> None:
        """Counts cells that hold something."""
        last_row, last_column = row + rows - 1, column + columns - 1
        top, left, bottom, right = self._places or (row, column, last_row, last_column)
        self._places = (min(top, row), min(left, column), max(bottom, last_row), max(right, last_column))

    def extent(self, lengths: "array[int]") -> Extent:
        """What was counted; `lengths` are those of the shared texts, by their numbers."""
        if self._places is None:
            return Extent()
        top, left, bottom, right = self._places
        shared = 0
        if self.shared:
            numbers = np.array(self.shared)
            if int(numbers.max()) >= len(lengths):
                raise unreadable()
            shared = int(np.array(lengths)[numbers].sum(dtype=np.int64))
        return Extent(bottom - top + 1, right - left + 1, self.characters + shared)


class Counter(abc.ABC):
    """Counts the sheets in the members of a package."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.lengths = array("I")
        """How long each shared text is."""
        self._depth = 0

    def count(self, pieces: Iterable[bytes]) -> None:
        """Counts one member; `Malformed` if it is no XML, or more than spreadsheets need of it."""
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse
        self._depth = 0
        try:
            for piece in pieces:
                parser.Parse(piece)
            parser.Parse(b"", True)
        except (expat.ExpatError, ValueError, OverflowError):
            raise unreadable() from None

    def extents(self) -> list[Extent]:
        """Those of all sheets."""
        return [sheet.extent(self.lengths) for sheet in self.sheets]

    def _started(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise unreadable()
        plain = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        self._start(name.rpartition(":")[2], plain)

    def _ended(self, name: str) -> None:
        self._depth -= 1
        self._end(name.rpartition(":")[2])

    @abc.abstractmethod
    def _start(self, name: str, attributes: dict[str, str]) -> None: ...

    @abc.abstractmethod
    def _end(self, name: str) -> None: ...

    @abc.abstractmethod
    def _text(self, text: str) -> None: ...


def _refuse(*_: Any) -> None:
    """Spreadsheets declare no document type; what does may name entities that grow without end."""
    raise unreadable()

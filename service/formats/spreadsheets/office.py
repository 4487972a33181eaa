"""Workbooks of Excel, counted: sheets whose cells name their places, and texts that many cells share."""

import re

from service.formats.spreadsheets.extent import Counter, Sheet, unreadable

_REFERENCE = re.compile(r"([A-Za-z]{1,7})(\d{1,9})")
_LONGEST_NUMBER = 9


class OfficeCounter(Counter):
    """Counts the sheets and the shared texts of a workbook, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._sheet: Sheet | None = None
        self._row = self._column = 0
        self._is_shared = self._is_read = False
        self._value = ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 1:
            self._sheet = Sheet() if name == "worksheet" else None
            self._row = self._column = 0
            self.sheets += [self._sheet] if self._sheet else []
        elif name == "si" and self._sheet is None:
            self.lengths.append(0)
        elif name == "row":
            self._row = int(attributes["r"]) if "r" in attributes else self._row + 1
            self._column = 0
        elif name == "c":
            self._move(attributes.get("r"))
            self._is_shared = attributes.get("t") == "s"
        elif name in ("v", "t"):
            self._is_read, self._value = True, ""

    def _move(self, reference: str | None) -> None:
        if reference is None:
            self._column += 1
            return
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise unreadable()
        self._column = 0
        for letter in found[1].upper():
            self._column = 26 * self._column + ord(letter) - ord("A") + 1
        self._row = int(found[2])

    def _end(self, name: str) -> None:
        if name not in ("v", "t") or not self._is_read:
            return
        self._is_read = False
        if self._sheet is None:
            if self.lengths:
                self.lengths[-1] += len(self._value)
            return
        self._sheet.add(self._row, self._column)
        if self._is_shared and name == "v":
            self._sheet.shared.append(_number(self._value))
        else:
            self._sheet.characters += len(self._value)

    def _text(self, text: str) -> None:
        if self._is_read:
            self._value += text


def _number(text: str) -> int:
    """A number of a shared text."""
    if not 1 <= len(text.strip()) <= _LONGEST_NUMBER:
        raise unreadable()
    return int(text)

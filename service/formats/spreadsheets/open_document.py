"""Spreadsheets of OpenDocument, counted: cells and rows that say how often they are repeated."""

from service.formats.spreadsheets.extent import Counter, Sheet

_MOST_REPEATED = 1 << 31


class OpenDocumentCounter(Counter):
    """Counts the tables of a document."""

    def __init__(self) -> None:
        super().__init__()
        self._row = self._column = 0
        self._rows = self._columns = 1
        self._characters = 0
        self._is_held = False

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table":
            self.sheets.append(Sheet())
            self._row = self._column = 0
        elif name == "table-row":
            self._rows = _repeated(attributes, "number-rows-repeated")
            self._column = 0
        elif name in ("table-cell", "covered-table-cell"):
            self._columns = _repeated(attributes, "number-columns-repeated")
            self._is_held = "value-type" in attributes
            self._characters = 0
        elif name == "p":
            self._is_held = True

    def _end(self, name: str) -> None:
        if not self.sheets:
            return
        if name in ("table-cell", "covered-table-cell"):
            if self._is_held:
                self.sheets[-1].add(self._row, self._column, self._rows, self._columns)
                self.sheets[-1].characters += self._characters * self._rows * self._columns
            self._column += self._columns
            self._is_held = False
        elif name == "table-row":
            self._row += self._rows

    def _text(self, text: str) -> None:
        self._characters += len(text)


def _repeated(attributes: dict[str, str], name: str) -> int:
    """How often something is repeated, 1 where nothing says so."""
    return min(max(1, int(attributes.get(name, 1))), _MOST_REPEATED)

"""The first rows of a delimited text, as values that remember whether they were in quotes."""

import csv
import io
import re

from service.errors import Malformed

MOST_ROWS = 200
_FEWEST_ROWS = 20
_MOST_CELLS = 50_000
csv.field_size_limit(4 << 20)


class Quoted(str):
    """A value in quotes: a text that is not missing, even if it is empty."""

    __slots__ = ()


def rows_of(text: str, delimiter: str, quote: str, *, whole: bool) -> list[list[str]]:
    """The first rows; the last line is left out where it may go on behind a text that is not the `whole`."""
    lines = list(io.StringIO(text, newline=""))  # splitlines would cut at other characters, too
    reader = csv.reader(lines if whole else lines[:-1] or lines, delimiter=delimiter, quotechar=quote)
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows += [row] if row else []
            if len(rows) == MOST_ROWS:
                break
    except csv.Error:
        raise Malformed("The text cannot be read as a table.", code="bad_table") from None
    return rows


def with_quotes(rows: list[list[str]], text: str, delimiter: str, quote: str) -> list[list[str]]:
    """The same rows of a text, in which values are `Quoted` that stand in quotes; of very wide rows only the first."""
    if quote not in text:
        return rows
    width = max(map(len, rows), default=1)
    wanted = rows[: max(_FEWEST_ROWS, _MOST_CELLS // width)]
    marked = _marked(text, delimiter, quote, len(wanted))
    same = [list(map(str, row)) for row in marked] == wanted
    return marked + rows[len(marked) :] if same else rows


def _marked(text: str, delimiter: str, quote: str, most: int) -> list[list[str]]:
    ends, mark = re.escape(delimiter), re.escape(quote)
    value = re.compile(
        rf"(?:{mark}(?P<quoted>(?:[^{mark}]|{mark}{mark})*+){mark}(?P<more>[^{ends}\r\n]*+)|(?P<plain>[^{ends}\r\n]*+))"
        rf"(?P<end>{ends}|\r\n|\r|\n|\Z)"
    )
    rows: list[list[str]] = []
    row: list[str] = []
    place = 0
    while len(rows) < most and (found := value.match(text, place)):
        if found["quoted"] is None:
            row.append(found["plain"])
        else:
            row.append(Quoted(found["quoted"].replace(quote * 2, quote) + found["more"]))
        place = found.end()
        if found["end"] == delimiter:
            continue
        if row != [""] or isinstance(row[0], Quoted):
            rows.append(row)
        row = []
        if place >= len(text):
            break
    return rows

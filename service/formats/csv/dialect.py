"""Delimited text (CSV and its kin): what its delimiter, header and encoding are, found from its beginning."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

from service.errors import Finding, Findings, Malformed
from service.formats.csv.encoding import decoded, found_encoding
from service.formats.csv.header import found_header
from service.formats.csv.numbers import decimal_mark, has_comma
from service.formats.csv.sample import Quoted, rows_of, with_quotes
from service.formats.csv.streams import without_comments
from service.formats.csv.written import Written

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_BYTES, _LARGEST_SAMPLE_BYTES = 64 * 1024, 4 << 20
_SAMPLE_LINES = 3
"""A header of ten thousand names may be longer than most samples, and says nothing without a row."""

_SEPARATOR = re.compile(r'[\r\n]*"?sep=(.)"?[\r\n]+', re.IGNORECASE)
"""The line that names the delimiter for Excel."""

_LINE_ENDS = re.compile(rb"[\r\n]+")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited text is written; None means that it is to be found."""

    delimiter: str | None = None
    header: bool | None = None
    encoding: str | None = None
    quote: str = '"'
    decimal: str | None = None
    texts: frozenset[str] = frozenset()
    """Columns that are texts whatever they look like."""
    is_told: bool = False
    """Whether the first line names the delimiter."""
    thousands: str | None = None
    gaps: tuple[str, ...] = ()
    """What is written where nothing is, besides what pandas and pyarrow know."""
    skip_rows: int = 0
    comment: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    """What columns are to hold, by name: `number`, `category`, `boolean` or `date`."""
    date_formats: tuple[str, ...] = ()
    """How dates may be written besides ISO 8601, in the letters of strptime."""
    known: Collection[str] | None = None
    """The names of columns that a version knows."""
    kept: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Texts of a column that are texts though they are written as nothing is."""
    pads: bool = False
    """Whether spaces stand around each value."""
    is_decimal_told: bool = False
    """Whether the decimal mark was given, so that it need not be guessed."""
    written: Mapping[str, Written] = field(default_factory=dict)
    """How the numbers of columns are written, as far as a version knows it."""
    sheet: str | None = None
    """The sheet of a spreadsheet that is the table; the first that is to be seen where it is None."""


@dataclass(frozen=True, slots=True)
class Found:
    """The dialect of a text, the names of its columns, and what of it was a guess."""

    dialect: Dialect
    names: list[str]
    guesses: list[Finding]


def found_dialect(file: Path, given: Dialect) -> Found:
    """The dialect of a text, as given and otherwise as found, and its column names; `Malformed` if it has no row."""
    sample, whole = _sample(file)
    encoding = found_encoding(sample, given.encoding)
    text = decoded(sample, encoding, given.encoding or "UTF-8, UTF-16 or Windows-1252")
    text = without_comments(text, given.comment, given.quote, given.skip_rows)
    told = _SEPARATOR.match(text)
    text = text[told.end() :] if told else text
    delimiter = given.delimiter or (told[1] if told else _delimiter(text, given.quote, whole=whole))
    rows = rows_of(text, delimiter, given.quote, whole=whole)
    if not rows:
        raise Malformed("Expected a table with at least one row; received an empty text.", code="bad_table")
    rows = with_quotes(rows, text, delimiter, given.quote)
    findings = Findings()
    header = _read_header(rows, given, findings)
    if header and whole and len(text.splitlines()) == 1 and text.count(given.quote) % 2 == 0:
        # pyarrow finds no end of a header that no line break follows
        raise Malformed("Expected a table with at least one row; received none.", code="bad_table")
    names = _names(rows[0], header=header)
    body = rows[1:] if header else rows
    pads = _are_padded(rows) and not any(map(_is_padded, _kept(given)))
    if pads:
        findings.warn("#", "spaces_left_out", "Spaces stand around each value and are left out; quotes keep them.")
    found = replace(
        given,
        delimiter=delimiter,
        header=header,
        encoding=encoding,
        decimal=given.decimal or _decimal(given, body, delimiter),
        is_decimal_told=given.decimal is not None,
        texts=given.texts
        | {name for name, kind in given.types.items() if kind == "category"}
        | _quoted_columns(names, rows, body, delimiter, given.quote),
        is_told=told is not None,
        pads=pads,
    )
    return Found(found, names, findings.warnings)


def _decimal(given: Dialect, body: Sequence[Sequence[str]], delimiter: str) -> str:
    if given.thousands is not None:
        return "," if given.thousands == "." else "."
    return decimal_mark(body, delimiter)


def _read_header(rows: Sequence[Sequence[str]], given: Dialect, findings: Findings) -> bool:
    if given.header is not None:
        return given.header
    found = found_header(rows, given.known)
    if found.guess is not None:
        other = "false" if found.is_there else "true"
        findings.warn("#", "guessed_header", f"{found.guess}; ?header={other} says that it is not.")
    return found.is_there


def _names(first: Sequence[str], *, header: bool) -> list[str]:
    if not header:
        return [f"column_{n}" for n in range(1, len(first) + 1)]
    return [str(name) if isinstance(name, Quoted) and name.strip() else name.strip() for name in first]


def _sample(file: Path) -> tuple[bytes, bool]:
    """The beginning of a file, with some lines, and whether it is all of it."""
    with file.open("rb") as opened:
        sample = more = opened.read(_SAMPLE_BYTES)
        while more and len(sample) < _LARGEST_SAMPLE_BYTES and len(_LINE_ENDS.findall(sample)) < _SAMPLE_LINES:
            more = opened.read(len(sample))
            sample += more
        return sample, not opened.read(1)


def _delimiter(text: str, quote: str, *, whole: bool) -> str:
    """The delimiter that cuts most rows into the same number of parts, and into more than one.

    Where several do, one that leaves commas in numbers alone, else the one that makes the most parts.
    """
    best, best_score = DELIMITERS[0], (0.0, False, 0)
    for delimiter in DELIMITERS:
        rows = rows_of(text, delimiter, quote, whole=whole)
        counts = Counter(map(len, rows))
        if not counts:
            continue
        width, agreeing = counts.most_common(1)[0]
        with_comma = [cell for row in rows for cell in row if "," in cell]
        has_decimals = bool(with_comma) and all(has_comma(cell.strip()) for cell in with_comma)
        score = (agreeing / counts.total(), has_decimals, width)
        if width > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def _quoted_columns(
    names: Sequence[str], rows: Sequence[Sequence[str]], body: Sequence[Sequence[str]], delimiter: str, quote: str
) -> frozenset[str]:
    """The columns whose values are all in quotes, where others are not and quotes stand where none would have to."""
    if not any(cell and not isinstance(cell, Quoted) for row in rows for cell in row):
        return frozenset()
    needs = re.compile(f"[\r\n{re.escape(delimiter)}{re.escape(quote)}]")
    if not any(isinstance(cell, Quoted) and not needs.search(cell) for row in rows for cell in row):
        return frozenset()
    columns = [
        [cell for cell in column if cell or isinstance(cell, Quoted)] for column in zip_longest(*body, fillvalue="")
    ]
    pairs = zip(names, columns, strict=False)
    return frozenset(name for name, cells in pairs if cells and all(isinstance(cell, Quoted) for cell in cells))


def _are_padded(rows: Sequence[Sequence[str]]) -> bool:
    """Whether each value but the first of each row begins with a space."""
    others = [cell for row in rows for cell in row[1:] if cell]
    return bool(others) and all(cell.startswith(" ") for cell in others)


def _is_padded(text: str) -> bool:
    return text != text.strip(" ")


def _kept(given: Dialect) -> list[str]:
    return [text for texts in given.kept.values() for text in texts]

"""Delimited text (CSV and its kin): what its delimiter, header and encoding are, found from its beginning."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import IO

from service.errors import Finding, Invalid, Malformed

DELIMITERS = (",", ";", "\t", "|")
_WITH_COMMA, _WITH_POINT = (re.compile(rf"[+-]?\d+{mark}\d+([eE][+-]?\d+)?") for mark in (",", r"\."))
_SAMPLE_BYTES, _LARGEST_SAMPLE_BYTES = 64 * 1024, 4 << 20
_SAMPLE_LINES = 3
"""A header of ten thousand names may be longer than most samples, and says nothing without a row."""

_SEPARATOR = re.compile(r'[\r\n]*"?sep=(.)"?[\r\n]+', re.IGNORECASE)
"""The line that tells Excel the delimiter."""

_BROKEN = "\ufffd"
"""What a decoder puts where bytes are no letter."""

_LINE_ENDS = re.compile(rb"[\r\n]+")
csv.field_size_limit(_LARGEST_SAMPLE_BYTES)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FALLBACK_ENCODING = "cp1252"
"""What text is taken for that is not UTF-8: Windows' Western European, which has a letter for nearly every byte."""

_ENCODINGS = re.compile("utf-(8|16|32)|ascii|iso|cp[0-9]|koi8|mac-|gb|big5|shift_jis|euc_|tis-620")
"""How Python's names of character sets begin; it has others, bz2 and punycode among them, that grow without limit."""


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
    """Whether a line before all others says what the delimiter is."""


def found_dialect(file: Path, given: Dialect) -> tuple[Dialect, list[str]]:
    """The dialect of a text, as given and otherwise as found, and its column names; `Malformed` if it has no row."""
    sample, whole = _sample(file)
    encoding = _encoding(sample) if given.encoding is None else _known(given.encoding)
    if encoding == "utf-8" and sample.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    text = _decoded(sample, encoding, given.encoding or "UTF-8, UTF-16 or Windows-1252")
    told = _SEPARATOR.match(text)
    text = text[told.end() :] if told else text
    delimiter = given.delimiter or (told[1] if told else _delimiter(text, given.quote, whole=whole))
    rows = _rows(text, delimiter, given.quote, whole=whole)
    if not rows:
        raise Malformed("Expected a table with at least one row; received an empty text.", code="bad_table")
    header = _is_header(rows) if given.header is None else given.header
    if header and whole and len(text.splitlines()) == 1 and text.count(given.quote) % 2 == 0:
        # pyarrow finds no end of a header that no line break follows
        raise Malformed("Expected a table with at least one row; received none.", code="bad_table")
    names = [name.strip() for name in rows[0]] if header else [f"column_{n}" for n in range(1, len(rows[0]) + 1)]
    decimal = given.decimal or _decimal(rows[1:] if header else rows, delimiter)
    return Dialect(delimiter, header, encoding, given.quote, decimal, given.texts, told is not None), names


def _sample(file: Path) -> tuple[bytes, bool]:
    """The beginning of a file, with some lines, and whether it is all of it."""
    with file.open("rb") as opened:
        sample = more = opened.read(_SAMPLE_BYTES)
        while more and len(sample) < _LARGEST_SAMPLE_BYTES and len(_LINE_ENDS.findall(sample)) < _SAMPLE_LINES:
            more = opened.read(len(sample))
            sample += more
        return sample, not opened.read(1)


def _encoding(sample: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if sample.startswith(mark):
            return encoding
    nuls = [sample[place::2].count(0) for place in (0, 1)]
    if min(nuls) == 0 and max(nuls) > len(sample) / 4:
        # Latin letters, digits and delimiters have a NUL in UTF-16.
        return "utf-16-be" if nuls[0] else "utf-16-le"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        check_fallback(io.BytesIO(sample))
        return FALLBACK_ENCODING
    return "utf-8"


def check_fallback(source: IO[bytes]) -> None:
    """`Malformed` for a text that is not all UTF-8, but most of whose letters beyond ASCII are."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    line, letters, broken = 1, 0, 0
    while piece := source.read(_SAMPLE_BYTES):
        text = decoder.decode(piece)
        line += 0 if broken else text.partition(_BROKEN)[0].count("\n")
        broken += text.count(_BROKEN)
        letters += len(text) - len(text.encode("ascii", "ignore"))
    if letters > 2 * broken:
        said = f"Expected a text in UTF-8, as most of it is; received other bytes, first in line {line:,}."
        raise Malformed(said, code="bad_table")


def _known(encoding: str) -> str:
    """Python's name of an encoding."""
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        name = ""
    if not _ENCODINGS.match(name):
        expected = "Expected the name of a character set, such as utf-8, windows-1252 or iso-8859-15."
        raise Invalid([Finding("encoding", "unknown_name", expected)])
    return name


def _decoded(sample: bytes, encoding: str, expected: str) -> str:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        raise Malformed(f"Expected a text in {expected}; received other bytes.", code="bad_table") from None
    if "\0" in text:
        raise Malformed(f"Expected a text in {expected}; received one with NULs.", code="bad_table")
    return text


def _delimiter(text: str, quote: str, *, whole: bool) -> str:
    """The delimiter that cuts most rows into the same number of parts, and into more than one.

    Where several do, one that leaves commas in numbers alone, else the one that makes the most parts.
    """
    best, best_score = DELIMITERS[0], (0.0, False, 0)
    for delimiter in DELIMITERS:
        rows = _rows(text, delimiter, quote, whole=whole)
        counts = Counter(map(len, rows))
        if not counts:
            continue
        width, agreeing = counts.most_common(1)[0]
        with_comma = [cell for row in rows for cell in row if "," in cell]
        has_decimals = bool(with_comma) and all(_WITH_COMMA.fullmatch(cell.strip()) for cell in with_comma)
        score = (agreeing / counts.total(), has_decimals, width)
        if width > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(text: str, delimiter: str, quote: str, *, whole: bool) -> list[list[str]]:
    lines = list(io.StringIO(text, newline=""))  # splitlines would cut at other characters, too
    reader = csv.reader(lines if whole else lines[:-1] or lines, delimiter=delimiter, quotechar=quote)
    try:
        rows = [row for row in reader if row]
    except csv.Error:
        raise Malformed("The text cannot be read as a table.", code="bad_table") from None
    return rows[:200]


def _decimal(rows: list[list[str]], delimiter: str) -> str:
    """The comma, where numbers are written with it and none with a point; else the point."""
    cells = [cell.strip() for row in rows for cell in row]
    by_comma = delimiter != "," and any(_WITH_COMMA.fullmatch(cell) for cell in cells)
    return "," if by_comma and not any(_WITH_POINT.fullmatch(cell) for cell in cells) else "."


def _is_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: it has no number, and has each name once, or one above numbers."""
    names = [name.strip() for name in rows[0]]
    if any(_is_number(name) or _WITH_COMMA.fullmatch(name) for name in names):
        return False
    if all(names) and len(set(names)) == len(names):
        return True
    columns = zip_longest(*rows[1:], fillvalue="")
    return any(name and _are_numbers(cells) for name, cells in zip(names, columns, strict=False))


def _are_numbers(cells: Iterable[str]) -> bool:
    values = [cell.strip() for cell in cells if cell.strip()]
    return bool(values) and all(_is_number(value) or _WITH_COMMA.fullmatch(value) for value in values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

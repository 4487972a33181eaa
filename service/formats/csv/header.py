"""Whether the first row of a delimited text names the columns, by what is known of them or by the rows below."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from service.formats.csv.numbers import is_number, is_whole
from service.formats.csv.sample import Quoted

_YEARS = range(1800, 2101)
_FIGURES = re.compile(r"(?=.*\d)(?!.*[^\W\d_]).+", re.DOTALL)
_GAPS = frozenset({"na", "n/a", "nan", "null", "none"})


@dataclass(frozen=True, slots=True)
class Header:
    """Whether there is one, and why that was a guess; None where it was none."""

    is_there: bool
    guess: str | None = None


def found_header(rows: Sequence[Sequence[str]], known: Collection[str] | None = None) -> Header:
    """What the first row is: names if it has the `known` ones, or any text where some are known.

    Else the types of the values below it tell.
    """
    names = [name.strip() for name in rows[0]]
    if known is None and len(rows) > 1 and _counts_columns(names):
        said = "The first row counts its columns from 0, as pandas names them, and is taken for names"
        return Header(True, said)
    if known is not None and (set(names) <= set(known) or not _are_all_numbers(names)):
        return Header(True)
    if _is_set_apart(rows):
        return Header(True)
    columns = list(zip_longest(*rows[1:], fillvalue=""))
    below = [[cell.strip() for cell in cells if cell.strip()] for cells in columns[: len(names)]]
    below += [[]] * (len(names) - len(below))
    texts = [place for place, name in enumerate(names) if not is_number(name) and any(map(str.isalpha, name))]
    texts = [place for place in texts if names[place].lower() not in _GAPS]
    numbers = [place for place, name in enumerate(names) if is_number(name)]
    if not numbers:
        return _among_texts(names, below)
    if any(_are_figures(below[place]) for place in texts):
        return Header(True, "The first row has numbers and is taken for names, as a text stands above numbers")
    return _among_numbers(names, below, texts, numbers)


def _among_texts(names: Sequence[str], below: Sequence[Sequence[str]]) -> Header:
    """A row without a number: names, unless one is missing or repeated and nothing below tells it apart."""
    is_evident = any(name and _are_figures(cells) for name, cells in zip(names, below, strict=True))
    if is_evident:
        return Header(True)
    if not all(names) or len(set(names)) < len(names):
        return Header(False, "The first row lacks a name, or has one twice, and is taken for data")
    recurs = [name in cells for name, cells in zip(names, below, strict=True)]
    if any(recurs) and not all(recurs):
        return Header(False, "The first row has values that occur below it, too, and is taken for data")
    return Header(True, "The first row is taken for names; its values look like those below it")


def _among_numbers(
    names: Sequence[str], below: Sequence[Sequence[str]], texts: Sequence[int], numbers: Sequence[int]
) -> Header:
    """A row with numbers, no text above numbers: data, unless the numbers count, or are years, above other values."""
    recurs = any(names[place] in below[place] for place in texts)
    are_distinct = len(set(names)) == len(names) and all(names)
    if are_distinct and not recurs and all(is_whole(names[place]) for place in numbers):
        values = [int(names[place]) for place in numbers]
        counts = len(values) > 1 and all(after - before == 1 for before, after in pairwise(values))
        are_years = bool(texts) and all(value in _YEARS for value in values)
        differ = all(_differ(value, below[place]) for value, place in zip(values, numbers, strict=True))
        if differ and (counts or are_years):
            return Header(True, "The first row has numbers that count or are years, and is taken for names")
    guess = "The first row has numbers beside texts, and is taken for data" if texts else None
    return Header(False, guess)


def _differ(value: int, cells: Sequence[str]) -> bool:
    """Whether the values of a column are unlike a number above them: not all whole, or all far from it."""
    if not _are_numbers(cells):
        return bool(cells)
    if not all(is_whole(cell) for cell in cells):
        return True
    values = [int(cell) for cell in cells]
    return value < min(values) / 10 or value > max(values) * 10


def _counts_columns(names: Sequence[str]) -> bool:
    """Whether names are 0, 1, 2 and so on, behind one without a text at most, as pandas writes what has no names."""
    own = names[1:] if names and not names[0] else names
    return len(own) > 1 and list(own) == [str(place) for place in range(len(own))]


def _is_set_apart(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row alone has all its values in quotes, or alone none."""
    first, others = rows[0], [cell for row in rows[1:] for cell in row if cell or isinstance(cell, Quoted)]
    quoted = [isinstance(cell, Quoted) for cell in others]
    if not quoted:
        return False
    if all(isinstance(cell, Quoted) for cell in first):
        return not all(quoted) and any(is_number(cell) for cell in others if not isinstance(cell, Quoted))
    return all(quoted) and not any(isinstance(cell, Quoted) for cell in first) and all(first)


def _are_figures(cells: Sequence[str]) -> bool:
    """Whether values are numbers, dates or amounts, which no name is: digits in each, and a letter in none."""
    return _are_numbers(cells) or (bool(cells) and all(map(_FIGURES.fullmatch, cells)))


def _are_all_numbers(names: Sequence[str]) -> bool:
    return all(is_number(name) for name in names)


def _are_numbers(cells: Sequence[str]) -> bool:
    return bool(cells) and all(map(is_number, cells))

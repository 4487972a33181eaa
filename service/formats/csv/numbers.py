"""Recognizes numbers in a delimited text, and whether a mark in them is a decimal mark or a thousands separator."""

import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum

_WITH_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_WITH_POINT = re.compile(r"[+-]?\d+\.\d+([eE][+-]?\d+)?")
_WHOLE = re.compile(r"[+-]?\d{1,4000}", re.ASCII)

Matches = Callable[[str], bool]
"""Whether values match a pattern from end to end."""


class Grouped(Enum):
    """What numbers with a mark in them mean, by the digits around it and by the values beside them."""

    THOUSANDS = "thousands"
    UNCLEAR = "unclear"
    DECIMALS = "decimals"


def is_number(text: str) -> bool:
    """Whether a text is a number, with a point or a comma before its decimals."""
    try:
        float(text)
    except ValueError:
        return _WITH_COMMA.fullmatch(text) is not None
    return True


def is_whole(text: str) -> bool:
    """Whether a text is a whole number in digits alone."""
    return _WHOLE.fullmatch(text) is not None


def has_comma(text: str) -> bool:
    """Whether a text is a number with one comma in it."""
    return _WITH_COMMA.fullmatch(text) is not None


def grouped(mark: str, *, all_match: Matches, any_matches: Matches) -> Grouped:
    """What a mark means in a column of numbers, some of which have it.

    Three digits behind each mark, beside whole numbers of at most three, are thousands: where one ends in a zero, which
    decimals do not have where they are left out when there are none, or where the mark is a comma. Where nothing is
    beside them, or where all of it may as well be decimals, it is unclear.
    """
    escaped = re.escape(mark)
    group = rf"[+-]?[1-9]\d{{0,2}}({escaped}\d{{3}})+"
    if not any_matches(rf".*\d{escaped}\d.*"):
        return Grouped.DECIMALS
    if any_matches(rf"{group}{escaped}\d{{3}}"):
        return Grouped.THOUSANDS if all_match(rf"{group}|[+-]?\d+") else Grouped.DECIMALS
    if not all_match(rf"{group}|[+-]?\d{{1,3}}"):
        return Grouped.DECIMALS
    has_plain = any_matches(r"[+-]?\d{1,3}")
    if has_plain and (mark == "," or any_matches(rf".*{escaped}\d\d0")):
        return Grouped.THOUSANDS
    return Grouped.UNCLEAR if has_plain or mark == "," else Grouped.DECIMALS


def decimal_mark(rows: Iterable[Sequence[str]], delimiter: str) -> str:
    """The comma, where numbers are written with it and none with a point; else the point.

    A column in which a mark stands between thousands says nothing of it.
    """
    has_comma_before_decimals = has_point = False
    for column in zip(*_even(rows), strict=True):
        cells = [stripped for cell in column if (stripped := cell.strip())]
        has_point |= any(map(_WITH_POINT.fullmatch, cells)) and meaning(cells, ".") is not Grouped.THOUSANDS
        has_comma_before_decimals |= any(map(has_comma, cells)) and meaning(cells, ",") is not Grouped.THOUSANDS
    return "," if has_comma_before_decimals and not has_point and delimiter != "," else "."


def meaning(cells: Sequence[str], mark: str) -> Grouped:
    """As `grouped`, of some values."""
    return grouped(
        mark,
        all_match=lambda pattern: all(re.fullmatch(pattern, cell) for cell in cells),
        any_matches=lambda pattern: any(re.fullmatch(pattern, cell) for cell in cells),
    )


def _even(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    listed = [list(row) for row in rows]
    width = max(map(len, listed), default=0)
    return [row + [""] * (width - len(row)) for row in listed]

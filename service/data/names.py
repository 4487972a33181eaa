"""Names: the texts that stand for values as categories, classes and groups, and names of pandas's indices."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

_INDEX_NAMES = re.compile(r"__index_level_\d+__|Unnamed: \d+(\.\d+)*")
_WHOLE = re.compile(r"[+-]?\d{1,4000}", re.ASCII)


def is_named_as_index(name: str) -> bool:
    """Whether pandas calls an index so that it has saved beside the rows, or what it has read of one without a name."""
    return _INDEX_NAMES.fullmatch(name) is not None


def text_of(value: Any) -> str:
    """A value as the text by which it is one of several categories: 3 and 3.0 are the same, true is a word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def plain_number(text: str) -> str:
    """A number as the text by which it is a category, however it is written, to its last digit; ValueError if none."""
    return str(int(text)) if _WHOLE.fullmatch(text) else text_of(float(text))


def digits(value: Decimal) -> str:
    """A decimal in digits, to the last that says something."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown_decimal(value: Decimal) -> int | float | str:
    """A decimal as JSON has it: whole to its last digit, and as a text where readers of 64 bits would round it."""
    if value != value.to_integral_value():
        return float(value)
    return int(value) if -(2**63) <= value < 2**63 else digits(value)


def names_in_order(texts: Sequence[str]) -> list[str]:
    """Class names in their order: numbers by size, all else by the alphabet."""
    try:
        return sorted(texts, key=lambda text: (float(text), text))
    except ValueError:
        return sorted(texts)

"""JSON text: read strictly and fast, written without a number that JSON does not have."""

import json
import math
import re
from typing import Any

import orjson

from service.errors import Malformed
from service.formats.json_size import expect_parsed

_LONG = re.compile(rb"\d{20}")
"""What a whole number beyond 64 bits has."""


def read_json(text: bytes, *, exact: bool = False) -> Any:
    """The value of a JSON text, or `Malformed` with the position of the first mistake.

    Whole numbers beyond 64 bits are rounded, unless it is to be `exact`.

    `NaN`, `Infinity` and numbers beyond double precision are no JSON, but careless writers produce them: such a
    text is read with them, so that the caller can say which number it is.

    What the value takes is counted first: `Heavy` or `TooLarge`, as `expect_parsed` raises them, if that is too much.
    """
    expect_parsed(text)
    try:
        value = orjson.loads(text)
        return _read_exactly(text, value) if exact and _LONG.search(text) else value
    except orjson.JSONDecodeError as error:
        value = _read_with_non_finite(text)
        if value is None:
            place = f"line {error.lineno}, column {error.colno}"
            raise Malformed(f"The body is not JSON: {error.msg} ({place}).") from None
        return value


def _read_exactly(text: bytes, rounded: Any) -> Any:
    """The value of a text that orjson has read, with every digit of its whole numbers where Python reads them."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return rounded


def _read_with_non_finite(text: bytes) -> Any:
    found: list[float] = []

    def number(literal: str) -> float:
        value = float(literal)
        if not math.isfinite(value):
            found.append(value)
        return value

    def whole(literal: str) -> float:
        value = number(literal)
        return int(literal) if math.isfinite(value) else value

    try:
        value = json.loads(text.decode("utf-8"), parse_constant=number, parse_float=number, parse_int=whole)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return value if found else None


def write_json(value: Any) -> bytes:
    """The JSON text of a value; arrays become lists, what is not finite `null`, and times in UTC end in `Z`."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z)

"""JSON text: read strictly and fast, written without a number that JSON does not have."""

import json
import math
from typing import Any

import orjson

from service.errors import Malformed
from service.formats.json_size import expect_parsed


def read_json(text: bytes) -> Any:
    """The value of a JSON text, or `Malformed` with the position of the first mistake.

    `NaN`, `Infinity` and numbers beyond double precision are no JSON, but careless writers produce them: such a
    text is read with them, so that the caller can say which number it is.

    What the value takes is counted first: `Heavy` or `TooLarge`, as `expect_parsed` raises them, if that is too much.
    """
    expect_parsed(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        value = _read_with_non_finite(text)
        if value is None:
            place = f"line {error.lineno}, column {error.colno}"
            raise Malformed(f"The body is not JSON: {error.msg} ({place}).") from None
        return value


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

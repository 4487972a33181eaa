"""Rows of numbers straight from a JSON text that holds little else, without an object for each number."""

import codecs
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from service.allowance import expect
from service.config import Limits
from service.formats.json_size import parsed_bytes, parsed_bytes_of_row
from service.formats.jsontext import read_json

try:
    import simdjson
except ImportError:  # there is no wheel for this Python
    simdjson = None  # type: ignore[assignment]

Read = TypeVar("Read")

_LARGEST_SQUARE = float(np.finfo(np.float32).max) ** 2


def read_plain_rows(text: bytes, key: str, columns: int, limits: Limits) -> NDArray[np.float32] | None:
    """The rows (rows, columns) of an object that has this key alone; None where the text says anything else.

    What it refuses may be right all the same, and is to be read by those who can say what is wrong with it.
    """

    def read(document: Any) -> NDArray[np.float64] | None:
        rows: Any = document[key] if list(document) == [key] else ()
        return _numbers(rows, _brackets(text)) if len(rows) <= limits.max_rows else None

    numbers = _parsed(text, read)
    if numbers is None or numbers.shape[1] != columns or numbers.size > limits.max_cells:
        return None
    # The sum of the squares is not above it: then no number is beyond float32.
    return numbers.astype(np.float32) if np.vdot(numbers, numbers) <= _LARGEST_SQUARE else None


def read_json_with_rows(text: bytes) -> Any:
    """As `read_json`, but the list `x` of the object, or of its `data`, is an array (rows, columns) of float64.

    A list still where it is anything but rows of numbers.
    """

    def read(document: Any) -> dict[str, Any] | None:
        names = list(document)
        holder = document["data"] if "data" in names else document
        keys = list(holder)
        if keys.count("x") != 1 or names.count("data") > 1:
            return None
        expect(_memory_besides(text, holder["x"]))
        others = {key: _plain(holder[key]) for key in keys if key != "x"}
        around = {} if holder is document else {name: _plain(document[name]) for name in names if name != "data"}
        x = _numbers(holder["x"], _brackets(text) - _brackets(orjson.dumps([others, around])) + 1)
        if x is None:
            return None
        others["x"] = x
        return others if holder is document else {**around, "data": others}

    # A bracket that is written as an escape would not be counted.
    document = None if b"\\" in text else _parsed(text, read)
    return read_json(text) if document is None else document


def _parsed(text: bytes, read: Callable[[Any], Read | None]) -> Read | None:
    """What `read` makes of simdjson's document; None where it or simdjson fails, or the text is no JSON to others."""
    expect(0, text_bytes=len(text))
    if simdjson is None:
        return None
    if text.startswith(codecs.BOM_UTF8):
        return None
    try:
        return read(simdjson.Parser().parse(text))
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
        return None


def _numbers(rows: Any, brackets: int) -> NDArray[np.float64] | None:
    """The numbers (rows, columns) of a list in which so many lists begin, with itself; None where it has others."""
    widths = {len(row) for row in rows}
    # The buffer is flat whatever the lists are.
    if len(widths) != 1 or brackets != len(rows) + 1:
        return None
    return np.frombuffer(rows.as_buffer(of_type="d")).reshape(len(rows), *widths)


def _memory_besides(text: bytes, rows: Any) -> int:
    """About the memory of a document in which these rows are an array."""
    columns = len(rows[0])
    return parsed_bytes(text) - len(rows) * (parsed_bytes_of_row(columns) - 8 * columns)


def _brackets(text: bytes) -> int:
    return len(text) - len(text.replace(b"[", b""))  # a sixth of the time of count


def _plain(value: Any) -> Any:
    """A value of simdjson's as Python's own."""
    if isinstance(value, simdjson.Object):
        return value.as_dict()
    return value.as_list() if isinstance(value, simdjson.Array) else value

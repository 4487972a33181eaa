"""Finds keys that occur twice in an object of a JSON text, of which parsers silently keep one."""

import contextlib
import importlib
import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from service.errors import Malformed
from service.formats.json_size import expect_parsed

_simdjson: Any = None  # there is no wheel for the newest Pythons
with contextlib.suppress(ImportError):
    _simdjson = importlib.import_module("simdjson")

DATA = frozenset({"x", "y", "instances", "inputs", "examples", "rows", "weights", "sample_weight"})
"""The keys with the data of a request; if a key occurs twice in one of their rows, the last one counts."""


class _Object(NamedTuple):
    pairs: list[tuple[str, Any]]


def check_keys(text: bytes, *, data: Collection[str] = DATA) -> None:
    """Raises `Malformed` if an object of a request has a key twice; values under the keys of `data` are not checked.

    A text that is no JSON passes, because its reader reports what is wrong with it.
    """
    if text.count(b'":') + text.count(b'" :') < 2 and b"\\u" not in text:
        return
    expect_parsed(text)
    for key in _repeated(_document(text), data):
        said = f"Expected each key once in an object; {key[:60]!r} stands twice in one."
        raise Malformed(said, code="duplicate_key")


def _document(text: bytes) -> Any:
    try:
        if _simdjson is not None and b"\\u0000" not in text:  # it finds no key that has NUL in it
            return _simdjson.Parser().parse(text)
    except (RuntimeError, ValueError):  # it reads no NaN, which careless writers produce
        pass
    try:
        return json.loads(text, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return None


def _repeated(value: Any, data: Collection[str]) -> Iterator[str]:
    """Yields the first key that occurs twice in an object."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        members = _members(value)
        if members is None:
            waiting += [one for one in value if not isinstance(one, str | int | float)] if _is_list(value) else []
            continue
        keys = [key for key, _ in members]
        if len(set(keys)) < len(keys):
            yield next(key for place, key in enumerate(keys) if key in keys[:place])
            return
        waiting += [inner for key, inner in members if key not in data]


def _members(value: Any) -> list[tuple[str, Any]] | None:
    """Returns the keys of an object, repeated ones too, with their values; None for anything else."""
    if isinstance(value, _Object):
        return value.pairs
    if _simdjson is not None and isinstance(value, _simdjson.Object):
        return [(key, value[key]) for key in value]
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, list if _simdjson is None else (list, _simdjson.Array))

"""Estimates the memory of the value of a JSON text before the text is parsed."""

import re

import numpy as np

from service.allowance import expect, is_allowed

_LIST_BYTES, _OBJECT_BYTES, _PAIR_BYTES, _TEXT_BYTES, _VALUE_BYTES = 96, 300, 44, 56, 34
_SMALL = 64 * 1024
_PIECE = 1 << 20
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def expect_parsed(text: bytes) -> None:
    """Reserves the memory that a text and its value take; raises `Heavy` or `TooLarge`, as `expect` does."""
    expect(0, text_bytes=len(text))  # even counting a long text takes too long there
    size_bytes = parsed_bytes(text)
    if not is_allowed(size_bytes):
        size_bytes = _characters(text) + _values(_STRING.sub(b'""', text))
    expect(size_bytes)


def parsed_bytes(text: bytes) -> int:
    """About so many bytes the value of a JSON text takes at most, with the text itself; 0 for a short text.

    Counted by characters, wherever they stand, so that a comma in a string counts as if it separated two values.
    """
    return 0 if len(text) < _SMALL else _characters(text) + _values(text)


def parsed_bytes_of_row(columns: int) -> int:
    """What of `parsed_bytes` a list of so many numbers accounts for."""
    return _LIST_BYTES + columns * _VALUE_BYTES


def _values(text: bytes) -> int:
    lists, objects, quotes = text.count(b"["), text.count(b"{"), text.count(b'"')
    values = 1 + text.count(b",") + text.count(b"\n") + lists + objects
    containers = lists * _LIST_BYTES + objects * _OBJECT_BYTES + text.count(b":") * _PAIR_BYTES
    return containers + (quotes + 1) // 2 * _TEXT_BYTES + values * _VALUE_BYTES


def _characters(text: bytes) -> int:
    """The text, and its strings, in which one wide character makes all of them wide."""
    is_wide = b"\\u" in text or any(
        np.frombuffer(text, np.uint8, min(_PIECE, len(text) - start), start).max() > 0x7F
        for start in range(0, len(text), _PIECE)
    )
    return len(text) * (5 if is_wide else 2)

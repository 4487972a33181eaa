"""The memory of a parsed JSON text is told from the text, and is never more than was told."""

import tracemalloc

import orjson
import pytest

from service.allowance import Allowance, allowing
from service.errors import TooLarge
from service.formats.json_size import parsed_bytes
from service.formats.jsontext import read_json

LISTS = b"[" + b"[]," * 100_000 + b"[]]"


@pytest.mark.parametrize(
    "text",
    [
        LISTS,
        LISTS.replace(b"[]", b"{}"),
        b"[" + b"1.5," * 100_000 + b"1]",
        b"[" + b'"",' * 100_000 + b'""]',
        b"[" + b'"ab",' * 100_000 + b'""]',
        b"[" + b'{"a":1},' * 50_000 + b"{}]",
        b"{" + b",".join(b'"%d":%d' % (i, 1000 + i) for i in range(100_000)) + b"}",
        b"[" + b"[[[]]]," * 50_000 + b"[]]",
        ("[" + '"\u00e9",' * 100_000 + '""]').encode(),
        ('["' + "a" * 1_000_000 + '\U0001f600"]').encode(),
        b'["' + b"a" * 1_000_000 + b'\\ud83d\\ude00"]',
        b"[\n" + b"123456789,\n" * 100_000 + b"1]",
    ],
    ids=lambda text: text[:20].decode("ascii", "replace"),
)
def test_a_value_takes_no_more_than_was_told(text: bytes) -> None:
    tracemalloc.start()
    try:
        value = orjson.loads(text)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value is not None
    assert 0 < taken <= parsed_bytes(text)


def test_rows_of_numbers_are_not_told_to_take_much_more_than_they_do() -> None:
    text = orjson.dumps([[0.1234, 5.5, 17.25, 1.0] for _ in range(50_000)])
    assert parsed_bytes(text) < 20 * len(text)


def test_commas_in_strings_are_no_values_where_that_decides() -> None:
    text = b'["' + b"," * 200_000 + b'"]'
    with allowing(Allowance(3_000_000, is_apart=True)):
        assert read_json(text) == ["," * 200_000]
    with allowing(Allowance(3_000_000, is_apart=True)), pytest.raises(TooLarge):
        read_json(LISTS)

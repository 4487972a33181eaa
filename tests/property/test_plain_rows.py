"""Reading plain rows the quick way never differs from the careful way, and never takes what that refuses."""

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.api.instances import read_prediction
from service.config import Settings
from service.errors import Invalid
from service.formats import plain_rows
from service.formats.plain_rows import read_plain_rows

SETTINGS = Settings(_env_file=None, max_rows=6, max_cells=12)
NUMBERS = st.one_of(st.integers(-(2**24), 2**24), st.floats(width=64))
CELLS = st.one_of(NUMBERS, NUMBERS, st.booleans(), st.none(), st.text(max_size=3), st.just({}), st.just([]))
ROWS = st.lists(st.one_of(st.lists(CELLS, max_size=3), st.lists(NUMBERS, min_size=2, max_size=2), CELLS), max_size=8)
PLAIN = st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1, max_size=7)
BODIES = st.fixed_dictionaries(
    {"instances": st.one_of(PLAIN, ROWS)}, optional={"inputs": ROWS, "signature_name": CELLS}
)


def careful(document: dict[str, Any]) -> Any:
    try:
        rows, _ = read_prediction(document, 2, SETTINGS)
    except Invalid:
        return None
    return rows.tolist()


@given(BODIES, st.booleans())
@example({"instances": [[1, True]]}, False)
@example({"instances": [["1", 2]]}, False)
@example({"instances": [[[1], 2], [3, 4]]}, False)
@example({"instances": [[1, [2, 3]], [4, 5]]}, False)
@example({"instances": [{"a": 1, "b": 2}]}, False)
@example({"instances": ["[["]}, False)
@example({"instances": [[1, 2]], "inputs": [[1, 2]]}, False)
@example({"instances": [[10**30, 2]]}, False)
@example({"instances": [[1e39, 2]]}, False)
@example({"instances": [[1, 2]] * 7}, False)
def test_the_quick_way_agrees_with_the_careful_one_or_leaves_it_to_it(document: dict[str, Any], indented: bool) -> None:
    body = json.dumps(document, indent=2 if indented else None).encode()
    rows = read_plain_rows(body, "instances", 2, SETTINGS)
    if rows is not None:
        assert rows.dtype == np.float32
        assert rows.tolist() == careful(document)


@given(
    st.lists(
        st.lists(st.floats(-(2.0**120), 2.0**120, width=32), min_size=2, max_size=2),
        min_size=1,
        max_size=6,
    )
)
def test_plain_rows_go_the_quick_way(rows: list[list[float]]) -> None:
    found = read_plain_rows(json.dumps({"instances": rows}).encode(), "instances", 2, SETTINGS)
    assert found is not None
    assert found.tolist() == rows


@given(PLAIN, st.data())
def test_a_damaged_text_is_refused_or_read_as_the_careful_reader_reads_it(rows: Any, data: st.DataObject) -> None:
    body = bytearray(json.dumps({"instances": rows}).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    found = read_plain_rows(bytes(body), "instances", 2, SETTINGS)
    if found is not None:
        assert found.tolist() == careful(orjson.loads(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1]",
        b"\xff",
        b'{"instances": []}',
        b'{"instances": [[]]}',
        b'{"inputs": [[1, 2]]}',
        b'{"instances": [[1, 2]], "instances": [[3, 4]]}',
        b'{"instances": 1}',
        b'{"instances": "ab"}',
    ],
)
def test_everything_else_is_left_to_the_careful_reader(body: bytes) -> None:
    assert read_plain_rows(body, "instances", 2, SETTINGS) is None


def test_without_the_quick_reader_everything_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_rows, "simdjson", None)
    assert read_plain_rows(b'{"instances": [[1, 2]]}', "instances", 2, SETTINGS) is None

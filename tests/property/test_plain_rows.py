"""Reading plain rows the quick way never differs from the careful way, and never takes what that refuses."""

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.config import Settings
from service.errors import Findings, Invalid, Malformed
from service.formats import plain_rows
from service.formats.arrays import read_rows
from service.formats.jsontext import read_json
from service.formats.plain_rows import read_json_with_rows, read_plain_rows
from service.prediction.instances import read_prediction

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


OTHERS = st.dictionaries(st.sampled_from(["y", "fit", "[", "x"]), st.one_of(CELLS, ROWS, st.just({"x": [["["]]})))


def listed(document: Any) -> Any:
    """The document with lists where it has arrays."""
    if isinstance(document, dict):
        return {key: listed(value) for key, value in document.items()}
    return document.tolist() if isinstance(document, np.ndarray) else document


@given(OTHERS, OTHERS, st.one_of(PLAIN, ROWS), st.booleans(), st.booleans())
@example({}, {}, [[[1, 2], []], [3, 4]], True, False)
@example({"y": "["}, {}, [[[1, 2], []], [3, 4]], True, True)
def test_a_document_is_the_same_whether_its_rows_are_an_array_or_lists(
    around: dict[str, Any], data: dict[str, Any], x: Any, is_inside: bool, escaped: bool
) -> None:
    document = {**around, "data": {**data, "x": x}} if is_inside else {**data, "x": x}
    body = json.dumps(document, ensure_ascii=False).encode()
    if escaped:
        body = body.replace(b'"["', b'"\\u005b"')
    np.testing.assert_equal(listed(read_json_with_rows(body)), read_json(body))


@given(PLAIN, st.data())
def test_a_damaged_document_is_read_or_refused_as_without_the_quick_way(rows: Any, data: st.DataObject) -> None:
    body = bytearray(json.dumps({"fit": {"epochs": 1}, "data": {"x": rows, "y": [1, 2]}}).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        expected = read_json(bytes(body))
    except Malformed:
        with pytest.raises(Malformed):
            read_json_with_rows(bytes(body))
    else:
        np.testing.assert_equal(listed(read_json_with_rows(bytes(body))), expected)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": {"x": [[1, 2], [3, 4]], "y": ["[", 1]}, "fit": {"batch": []}}',
        b'{"y": [0, 1], "x": [[1, 2], [3, 4]]}',
    ],
)
def test_rows_of_a_document_become_an_array(body: bytes) -> None:
    document = read_json_with_rows(body)
    found = document.get("data", document)["x"]
    assert isinstance(found, np.ndarray)
    assert listed(document) == read_json(body)


@pytest.mark.parametrize("number", ["1e39", "-1e39"])
def test_a_number_beyond_float32_in_an_array_is_found_where_it_is(number: str) -> None:
    document = read_json_with_rows(f'{{"x": [[1, 2], [3, {number}]]}}'.encode())
    findings = Findings()
    assert isinstance(document["x"], np.ndarray)
    assert read_rows(document["x"], "#/x", findings, SETTINGS) is None
    assert [(one.pointer, one.code) for one in findings.errors] == [("#/x/1/1", "not_finite")]

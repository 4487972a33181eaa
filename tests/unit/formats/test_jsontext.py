"""JSON text: the strict reader, its tolerance for numbers that are no JSON, and the writer."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Malformed
from service.formats.jsontext import read_json, write_json


def test_a_malformed_text_is_refused_with_the_position() -> None:
    with pytest.raises(Malformed, match=r"line 2, column 8"):
        read_json(b'{"a": 1,\n "b": [}')


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"nothing", b'{"a": NaN', b"[" * 100_000, b'"\\ud800"'])
def test_what_is_no_json_is_malformed(text: bytes) -> None:
    with pytest.raises(Malformed):
        read_json(text)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999", "1" * 400])
def test_numbers_that_are_no_json_are_read_so_that_they_can_be_pointed_at(literal: str) -> None:
    value = read_json(f'{{"x": [1, {literal}], "epochs": 3}}'.encode())
    assert not math.isfinite(value["x"][1])
    assert value["epochs"] == 3
    assert isinstance(value["epochs"], int)


@given(st.binary())
def test_any_bytes_are_read_or_malformed(text: bytes) -> None:
    with contextlib.suppress(Malformed):
        read_json(text)


def test_numbers_that_are_not_finite_are_written_as_null() -> None:
    text = write_json({"a": math.nan, "b": np.array([[1.5, math.inf]], np.float32), "c": -math.inf})
    assert text == b'{"a":null,"b":[[1.5,null]],"c":null}'

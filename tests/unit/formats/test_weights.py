"""Weights as safetensors bytes: order, types, metadata, equal bytes for equal content."""

import contextlib
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Damaged
from service.formats.weights import digest, pack, unpack


def test_arrays_keep_order_type_shape_and_values() -> None:
    given_arrays: dict[str, Any] = {
        "z/kernel": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "a/bias": np.zeros(3, np.float64),
        "count": np.array(7, np.int64),
        "empty": np.zeros((0, 2), np.float32),
    }
    arrays, metadata = unpack(pack(given_arrays, {"classes": ["ü", "b"], "n": None}))
    assert list(arrays) == list(given_arrays)
    for name, array in given_arrays.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert metadata == {"classes": ["ü", "b"], "n": None}


def test_equal_content_gives_equal_bytes() -> None:
    arrays = {"b": np.ones(3, np.float32), "a": np.zeros(2, np.float32)}
    metadata = {"one": 1, "two": [2], "three": {"x": None}}
    assert len({digest(pack(arrays, metadata)) for _ in range(20)}) == 1


def test_anyone_can_read_the_bytes_as_safetensors() -> None:
    content = pack({"dense/kernel": np.eye(2, dtype=np.float32)})
    np.testing.assert_array_equal(safetensors.numpy.load(content)["dense/kernel"], np.eye(2))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"12345678",
        safetensors.numpy.save({"a": np.ones(1)}),
        safetensors.numpy.save({"a": np.ones(1)}, {"fitd": "[]"}),
        safetensors.numpy.save({"a": np.ones(1)}, {"fitd": "nonsense"}),
        safetensors.numpy.save({"a": np.ones(1)}, {"fitd": '{"order": ["b"], "metadata": {}}'}),
    ],
)
def test_other_bytes_are_malformed(content: bytes) -> None:
    with pytest.raises(Damaged):
        unpack(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_malformed(content: bytes) -> None:
    with contextlib.suppress(Damaged):
        unpack(content)

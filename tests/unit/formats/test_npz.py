"""Arrays are read from .npz files without pickle and within the limits."""

from pathlib import Path

import numpy as np
import pytest

from service.errors import Malformed, TooLarge
from service.formats.npz import read_npz
from tests.support.tables import LIMITS


def test_arrays_are_read_without_pickle_and_within_the_limits(tmp_path: Path) -> None:
    file = tmp_path / "file.npz"
    np.savez_compressed(file, x=np.eye(3), y=np.arange(3))
    assert read_npz(file, LIMITS, "x", "y")["x"].tolist() == np.eye(3).tolist()
    for limits in ({"max_table_cells": 5}, {"max_unpacked_bytes": 10}, {"max_columns": 2}):
        with pytest.raises(TooLarge):
            read_npz(file, LIMITS.model_copy(update=limits), "x", "y")
    with pytest.raises(Malformed, match="with the arrays x and z and Y; received one without z and Y"):
        read_npz(file, LIMITS, "x", "z", "Y")
    np.savez(file, x=np.eye(3), y=np.array(["a", "b", "a"], object))
    with pytest.raises(Malformed, match="texts in the array y; received objects of Python"):
        read_npz(file, LIMITS, "x", "y")
    file.write_bytes(b"PK rubbish")
    with pytest.raises(Malformed, match="received one that cannot be read"):
        read_npz(file, LIMITS, "x", "y")


@pytest.mark.parametrize(("old", "new"), [(b"}", b"\0"), (b"(", b"["), (b"'descr'", b"descr")], ids=repr)
def test_a_header_of_numpy_that_cannot_be_read_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    file = tmp_path / "file.npz"
    np.savez(file, x=np.eye(3), y=np.arange(3))
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    with pytest.raises(Malformed):
        read_npz(file, LIMITS, "x", "y")


def test_an_array_that_nobody_reads_is_refused_and_an_optional_one_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file.npz"
    np.savez(file, x=np.eye(3), y=np.arange(3), sample_weight=np.ones(3))
    assert list(read_npz(file, LIMITS, "x", "y", optional=("sample_weight",))) == ["x", "y", "sample_weight"]
    with pytest.raises(Malformed, match="no arrays but x, y; received others, among them 'sample_weight'"):
        read_npz(file, LIMITS, "x", "y")

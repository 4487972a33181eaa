"""Scratch: a place of one's own that leaves nothing behind, not even what the dead left."""

import os
import time
from pathlib import Path

import pytest

from service.storage.scratch import scratch


def test_a_place_is_gone_with_the_block_also_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch(tmp_path / "scratch") as place:
            (place / "file").write_bytes(b"x")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_was_left_a_day_ago_is_forgotten_and_what_is_young_stays(tmp_path: Path) -> None:
    for name, days in (("old", 1.1), ("young", 0.9)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - days * 86_400,) * 2)
    with scratch(tmp_path) as place:
        assert {one.name for one in tmp_path.iterdir()} == {"young", place.name}

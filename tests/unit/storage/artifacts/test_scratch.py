"""Scratch: a place of one's own that leaves nothing behind, not even what the dead left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.storage.artifacts.scratch import forget_the_dead, scratch

DIES = """\
import os, signal, sys
from pathlib import Path
from service.storage.artifacts.scratch import scratch
with scratch(Path(sys.argv[1])) as place:
    (place / "file").write_bytes(b"x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def make_old(place: Path, days: float = 1) -> None:
    os.utime(place, (time.time() - days * 86_400,) * 2)


def test_a_place_is_gone_with_the_block_also_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch(tmp_path / "scratch") as place:
            (place / "file").write_bytes(b"x")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_the_dead_left_is_forgotten_and_what_is_in_use_stays_however_old(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False)
    assert died.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    with scratch(tmp_path) as place:
        assert {left, place} == set(tmp_path.iterdir()), "It might be somebody's who is about to begin."
        make_old(left)
        make_old(place, days=9)
        with scratch(tmp_path) as another:
            assert {place, another} == set(tmp_path.iterdir())


def test_files_of_others_and_a_directory_that_is_not_there_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("to whom it may concern")
    make_old(tmp_path / "letter.txt")
    forget_the_dead(tmp_path)
    forget_the_dead(tmp_path / "nowhere")
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]

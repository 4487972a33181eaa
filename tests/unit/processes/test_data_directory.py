"""One supervisor at a time has the directory of data, and knows who had it before."""

from pathlib import Path

import pytest

from service.errors import Conflict
from service.processes.data_directory import lock_directory


def test_the_directory_is_made_and_remembers_its_last_owner(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "data"
    with lock_directory(directory) as first:
        assert first.previous == ""
    with lock_directory(directory) as second:
        assert second.previous == first.name
        assert second.name != first.name
    with lock_directory(directory) as third:
        assert third.previous == second.name


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    with (
        lock_directory(tmp_path),
        pytest.raises(Conflict, match=r"Another Fitd serves from .*a FITD_DATA_DIR and a FITD_PORT of its own"),
        lock_directory(tmp_path),
    ):
        pass


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Conflict, match=r"Cannot write to .*file"), lock_directory(tmp_path / "file"):
        pass

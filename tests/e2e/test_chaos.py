"""Whatever dies, whenever: no job is lost, none is published twice, and every bit is as it would have been."""

from pathlib import Path

import pytest

from tests.e2e.chaos import Chaos
from tests.support.postgres import new_database


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_jobs_outlast_the_death_of_everything_and_end_with_the_same_bits(tmp_path: Path, backend: str) -> None:
    chaos = Chaos(tmp_path, new_database() if backend == "postgresql" else None, seed=11)
    chaos.run(actions=12)
    assert chaos.done["kill worker"] >= 4

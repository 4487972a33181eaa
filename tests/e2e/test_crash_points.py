"""At whatever write its worker dies, a job ends once, with the bits of one whose worker did not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import ROOT
from tests.support.postgres import new_database
from tests.support.storing import sqlite_url

EVERYWHERE = {"UPDATE jobs", "INSERT checkpoints", "INSERT events", "INSERT versions", "INSERT version_weights"}
EVERYWHERE |= {"before commit", "after commit", "before artifact write", "after artifact write"}


@pytest.mark.parametrize(("backend", "deaths"), [("sqlite", 2), ("postgresql", 1)])
def test_a_worker_may_die_at_any_write(tmp_path: Path, backend: str, deaths: int) -> None:
    url = new_database() if backend == "postgresql" else sqlite_url(tmp_path)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.e2e.crash_points", url, str(deaths)],
        check=False,
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    for line in ended.stdout.splitlines():
        ((_, died),) = json.loads(line).items()
        assert set(died) >= EVERYWHERE

"""Keras's own unit tests, run against `service.nn`: what fails is named with its reason, and nothing else fails.

The files come from the Keras in `.venv-oracles`; none of them is in this repository.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from tests.oracles.keras_own.cuts import copy_tests
from tests.oracles.keras_own.reasons import DIFFERENCES, reason_of
from tests.oracles.test_keras import PYTHON, ROOT

AT_LEAST = 930
"""So many of Keras's tests pass."""

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="`make .venv-oracles/.ready` brings Keras")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of each test."""
    folder = tmp_path_factory.mktemp("keras_own")
    (packages,) = (ROOT / ".venv-oracles").glob("lib/python*/site-packages")
    copy_tests(packages / "keras/src", folder / "keras_tests")
    shutil.copytree(packages / "absl", folder / "packages/absl")
    (folder / "pytest.ini").write_text("[pytest]\npython_files = *_test.py\n", encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTEST", "PYTHON"))}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder / "packages")]),
        "RESULTS": str(folder / "results.json"),
        "OPENBLAS_NUM_THREADS": "1",
    }
    plugins = [
        "-p",
        "tests.oracles.keras_own.plugin",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:unraisableexception",
    ]
    options = [
        "--import-mode=importlib",
        "--rootdir",
        str(folder),
        "-c",
        str(folder / "pytest.ini"),
        "-q",
        "-W",
        "ignore",
    ]
    command = [sys.executable, "-m", "pytest", *plugins, *options, "--tb=short", "keras_tests"]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (folder / "results.json").exists(), ended.stdout[-2000:] + ended.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found


def test_what_fails_of_keras_own_tests_is_named_with_its_reason(results: list[dict[str, Any]]) -> None:
    failed = [(one["test"], *reason_of(one["test"], one["message"])) for one in results if one["outcome"] == "failed"]
    assert [one for one in failed if one[1] == "unknown"] == []
    differences = Counter(reason for _, kind, reason in failed if kind == "difference")
    assert set(differences) == set(DIFFERENCES.values())
    assert differences.total() < 15


def test_most_of_keras_own_tests_pass(results: list[dict[str, Any]]) -> None:
    assert sum(one["outcome"] == "passed" for one in results) >= AT_LEAST

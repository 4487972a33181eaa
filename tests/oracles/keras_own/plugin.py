"""The plugin of pytest that puts Keras's names over `service.nn` before Keras's tests are imported."""

import json
import os
import sys
import types
from pathlib import Path

import pytest

from tests.oracles.keras_own import modules

modules.install()

conftest = types.ModuleType("conftest")
conftest.skip_if_backend = lambda backend, reason: pytest.mark.skipif(backend == "jax", reason=reason)
sys.modules["conftest"] = conftest

RESULTS = []


def pytest_configure(config):
    for mark in ("requires_trainable_backend", "skipif_backend", "multi_device"):
        config.addinivalue_line("markers", mark)


def pytest_runtest_logreport(report):
    if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
        crash = getattr(report.longrepr, "reprcrash", None)
        message = "" if report.outcome != "failed" else crash.message if crash else str(report.longrepr)
        name = report.nodeid.partition("keras_tests/")[2]
        RESULTS.append({"test": name, "outcome": report.outcome, "message": message[:1500]})


def pytest_collectreport(report):
    if report.failed:
        RESULTS.append({"test": report.nodeid, "outcome": "failed", "message": str(report.longrepr)[-1500:]})


def pytest_sessionfinish():
    Path(os.environ["RESULTS"]).write_text(json.dumps(RESULTS), encoding="utf-8")

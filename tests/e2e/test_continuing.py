"""A training that goes on from a version and whose worker is killed ends with the bits of one that never stopped."""

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import Server
from tests.e2e.test_workers import children, eventually, is_final, once, pid_of
from tests.support.postgres import new_database

BEGUN, SOME_SECONDS = 500, 9_000
ROWS = [[float(row % 7), float(row % 3)] for row in range(64)]
NETWORK: dict[str, Any] = {
    "spec": {
        "layers": [
            {"class_name": "Dense", "units": 8, "activation": "tanh"},
            {"class_name": "Dropout", "rate": 0.1},
            {"class_name": "Dense", "units": 1},
        ]
    },
    "compile": {"optimizer": {"class_name": "AdamW", "weight_decay": 0.01}, "loss": "mse"},
}


def submit(server: Server, model: str, epochs: int, **parts: Any) -> str:
    fit = {"epochs": epochs, "batch_size": 8, "seed": 1, "shuffle": False}
    request = {"model": model, "fit": fit, "data": {"x": ROWS, "y": [row[0] / 7 for row in ROWS]}, **parts}
    answer = httpx.post(f"{server.url}/v1/training-jobs", json=request, timeout=60)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def version_of(server: Server, job: dict[str, Any]) -> dict[str, Any]:
    assert job["status"] == "succeeded", job
    version: dict[str, Any] = httpx.get(f"{server.url}{job['links']['version']}").json()
    return version


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_continued_training_whose_worker_is_killed_ends_with_the_same_bits(tmp_path: Path, backend: str) -> None:
    settings = {"FITD_WORKERS": "1", "FITD_CHECKPOINT_SECONDS": "0.1", "FITD_ARTIFACTS_URL": str(tmp_path / "kept")}
    if backend == "postgresql":
        settings["FITD_DATABASE_URL"] = new_database()
    server = Server(tmp_path, **settings)
    server.start()
    try:
        once(server, submit(server, "begun", BEGUN, **NETWORK), is_final)
        job = submit(server, "ended", SOME_SECONDS, **{"from": {"model": "begun"}})
        eventually(lambda: list((tmp_path / "kept").glob(f"{job}.*")))
        (worker,) = children(pid_of(server), "worker")
        os.kill(worker, signal.SIGKILL)
        assert httpx.delete(f"{server.url}/v1/models/begun").status_code == 409
        done = once(server, job, is_final)
        assert done["attempt"] == 2
        assert done["from"] == {"model": "begun", "version": 1, "optimizer": True}
        whole = once(server, submit(server, "whole", BEGUN + SOME_SECONDS, **NETWORK), is_final)
        assert version_of(server, done)["sha256"] == version_of(server, whole)["sha256"]
    finally:
        server.stop()

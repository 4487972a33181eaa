"""A job that kills whoever takes it ends as failed after a few of them, and all the others are trained meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import ROOT, Server
from tests.e2e.test_workers import is_final, once, submit

POISON = ROOT / "tests" / "e2e" / "poison"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, PYTHONPATH=f"{POISON}:{ROOT}")
    made.start()
    yield made
    made.stop()


def wide(server: Server, model: str) -> str:
    """A job that needs some 300 MB."""
    request: dict[str, Any] = {
        "model": model,
        "spec": {"layers": [{"class_name": "Dense", "units": units} for units in (4000, 4000, 1)]},
        "compile": {"optimizer": "adam", "loss": "mse"},
        "fit": {"epochs": 1},
        "data": {"x": [[0.1, 0.2], [0.3, 0.4]], "y": [0, 1]},
    }
    answer = httpx.post(f"{server.url}/v1/training-jobs", json=request, timeout=60)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def test_a_job_that_kills_its_workers_fails_after_five_and_the_others_are_trained(server: Server) -> None:
    told = {"segfault": "ended by signal 11", "exit": "more memory", "killed": "killed (SIGKILL)"}
    poison = {submit(server, 5, kind): words for kind, words in told.items()}
    others = [submit(server, 5, f"other-{number}") for number in range(10)]
    assert {once(server, job, is_final)["status"] for job in others} == {"succeeded"}
    for job, words in poison.items():
        failed = once(server, job, is_final)
        assert (failed["status"], failed["error"]["reason"], failed["attempt"]) == ("failed", "worker_lost", 5)
        assert failed["version"] is None
        assert words in failed["error"]["detail"]
        assert ("FITD_MAX_MEMORY_BYTES" in failed["error"]["detail"]) == ("SIGKILL" in words)


def test_a_job_that_needs_more_memory_than_its_worker_may_have_says_so_and_costs_no_worker(server: Server) -> None:
    failed = once(server, wide(server, "memory"), is_final)
    assert (failed["status"], failed["error"]["reason"], failed["attempt"]) == ("failed", "out_of_memory", 1)
    assert once(server, wide(server, "enough"), is_final)["status"] == "succeeded"
    assert "is started again" not in (server.data.parent / "serve.log").read_text()

"""Hundreds of short jobs are all done while one long job runs beside them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import Server
from tests.e2e.test_workers import ENDLESS, cancel, eventually, is_under_way, look, once, submit

MANY = 300
SHORT: dict[str, Any] = {
    "spec": {"layers": [{"class_name": "Dense", "units": 4}, {"class_name": "Dense", "units": 1}]},
    "compile": {"optimizer": "sgd", "loss": "mse"},
    "fit": {"epochs": 1},
    "data": {"x": [[0, 0], [0, 1], [1, 0], [1, 1]], "y": [0, 1, 1, 0]},
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, FITD_MAX_EPOCHS=str(ENDLESS))
    made.start()
    yield made
    made.stop()


def pages(server: Server, path: str, **asked: Any) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = httpx.get(f"{server.url}{path}", params={"limit": 200} | asked | cursor, timeout=60).json()
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def test_short_jobs_do_not_wait_for_a_long_one(server: Server) -> None:
    long = submit(server, ENDLESS, "long")
    once(server, long, is_under_way)
    batch = {"jobs": [SHORT | {"model": f"short-{number % 7}"} for number in range(MANY)]}
    answer = httpx.post(f"{server.url}/v1/training-jobs:batch", json=batch, timeout=60)
    assert answer.status_code == 202, answer.text
    short = {job["id"]: job["model"] for job in answer.json()["items"]}
    eventually(lambda: not any(job["id"] in short for job in pages(server, "/v1/training-jobs", status="queued")))
    eventually(lambda: [job["id"] for job in pages(server, "/v1/training-jobs", status="running")] == [long])
    jobs = {job["id"]: job for job in pages(server, "/v1/training-jobs") if job["id"] in short}
    assert Counter((job["status"], job["attempt"]) for job in jobs.values()) == {("succeeded", 1): MANY}
    numbers = Counter(f"{job['model']}/{job['version']}" for job in jobs.values())
    assert max(numbers.values()) == 1
    for model in sorted(set(short.values())):
        assert len(list(pages(server, f"/v1/models/{model}/versions"))) == list(short.values()).count(model)
    assert look(server, long)["attempt"] == 1
    cancel(server, long)

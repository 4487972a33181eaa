"""Tables through a real server: the same bits although a worker dies, and one dataset although many send it."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np

from tests.e2e.server import Server
from tests.e2e.test_workers import DEADLINE_SECONDS, children, is_final, once, pid_of, the_busy_one

ROWS = 30_000


def csv_of(rows: int) -> bytes:
    rng = np.random.default_rng(4)
    kinds = rng.choice(["red", "green", "blue"], rows)
    lines = [f"{rng.normal(k == 'red'):.4f},{k},{rng.random():.4f},{'yes' if k == 'red' else 'no'}" for k in kinds]
    return "\n".join(["size,kind,noise,good", *lines]).encode()


def upload(server: Server, content: bytes) -> httpx.Response:
    headers = {"Content-Type": "text/csv"}
    return httpx.post(f"{server.url}/v1/datasets", content=content, headers=headers, timeout=DEADLINE_SECONDS)


def submit(server: Server, dataset: str, model: str, epochs: int = 60, units: int = 16) -> str:
    layers: list[dict[str, Any]] = [
        {"class_name": "Dense", "units": units, "activation": "relu"},
        {"class_name": "Dropout", "rate": 0.2},
        {"class_name": "Dense", "units": "auto", "activation": "sigmoid"},
    ]
    request = {
        "model": model,
        "spec": {"layers": layers},
        "compile": {"optimizer": "adam", "loss": "binary_crossentropy"},
        "fit": {"epochs": epochs, "seed": 3},
        "data": {"dataset": dataset, "target": "good", "split": {"test": 0.2, "method": "stratified"}},
    }
    answer = httpx.post(f"{server.url}/v1/training-jobs", json=request, timeout=DEADLINE_SECONDS)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def version_of(server: Server, job: dict[str, Any]) -> dict[str, Any]:
    version: dict[str, Any] = httpx.get(f"{server.url}{job['links']['version']}").json()
    return version


def test_a_training_on_a_table_ends_with_the_same_bits_although_its_worker_dies(server: Server) -> None:
    dataset = upload(server, csv_of(ROWS)).json()["id"]
    undisturbed = once(server, submit(server, dataset, "undisturbed"), is_final)
    job_id = submit(server, dataset, "disturbed")
    os.kill(the_busy_one(children(pid_of(server), "worker")), signal.SIGKILL)
    disturbed = once(server, job_id, is_final)
    assert (undisturbed["status"], disturbed["status"]) == ("succeeded", "succeeded")
    assert (undisturbed["attempt"], disturbed["attempt"]) == (1, 2)
    versions = [version_of(server, job) for job in (undisturbed, disturbed)]
    for key in ("sha256", "metrics", "input", "output"):
        assert versions[0][key] == versions[1][key]


def test_the_same_table_sent_by_many_at_once_is_stored_once(server: Server) -> None:
    content = csv_of(2000)
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda _: upload(server, content), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1

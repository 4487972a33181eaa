"""Prediction jobs through a real server: the same bytes although a worker dies, and a cancel that is heard."""

import io
import os
import signal
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tests.e2e.server import Server
from tests.e2e.test_tables import csv_of, submit, upload
from tests.e2e.test_workers import DEADLINE_SECONDS, children, eventually, is_final, once, pid_of, the_busy_one

ROWS = 600_000


def many(rows: int) -> bytes:
    rng = np.random.default_rng(12)
    sink = io.BytesIO()
    kinds = pa.array(["red", "green", "blue"]).take(pa.array(rng.integers(0, 3, rows)))
    parquet.write_table(pa.table({"size": rng.normal(size=rows), "kind": kinds, "noise": rng.random(rows)}), sink)
    return sink.getvalue()


def predict(server: Server, dataset: str) -> str:
    asked = {"model": "deep", "dataset": dataset, "outputs": ["predictions", "predicted_classes"]}
    answer = httpx.post(f"{server.url}/v1/prediction-jobs", json=asked, timeout=DEADLINE_SECONDS)
    assert answer.status_code == 202, answer.text
    path: str = answer.json()["links"]["self"]
    return path


def look(server: Server, path: str) -> dict[str, Any]:
    job: dict[str, Any] = httpx.get(f"{server.url}{path}", timeout=DEADLINE_SECONDS).json()
    return job


def ended(server: Server, path: str) -> dict[str, Any]:
    job: dict[str, Any] = eventually(lambda: (job := look(server, path)) and is_final(job) and job)
    return job


def under_way(server: Server, path: str) -> dict[str, Any]:
    job: dict[str, Any] = eventually(lambda: (job := look(server, path)) and job["progress"]["rows_done"] and job)
    return job


def test_a_prediction_ends_with_the_same_bytes_although_its_worker_dies(server: Server) -> None:
    # A network that is slow enough to be watched.
    training = submit(server, upload(server, csv_of(500)).json()["id"], "deep", epochs=1, units=4096)
    assert once(server, training, is_final)["status"] == "succeeded"
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    stored = httpx.post(f"{server.url}/v1/datasets", content=many(ROWS), headers=headers, timeout=DEADLINE_SECONDS)
    dataset = stored.json()["id"]
    disturbed = predict(server, dataset)
    seen = under_way(server, disturbed)
    assert 0 < seen["progress"]["rows_done"] < seen["progress"]["rows"] == ROWS
    os.kill(the_busy_one(children(pid_of(server), "worker")), signal.SIGKILL)
    job = ended(server, disturbed)
    assert (job["status"], job["attempt"], job["progress"]["rows_done"]) == ("succeeded", 2, ROWS)
    undisturbed = ended(server, predict(server, dataset))
    assert (undisturbed["status"], undisturbed["attempt"]) == ("succeeded", 1)
    # Equal bytes are stored once.
    assert undisturbed["result"] == job["result"]
    answer = httpx.get(f"{server.url}{job['links']['content']}?format=arrow", timeout=DEADLINE_SECONDS)
    assert pa.ipc.open_file(answer.content).read_all().num_rows == ROWS

    cancelled = predict(server, dataset)
    under_way(server, cancelled)
    assert httpx.post(f"{server.url}{cancelled}:cancel").status_code == 202
    job = ended(server, cancelled)
    assert (job["status"], job["result"]) == ("cancelled", None)
    assert job["progress"]["rows_done"] < ROWS

"""Jobs through a real server: how many a second, how soon they begin, what checkpoints and deaths cost.

`python -m benchmarks.jobs` runs it on SQLite and on PostgreSQL, with two workers, on this machine alone.
"""

import argparse
import os
import signal
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from tests.e2e.chaos import Chaos
from tests.e2e.server import Server
from tests.e2e.test_workers import the_busy_one
from tests.support.postgres import new_database
from tests.support.serving import canonical

FINAL = ("succeeded", "failed", "cancelled")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100)
    asked = parser.parse_args()
    for backend in ("sqlite", "postgresql"):
        print(f"## {backend}, two workers")
        throughput(backend, asked.jobs)
        recovery(backend)
    overhead()


def started(backend: str, folder: str, **settings: str) -> Server:
    own = {"FITD_DATABASE_URL": new_database()} if backend == "postgresql" else {}
    server = Server(Path(folder), FITD_MAX_EPOCHS="100000", **own, **settings)
    server.start()
    return server


def throughput(backend: str, count: int) -> None:
    """The canonical job, its data in each request, from the first request to the last version."""
    body = httpx.Request("POST", "http://x", json=canonical()).content
    headers = {"Content-Type": "application/json"}
    with tempfile.TemporaryDirectory() as folder:
        server = started(backend, folder)
        try:
            with httpx.Client(base_url=server.url, timeout=60) as client, ThreadPoolExecutor(4) as pool:

                def post(_: int) -> dict[str, Any]:
                    made: dict[str, Any] = client.post("/v1/training-jobs", content=body, headers=headers).json()
                    return made

                finish(client, [post(0)])
                began = time.perf_counter()
                jobs = finish(client, list(pool.map(post, range(count))))
                seconds = time.perf_counter() - began
                timings = [client.get(job["links"]["version"]).json()["timing"] for job in jobs]
                alone = [finish(client, [post(0)])[0] for _ in range(10)]
        finally:
            server.stop()
    fit = sum(timing["fit_seconds"] for timing in timings)
    waits = [1000 * (moment(job["started_at"]) - moment(job["created_at"])) for job in alone]
    print(f"{count / seconds:.1f} jobs/s from POST to version; {1000 * fit / count:.1f} ms of each are training,")
    print(f"which is {100 * fit / 2 / seconds:.0f} % of the two workers' time")
    print(f"idle server, from the stored request to the claim: {statistics.median(waits):.1f} ms (median of 10)")


def finish(client: httpx.Client, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    done = [until(client, job, lambda now: now["status"] in FINAL) for job in jobs]
    assert {job["status"] for job in done} == {"succeeded"}
    return done


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def long_job(epochs: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    units = (256, 256, 1)
    return {
        "model": "long",
        "spec": {"layers": [{"class_name": "Dense", "units": number, "activation": "relu"} for number in units]},
        "compile": {"optimizer": "adam", "loss": "mse"},
        "fit": {"epochs": epochs, "seed": 1},
        "data": {"x": rng.random((4000, 20)).round(3).tolist(), "y": rng.random(4000).round(3).tolist()},
    }


def recovery(backend: str) -> None:
    """From `kill -9` of the worker to the next attempt, and to an epoch that was not done before."""
    again, epoch = [], []
    with tempfile.TemporaryDirectory() as folder:
        chaos = Chaos(Path(folder), new_database() if backend == "postgresql" else None, 0)
        chaos.server.start()
        try:
            with httpx.Client(base_url=chaos.server.url, timeout=60) as client:
                for _ in range(5):
                    job = client.post("/v1/training-jobs", json=long_job(100_000)).json()
                    until(client, job, lambda now: now["progress"]["epoch"] >= 10)
                    workers = [pid for pid, command in chaos.children() if " worker " in command]
                    os.kill(the_busy_one(workers), signal.SIGKILL)
                    killed, before = time.perf_counter(), client.get(job["links"]["self"]).json()["progress"]["epoch"]
                    until(client, job, lambda now: now["attempt"] == 2)
                    again.append(time.perf_counter() - killed)
                    until(client, job, lambda now, before=before: now["progress"]["epoch"] > before)
                    epoch.append(time.perf_counter() - killed)
                    client.post(job["links"]["cancel"])
                    until(client, job, lambda now: now["status"] in FINAL)
        finally:
            chaos.server.stop()
    print(f"kill -9 of the worker to the next attempt: {statistics.median(again):.2f} s (median of 5)")
    print(f"... to an epoch that was not done before: {statistics.median(epoch):.2f} s")


def until(client: httpx.Client, job: dict[str, Any], is_so: Any) -> dict[str, Any]:
    now = job
    while not is_so(now):
        now = client.get(job["links"]["self"]).json()
    return now


def overhead() -> None:
    """The same training with checkpoints as often as they come and without any."""
    seconds: dict[str, list[float]] = {"0": [], "2": [], "1000000": []}
    for _ in range(3):
        for pause, taken in seconds.items():
            with tempfile.TemporaryDirectory() as folder:
                server = started("sqlite", folder, FITD_CHECKPOINT_SECONDS=pause, FITD_WORKERS="1")
                try:
                    with httpx.Client(base_url=server.url, timeout=60) as client:
                        (job,) = finish(client, [client.post("/v1/training-jobs", json=long_job(100)).json()])
                        timing = client.get(job["links"]["version"]).json()["timing"]
                        taken.append(timing["fit_seconds"])
                finally:
                    server.stop()
    none = min(seconds.pop("1000000"))
    for pause, taken in seconds.items():
        print(
            f"checkpoints every {pause} s at least: {100 * (min(taken) / none - 1):+.1f} % of {none:.1f} s of training"
        )


if __name__ == "__main__":
    main()

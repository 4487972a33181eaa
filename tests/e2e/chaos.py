"""Kills and pauses the processes of a real server at random, and holds the outcome against undisturbed runs.

`python -m tests.e2e.chaos --actions 3000 --database postgresql --seed 1` does so for as long as one likes.
"""

import argparse
import contextlib
import itertools
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from sqlalchemy import create_engine, text

from tests.e2e.reading import Reader
from tests.e2e.server import Server
from tests.support.postgres import new_database

LEASE_SECONDS = 2.0
AT_A_TIME = 6
FINAL = {"succeeded", "failed", "cancelled"}
ACTIONS = ["kill worker"] * 14 + ["pause worker"] * 3 + ["kill API"] * 2 + ["kill supervisor"] + ["cut connections"] * 2
SETTINGS = {
    "FITD_LEASE_SECONDS": str(LEASE_SECONDS),
    "FITD_CHECKPOINT_SECONDS": "0.1",
    "FITD_WORKERS": "2",
    "FITD_MAX_EPOCHS": "100000",
}

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 6)).round(3)
Y = (X[:, :3] * X[:, 3:]).sum(axis=1).round(3)
KINDS: list[dict[str, Any]] = [
    {"epochs": 400, "optimizer": "adam", "callbacks": [], "rate": 0.2},
    {"epochs": 900, "optimizer": "rmsprop", "callbacks": [], "rate": 0.0},
    {
        "epochs": 300,
        "optimizer": {"class_name": "SGD", "learning_rate": 0.01, "momentum": 0.9, "use_ema": True},
        "callbacks": [{"class_name": "EarlyStopping", "patience": 250, "restore_best_weights": True}],
        "rate": 0.1,
    },
    {"epochs": 110, "optimizer": "adam", "callbacks": [], "rate": 0.1, "folds": 3},
]


def request(kind: int, model: str) -> dict[str, Any]:
    """A training of a second or two with everything in it that a checkpoint has to remember."""
    asked = KINDS[kind]
    layers = [
        {"class_name": "Dense", "units": 16, "activation": "relu"},
        {"class_name": "BatchNormalization"},
        {"class_name": "Dropout", "rate": asked["rate"]},
        {"class_name": "Dense", "units": 1},
    ]
    fit = {"epochs": asked["epochs"], "batch_size": 16, "seed": kind}
    held = {"split": {"folds": asked["folds"]}} if "folds" in asked else {}
    fit |= {} if held else {"validation_split": 0.2}
    return {
        "model": model,
        "spec": {"layers": layers},
        "compile": {"optimizer": asked["optimizer"], "loss": "mse", "metrics": ["mae"]},
        "fit": fit | {"callbacks": asked["callbacks"]},
        "data": {"x": X.tolist(), "y": Y.tolist(), **held},
    }


class Chaos:
    """A server, the jobs it was given, and what has been done to it."""

    def __init__(self, folder: Path, database_url: str | None, seed: int) -> None:
        own = {} if database_url is None else {"FITD_DATABASE_URL": database_url}
        self.database_url = database_url or f"sqlite:///{folder / 'data' / 'fitd.db'}"
        self.server = Server(folder, **SETTINGS, **own)
        self.random = random.Random(seed)
        self.jobs: dict[str, int] = {}
        self.readers: dict[str, Reader] = {}
        self.done: Counter[str] = Counter()
        self.expected: list[tuple[str, Any]] = []

    def run(self, actions: int) -> None:
        """Does so many things to a server that always has work, lets it finish, and checks everything."""
        self.server.start()
        try:
            self.expected = [self.outcome(self.submit(kind, "reference")) for kind in range(len(KINDS))]
            for number in range(actions):
                self.keep_busy(number)
                time.sleep(self.random.uniform(0.05, 0.8))
                self.act(self.random.choice(ACTIONS))
            self.check()
        finally:
            self.server.stop()

    def keep_busy(self, number: int) -> None:
        """Submits under a key, again and again if need be, until so many jobs are under way."""
        while self.open_jobs() < AT_A_TIME:
            kind = self.random.randrange(len(KINDS))
            self.submit(kind, "chaos", key=f"{number}-{len(self.jobs)}")

    def submit(self, kind: int, model: str, key: str | None = None) -> str:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = self.ask("POST", "/v1/training-jobs", json=request(kind, model), headers=headers)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        self.jobs[job_id] = kind
        if len(self.jobs) % 5 == 0:
            self.readers[job_id] = Reader(self.server, job_id)
        return job_id

    def ask(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """An answer, if not now then when the API is back."""
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                answer = httpx.request(method, self.server.url + path, timeout=30, **parts)
                if answer.status_code != 503:
                    return answer
            time.sleep(0.1)
        raise AssertionError(f"{path} was not answered.")

    def open_jobs(self) -> int:
        statuses = ("queued", "running")
        pages = (self.ask("GET", "/v1/training-jobs", params={"status": status, "limit": 200}) for status in statuses)
        return sum(len(page.json()["items"]) for page in pages)

    def act(self, action: str) -> None:
        """Does one thing to one process."""
        if action == "cut connections":
            if not self.database_url.startswith("postgresql"):
                return
            self.cut_connections()
        elif action == "kill supervisor":
            os.kill(self.pid, signal.SIGKILL)
            self.server.stop()
            self.server.start()
        elif (pid := self.some_process(action.rpartition(" ")[2])) is None:
            return
        elif action == "pause worker":
            os.kill(pid, signal.SIGSTOP)
            time.sleep(1.6 * LEASE_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.done[action] += 1

    def cut_connections(self) -> None:
        """What a restart of PostgreSQL does to all who use it."""
        engine = create_engine(self.database_url)
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        with engine.connect() as connection:
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        engine.dispose()

    @property
    def pid(self) -> int:
        assert self.server._process is not None
        return self.server._process.pid

    def some_process(self, role: str) -> int | None:
        found = [pid for pid, command in self.children() if f" {role.lower()} " in command]
        return self.random.choice(found) if found else None

    def children(self) -> Iterator[tuple[int, str]]:
        for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                yield int(pid), Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")

    def outcome(self, job_id: str) -> tuple[str, Any]:
        """The weights' hash and the history of a job, which has to succeed."""
        deadline = time.monotonic() + 300
        while (job := self.ask("GET", f"/v1/training-jobs/{job_id}").json())["status"] not in FINAL:
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
        assert job["status"] == "succeeded", job
        version = self.ask("GET", job["links"]["version"]).json()
        assert version["job"] == job_id
        items = self.ask("GET", job["links"]["history"]).json()["items"]
        assert [item["epoch"] for item in items] == list(range(1, len(items) + 1))
        return version["sha256"], [item["metrics"] for item in items]

    def check(self) -> None:
        """No job lost, none published twice, all bits as they would have been, no event missing."""
        for job_id, kind in self.jobs.items():
            got, want = self.outcome(job_id), self.expected[kind]
            assert got == want, (job_id, kind, got[0], want[0])
        numbers = [number for model in ("reference", "chaos") for number in self.versions(model)]
        assert len(numbers) == len(self.jobs)
        for job_id, reader in self.readers.items():
            reader.join(60)
            kind = self.jobs[job_id]
            reader.check(len(self.expected[kind][1]), KINDS[kind].get("folds", 1))
        engine = create_engine(self.database_url)
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(text("SELECT count(*) FROM checkpoints")).scalar() == 0
        engine.dispose()

    def versions(self, model: str) -> list[int]:
        found: list[int] = []
        cursor: str | None = None
        for _ in itertools.count():
            params = {"limit": 200} | ({} if cursor is None else {"cursor": cursor})
            answer = self.ask("GET", f"/v1/models/{model}/versions", params=params)
            if answer.status_code == 404:
                return found
            found += [item["version"] for item in answer.json()["items"]]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                break
        assert sorted(found) == list(range(1, len(found) + 1))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], nargs="*", default=["sqlite", "postgresql"])
    asked = parser.parse_args()
    for backend in asked.database:
        with tempfile.TemporaryDirectory() as folder:
            url = new_database() if backend == "postgresql" else None
            chaos = Chaos(Path(folder), url, asked.seed)
            began = time.monotonic()
            chaos.run(asked.actions)
            readers = sum(reader.connections for reader in chaos.readers.values())
            print(
                f"{backend}: {len(chaos.jobs)} jobs, each succeeded once with the bits of an undisturbed run; "
                f"{dict(chaos.done)}; {len(chaos.readers)} readers of events over {readers} connections; "
                f"{time.monotonic() - began:.0f} s"
            )


if __name__ == "__main__":
    main()

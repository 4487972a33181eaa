"""A cancel is heard soon wherever the training is, and the weights may be kept; events are told as they happen."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.storage import Checkpoint, Database
from tests.e2e.reading import Reader
from tests.e2e.server import Server
from tests.e2e.test_workers import (
    ENDLESS,
    cancel,
    children,
    eventually,
    is_under_way,
    look,
    once,
    pid_of,
    submit,
    the_busy_one,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("stopping"), FITD_MAX_EPOCHS=str(ENDLESS))
    made.start()
    yield made
    made.stop()


def train(server: Server, rows: int, columns: int, layers: list[int], **fit: Any) -> str:
    request = {
        "model": "large",
        "spec": {"layers": [{"class_name": "Dense", "units": units} for units in layers]},
        "compile": {"optimizer": "sgd", "loss": "mse"},
        "fit": {"seed": 1} | fit,
        "data": {"x": [[row % 2] * columns for row in range(rows)], "y": [row % 3 for row in range(rows)]},
    }
    answer = httpx.post(f"{server.url}/v1/training-jobs", json=request, timeout=60)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def test_a_job_is_cancelled_in_the_middle_of_a_long_epoch(server: Server) -> None:
    job = train(server, 200_000, 20, [128, 128, 1], batch_size=1, epochs=1)
    once(server, job, lambda job: 0 < job["progress"]["fraction"] < 1)
    start = time.monotonic()
    cancel(server, job)
    assert time.monotonic() - start < 5


def test_a_job_is_cancelled_inside_one_giant_product(server: Server) -> None:
    before = set(children(pid_of(server), "worker"))
    job = train(server, 4_000, 500, [16_000, 700, 1], batch_size=4_000, epochs=1_000)
    once(server, job, lambda job: job["status"] == "running")
    time.sleep(2)
    start = time.monotonic()
    assert cancel(server, job)["version"] is None
    assert time.monotonic() - start < 6
    eventually(lambda: len(set(children(pid_of(server), "worker"))) == len(before))
    assert cancel(server, submit(server, ENDLESS))


def test_a_job_cancelled_inside_one_giant_product_leaves_its_weights_before_the_step_ends(server: Server) -> None:
    job = train(server, 8_000, 250, [10_000, 500, 1], batch_size=8_000, epochs=1_000)
    once(server, job, lambda job: job["progress"]["epoch"] == 1)
    database = database_of(server)
    eventually(lambda: checkpoints_of(database, job))
    database.close()
    busy = the_busy_one(children(pid_of(server), "worker"))
    answer = httpx.post(f"{server.url}/v1/training-jobs/{job}:cancel", json={"keep": "last"})
    assert answer.json()["status"] == "cancelling"
    done = once(server, job, lambda job: job["status"] == "cancelled")
    eventually(lambda: busy not in children(pid_of(server), "worker"))  # one that waits for the step would stay
    assert (done["version"], done["progress"]["epoch"], done["warnings"]) == (1, 1, [])
    answer = httpx.post(server.url + done["links"]["predict"], json={"instances": [[1] * 250]}, timeout=30)
    assert len(answer.json()["predictions"]) == 1


def database_of(server: Server) -> Database:
    return Database(f"sqlite:///{server.data / 'fitd.db'}")


def checkpoints_of(database: Database, job: str) -> list[Checkpoint]:
    with database.reading() as tx:
        return tx.checkpoints.newest(job)


def test_a_cancelled_job_that_has_learnt_nothing_says_that_it_leaves_nothing(server: Server) -> None:
    job = train(server, 8_000, 250, [10_000, 500, 1], batch_size=8_000, epochs=1_000)
    once(server, job, lambda job: job["status"] == "running")
    httpx.post(f"{server.url}/v1/training-jobs/{job}:cancel", json={"keep": "last"}).raise_for_status()
    done = once(server, job, lambda job: job["status"] == "cancelled")
    assert done["version"] is None
    assert [warning["code"] for warning in done["warnings"]] == ["nothing_to_keep"]


def test_a_cancelled_job_whose_worker_is_killed_leaves_its_weights(server: Server) -> None:
    job = submit(server, ENDLESS, "widow")
    once(server, job, is_under_way)
    database = database_of(server)
    eventually(lambda: checkpoints_of(database, job))
    busy = the_busy_one(children(pid_of(server), "worker"))
    httpx.post(f"{server.url}/v1/training-jobs/{job}:cancel", json={"keep": "last"}).raise_for_status()
    os.kill(busy, signal.SIGKILL)
    done = once(server, job, lambda job: job["status"] == "cancelled")
    assert done["version"] == 1
    version = httpx.get(server.url + done["links"]["version"]).json()
    assert version["partial"]
    with database.reading() as tx:
        assert tx.models.get("widow").versions == 1
    database.close()


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_cancelled_job_may_keep_its_weights_as_a_partial_version(server: Server, keep: str) -> None:
    job = submit(server, ENDLESS, f"kept-{keep}")
    once(server, job, is_under_way)
    url = f"{server.url}/v1/training-jobs/{job}:cancel"
    assert httpx.post(url, json={"keep": keep}).status_code == 202
    done = once(server, job, lambda job: job["status"] == "cancelled")
    version = httpx.get(server.url + done["links"]["version"]).json()
    assert (done["version"], version["partial"]) == (1, True)
    answer = httpx.post(server.url + done["links"]["predict"], json={"instances": [[1, 2]]})
    assert len(answer.json()["predictions"]) == 1


def test_events_are_told_while_they_happen_and_go_on_over_a_death_of_the_api(server: Server) -> None:
    job = train(server, 4_000, 20, [64, 1], batch_size=16, epochs=ENDLESS)
    readers = [Reader(server, job) for _ in range(10)]
    eventually(lambda: all(len(reader.events) > 5 for reader in readers))
    (api,) = children(pid_of(server), "api")
    os.kill(api, signal.SIGKILL)
    seen = max(len(reader.events) for reader in readers)
    eventually(lambda: all(len(reader.events) > seen + 5 for reader in readers))
    cancel(server, job)
    epochs = look(server, job)["progress"]["epoch"]
    for reader in readers:
        reader.join(30)
        reader.check(epochs)
        assert reader.connections > 1
    assert [data["status"] for _, event, data in readers[0].events if event == "status"] == [
        "queued",
        "running",
        "cancelling",
        "cancelled",
    ]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, FITD_MAX_EPOCHS=str(ENDLESS))
    made.start()
    yield made
    made.stop()


def test_a_server_that_is_watched_ends_in_good_order(own: Server) -> None:
    reader = Reader(own, train(own, 4_000, 20, [64, 1], batch_size=16, epochs=ENDLESS))
    eventually(lambda: len(reader.events) > 5)
    start = time.monotonic()
    assert own.stop() == 0
    assert time.monotonic() - start < 8
    own.start()
    cancel(own, reader.job_id)
    reader.join(30)
    reader.check(look(own, reader.job_id)["progress"]["epoch"])

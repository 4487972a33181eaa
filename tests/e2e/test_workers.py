"""What dies is started again, what was accepted is finished, and nothing is left when the service ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import Server
from tests.support.postgres import new_database

DEADLINE_SECONDS = 60.0
SOME_SECONDS = 20_000
ENDLESS = 1_000_000
FINAL = {"succeeded", "failed", "cancelled"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all the tests that leave it as it was."""
    settings = {"FITD_MAX_EPOCHS": str(ENDLESS)}
    if request.param == "postgresql":
        settings["FITD_DATABASE_URL"] = new_database()
    server = Server(tmp_path_factory.mktemp(request.param), **settings)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may end as it likes."""
    server = Server(tmp_path, FITD_MAX_EPOCHS=str(ENDLESS))
    server.start()
    yield server
    server.stop()


def eventually(fact: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
    """The first true value of a fact, which has to come before the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := fact()):
        assert time.monotonic() < deadline, "It did not come true in time."
        time.sleep(0.01)
    return value


def pid_of(server: Server) -> int:
    assert server._process is not None
    return server._process.pid


def children(parent: int, role: str = "") -> dict[int, str]:
    """The processes of a supervisor that have this role (`api`, `worker`), by id."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    commands = {int(child): command_of(int(child)) for child in listed}
    return {child: command for child, command in commands.items() if f" {role}" in command}


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def submit(server: Server, epochs: int, model: str = "model") -> str:
    rows = [[float(row % 7), float(row % 3)] for row in range(64)]
    request = {
        "model": model,
        "spec": {
            "layers": [
                {"class_name": "Dense", "units": 8, "activation": "relu", "input_dim": 2},
                {"class_name": "Dense", "units": 1},
            ]
        },
        "compile": {"optimizer": "sgd", "loss": "mean_squared_error"},
        "fit": {"epochs": epochs, "batch_size": 8, "seed": 1},
        "data": {"x": rows, "y": [row[0] / 7 for row in rows]},
    }
    answer = httpx.post(f"{server.url}/v1/training-jobs", json=request, timeout=DEADLINE_SECONDS)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def look(server: Server, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = httpx.get(f"{server.url}/v1/training-jobs/{job_id}", timeout=DEADLINE_SECONDS).json()
    return job


def once(server: Server, job_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The job as soon as it is so."""

    def seen() -> dict[str, Any] | None:
        job = look(server, job_id)
        return job if is_so(job) else None

    job: dict[str, Any] = eventually(seen)
    return job


def is_under_way(job: dict[str, Any]) -> bool:
    return bool(job["status"] == "running" and job["progress"]["epoch"] > 0)


def is_final(job: dict[str, Any]) -> bool:
    return job["status"] in FINAL


def test_a_job_whose_worker_is_killed_is_trained_by_another(shared: Server) -> None:
    before = children(pid_of(shared), "worker")
    job = submit(shared, SOME_SECONDS, "survivor")
    once(shared, job, is_under_way)
    busy = the_busy_one(before)
    os.kill(busy, signal.SIGKILL)
    done = once(shared, job, is_final)
    assert (done["status"], done["attempt"], done["version"]) == ("succeeded", 2, 1)
    history = httpx.get(f"{shared.url}/v1/training-jobs/{job}/history").json()["items"]
    assert [epoch["epoch"] for epoch in history] == list(range(1, SOME_SECONDS + 1))
    eventually(lambda: len(children(pid_of(shared), "worker")) == len(before))
    assert busy not in children(pid_of(shared))


def the_busy_one(processes: Collection[int]) -> int:
    """The process that computes while the others wait."""
    before = {pid: processor_ticks(pid) for pid in processes}
    busy: int = eventually(lambda: next((pid for pid in before if processor_ticks(pid) > before[pid] + 20), None))
    return busy


def processor_ticks(pid: int) -> int:
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


def test_training_goes_on_while_the_api_is_killed_and_comes_back(shared: Server) -> None:
    job = submit(shared, ENDLESS, "endless")
    once(shared, job, is_under_way)
    (api,) = children(pid_of(shared), "api")
    os.kill(api, signal.SIGKILL)
    later = once(shared, job, is_under_way)
    assert later["attempt"] == 1
    assert api not in children(pid_of(shared), "api")
    cancel(shared, job)


def test_a_running_job_is_cancelled_within_a_second_or_two(shared: Server) -> None:
    job = submit(shared, ENDLESS, "cancelled")
    once(shared, job, is_under_way)
    start = time.monotonic()
    assert cancel(shared, job)["version"] is None
    assert time.monotonic() - start < 5
    assert httpx.get(f"{shared.url}/v1/models/cancelled").status_code == 404


def cancel(server: Server, job_id: str) -> dict[str, Any]:
    httpx.post(f"{server.url}/v1/training-jobs/{job_id}:cancel", timeout=DEADLINE_SECONDS).raise_for_status()
    job = once(server, job_id, is_final)
    assert job["status"] == "cancelled"
    return job


def test_two_jobs_are_trained_side_by_side(shared: Server) -> None:
    jobs = [submit(shared, ENDLESS, f"side-{number}") for number in range(2)]
    eventually(lambda: all(is_under_way(look(shared, job)) for job in jobs))
    for job in jobs:
        cancel(shared, job)


def test_a_worker_that_was_paused_beyond_its_lease_publishes_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path, FITD_LEASE_SECONDS="1", FITD_WORKERS="1", FITD_MAX_EPOCHS=str(ENDLESS))
    server.start()
    try:
        job = submit(server, SOME_SECONDS)
        once(server, job, is_under_way)
        (paused,) = children(pid_of(server), "worker")
        os.kill(paused, signal.SIGSTOP)
        helper = start("worker", tmp_path, server)
        assert once(server, job, is_final)["attempt"] == 2
        os.kill(paused, signal.SIGCONT)
        second = submit(server, 1)
        assert once(server, second, is_final)["version"] == 2
        helper.terminate()
        assert helper.wait(DEADLINE_SECONDS) == 0
        assert httpx.get(f"{server.url}/v1/models/model").json()["versions"] == 2
    finally:
        server.stop()


def start(command: str, folder: Path, server: Server, **settings: str) -> subprocess.Popen[bytes]:
    """One of the service's commands beside a server, on its data."""
    environment = server._environment | settings
    with (folder / f"{command}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "service", command], cwd=folder, env=environment, stdout=log, stderr=log
        )


def test_told_to_end_it_leaves_no_process_and_gives_the_job_back(own: Server) -> None:
    job = submit(own, ENDLESS)
    once(own, job, is_under_way)
    household = children(pid_of(own))
    assert len(household) == 3
    begin = time.monotonic()
    assert own.stop() == 0
    assert time.monotonic() - begin < 10
    assert [pid for pid in household if is_alive(pid)] == []
    own.start()
    again = look(own, job)
    assert again["progress"]["epoch"] > 0
    assert once(own, job, lambda job: is_under_way(job) and job["status"] == "running")["attempt"] == 1


def test_killed_it_takes_its_children_along_and_the_next_one_goes_on_at_once(own: Server) -> None:
    job = submit(own, ENDLESS)
    once(own, job, is_under_way)
    household = children(pid_of(own))
    os.kill(pid_of(own), signal.SIGKILL)
    eventually(lambda: not any(is_alive(pid) for pid in household), seconds=5)
    own.stop()
    own.start()
    begin = time.monotonic()
    assert once(own, job, lambda job: is_under_way(job) and job["attempt"] == 2)
    assert time.monotonic() - begin < 10


def test_a_second_one_on_the_same_data_or_port_is_refused_with_a_reason(own: Server, tmp_path: Path) -> None:
    same_data = start("serve", tmp_path, own, FITD_PORT="0")
    assert same_data.wait(DEADLINE_SECONDS) == 1
    assert "Another Fitd serves from" in (tmp_path / "serve.log").read_text()
    same_port = start("serve", tmp_path, own, FITD_DATA_DIR=str(tmp_path / "other"))
    assert same_port.wait(DEADLINE_SECONDS) == 1
    assert f"Cannot listen on 127.0.0.1:{own.port}" in (tmp_path / "serve.log").read_text()


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_an_api_and_workers_without_a_supervisor_share_a_database(tmp_path: Path, backend: str) -> None:
    url = new_database() if backend == "postgresql" else f"sqlite:///{tmp_path / 'fitd.db'}"
    alone = Server(tmp_path, FITD_DATABASE_URL=url)
    waiting = start("worker", tmp_path, alone)
    assert start("migrate", tmp_path, alone).wait(DEADLINE_SECONDS) == 0
    parts = [waiting, start("worker", tmp_path, alone), start("api", tmp_path, alone)]
    eventually(lambda: answers(alone))
    jobs = [submit(alone, 10, f"shared-{number}") for number in range(4)]
    assert [once(alone, job, is_final)["status"] for job in jobs] == ["succeeded"] * 4
    for part in parts:
        part.terminate()
    assert [part.wait(DEADLINE_SECONDS) for part in parts] == [0, 0, 0]


def answers(server: Server) -> bool:
    try:
        return httpx.get(f"{server.url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_setting_that_is_wrong_is_named(tmp_path: Path) -> None:
    refused = start("serve", tmp_path, Server(tmp_path), FITD_WORKERS="many")
    assert refused.wait(DEADLINE_SECONDS) == 1
    assert "FITD_WORKERS" in (tmp_path / "serve.log").read_text()


def test_the_help_names_every_command() -> None:
    shown = subprocess.run([sys.executable, "-m", "service", "--help"], capture_output=True, text=True, check=True)
    for command in ("serve", "api", "worker", "cluster", "migrate", "backup"):
        assert f"\n    {command} " in shown.stdout


def test_old_names_of_the_cluster_start_with_a_warning_that_names_the_new(tmp_path: Path) -> None:
    refused = start("engine", tmp_path, Server(tmp_path), FITD_ENGINE="ray://somewhere")
    assert refused.wait(DEADLINE_SECONDS) == 1
    log = (tmp_path / "engine.log").read_text()
    assert "FITD_ENGINE has a new name, FITD_CLUSTER" in log
    assert "The command engine has a new name, cluster" in log

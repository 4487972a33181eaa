"""Two machines with an API and two workers each share the work over one PostgreSQL; one may drop off the network."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url

from service.storage import Database
from tests.e2e.chaos import request
from tests.e2e.machines import Machine, Network
from tests.e2e.test_workers import eventually
from tests.support.postgres import new_database

WORKERS = 4
SETTINGS = {"FITD_LEASE_SECONDS": "2", "FITD_CHECKPOINT_SECONDS": "0.1"}


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[Machine]]:
    url = make_url(new_database())
    database = Database(url.render_as_string(hide_password=False))
    database.migrate()
    database.close()
    assert url.port is not None
    network = Network(url.port)
    made = [Machine(network, number) for number in (1, 2)]
    reached = url.set(host=network.host, port=network.port).render_as_string(hide_password=False)
    try:
        for machine in made:
            for command in ("api", *["worker"] * (WORKERS // 2)):
                machine.run(command, tmp_path, FITD_DATABASE_URL=reached, **SETTINGS)
        for machine in made:
            eventually(partial(answers, machine.url))
        yield made
    finally:
        for machine in made:
            machine.end()
        network.end()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def submit(machine: Machine, number: int) -> str:
    answer = httpx.post(f"{machine.url}/v1/training-jobs", json=request(number % 3, f"model-{number}"), timeout=30)
    assert answer.status_code == 202, answer.text
    path: str = answer.json()["links"]["self"]
    return path


def status_of(machine: Machine, path: str) -> str:
    status: str = httpx.get(machine.url + path, timeout=30).json()["status"]
    return status


def ended(machine: Machine, path: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = httpx.get(machine.url + path, timeout=30).json()
        return job if job["status"] == "succeeded" else None

    job: dict[str, Any] = eventually(look, seconds=120)
    return job


def test_what_one_machine_accepts_any_machine_trains_and_answers(machines: list[Machine]) -> None:
    first, second = machines
    paths = [submit(machines[number % 2], number) for number in range(6)]
    for number, path in enumerate(paths):
        job = ended(machines[(number + 1) % 2], path)
        answer = httpx.post(second.url + job["links"]["predict"], json={"instances": [[0.1] * 6]})
        assert answer.json() == httpx.post(first.url + job["links"]["predict"], json={"instances": [[0.1] * 6]}).json()


def test_a_machine_that_drops_off_the_network_loses_its_jobs_to_the_other_and_publishes_nothing_late(
    machines: list[Machine],
) -> None:
    stays, leaves = machines
    expected = [ended(stays, submit(stays, number)) for number in range(3)]
    digests = [httpx.get(stays.url + job["links"]["version"]).json()["sha256"] for job in expected]
    paths = [submit(stays, number) for number in range(3, 9)]
    eventually(lambda: [status_of(stays, path) for path in paths].count("running") == WORKERS)
    leaves.cut()
    jobs = [ended(stays, path) for path in paths]
    assert any(job["attempt"] > 1 for job in jobs)
    leaves.join()
    eventually(lambda: answers(leaves.url))
    late = ended(leaves, submit(leaves, 9))
    for number, job in enumerate([*jobs, late], 3):
        model = httpx.get(f"{stays.url}/v1/models/model-{number}").json()
        assert model["versions"] == 1
        version = httpx.get(leaves.url + job["links"]["version"]).json()
        assert version["sha256"] == digests[number % 3]

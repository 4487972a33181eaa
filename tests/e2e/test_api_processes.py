"""Several API processes answer on one port, and the death of one is the loss of none."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.api.examples import SMALL
from tests.e2e.server import Server
from tests.e2e.test_workers import children, eventually, is_alive, pid_of


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, FITD_API_PROCESSES="2", FITD_WORKERS="1")
    server.start()
    yield server
    server.stop()


def processor_seconds(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_both_processes_answer(pair: Server) -> None:
    apis = list(children(pid_of(pair), "api"))
    assert len(apis) == 2
    before = {pid: processor_seconds(pid) for pid in apis}

    def both_worked() -> bool:
        for _ in range(100):
            assert httpx.get(f"{pair.url}/livez").status_code == 200
        return all(processor_seconds(pid) > before[pid] for pid in apis)

    eventually(both_worked)


def test_a_model_trained_through_one_is_served_by_all(pair: Server) -> None:
    for version in (1, 2):
        job = httpx.post(f"{pair.url}/v1/training-jobs", json=SMALL, headers={"Prefer": "wait=60"}, timeout=90).json()
        assert job["status"] == "succeeded"
        for _ in range(20):
            answer = httpx.post(f"{pair.url}/v1/models/xor:predict", json={"instances": [[0, 1]]})
            assert answer.json()["version"] == version


def test_the_death_of_one_turns_nobody_away_and_it_is_started_again(pair: Server) -> None:
    statuses: list[int] = []
    longest = 0.0
    before = set(children(pid_of(pair), "api"))
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        began = time.monotonic()
        statuses.append(httpx.get(f"{pair.url}/readyz", timeout=20).status_code)
        longest = max(longest, time.monotonic() - began)
        now = set(children(pid_of(pair), "api"))
        if len(now) == 2 and now != before and len(statuses) > 200:
            break
    assert set(statuses) == {200}
    assert len(statuses) > 200
    assert longest < 10
    assert not is_alive(victim)


def test_while_one_is_away_the_other_answers_in_its_place(pair: Server) -> None:
    apis = list(children(pid_of(pair), "api"))
    for away in apis:
        os.kill(away, signal.SIGSTOP)
        try:
            statuses = [httpx.get(f"{pair.url}/livez", timeout=20).status_code for _ in range(30)]
            answer = httpx.get(f"{pair.url}/v1/models", timeout=20)
        finally:
            os.kill(away, signal.SIGCONT)
        assert set(statuses) == {answer.status_code} == {200}


def test_told_to_end_all_of_them_end(pair: Server) -> None:
    household = children(pid_of(pair))
    assert len(household) == 3
    assert pair.stop() == 0
    assert [pid for pid in household if is_alive(pid)] == []

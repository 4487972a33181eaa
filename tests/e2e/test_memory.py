"""No request takes more memory than one may, on whichever route it comes, and nobody else waits for it."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.e2e.hostile_bodies import HOSTILE, ITEMS, JSON, PREDICT, Hostile
from tests.e2e.server import Server
from tests.support.serving import small

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory of a process in /proc")

REQUEST_BYTES = 256 << 20
SLACK_BYTES = 160 << 20
"""The body itself, what the server keeps of it, and how far a process gets between two looks at it."""

LATE_SECONDS = 0.1
PAGE_BYTES = 4096
PROBE = """
import socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    began, answer = time.perf_counter(), b""
    connection.sendall(b"GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    while b"\\r\\n\\r\\n" not in answer:
        answer += connection.recv(65536)
    print(time.perf_counter() - began, flush=True)
    time.sleep(0.005)
"""


class Watching:
    """The most memory that a server and its children have of their own meanwhile, and how late `/livez` answers."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.most_bytes = 0
        self.late_seconds: list[float] = []
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        command = [sys.executable, "-c", PROBE, str(self.server.port)]
        self._probe = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._probe.stdout is not None
        assert self._probe.stdout.readline() == "ready\n"
        self._before = taken(self.server.pid)
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._probe.kill()
        answers = self._probe.communicate()[0]
        self.late_seconds = sorted(map(float, answers.splitlines()[:-1]))

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            self.most_bytes = max(self.most_bytes, taken(self.server.pid) - self._before)


def taken(pid: int) -> int:
    """The memory of a process and its children, files that they map aside."""
    found = 0
    with contextlib.suppress(OSError, ValueError):
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        found += (int(resident) - int(shared)) * PAGE_BYTES
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += sum(taken(int(child)) for child in children.read_text(encoding="ascii").split())
    return found


def processes_apart(pid: int) -> list[int]:
    """The processes below this one that answer heavy requests."""
    found = []
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text(encoding="ascii").split():
                command = Path(f"/proc/{child}/cmdline").read_bytes()
                found += [int(child)] if b"service.api.apart.process" in command else processes_apart(int(child))
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where a request may take little, with the model `xor`."""
    made = Server(
        tmp_path_factory.mktemp("memory"),
        FITD_WORKERS="1",
        FITD_MAX_REQUEST_MEMORY_BYTES=str(REQUEST_BYTES),
        FITD_MAX_MEMORY_AT_ONCE_BYTES=str(REQUEST_BYTES),
    )
    made.start()
    try:
        asked = small(model="xor")
        trained = httpx.post(f"{made.url}/v1/training-jobs", json=asked, headers={"Prefer": "wait=60"}, timeout=90)
        assert trained.json()["status"] == "succeeded"
        # What is loaded once, by the first request of its kind, is no memory of a request.
        send(made, Hostile(PREDICT, JSON, lambda: b'{"instances": [[0, 1]]}'))
        send(made, HOSTILE["lists to :predict"])
        yield made
    finally:
        made.stop()


def send(server: Server, hostile: Hostile) -> httpx.Response:
    headers = {"Content-Type": hostile.content_type, "Content-Encoding": hostile.encoding}
    return httpx.post(server.url + hostile.path, content=hostile.body(), headers=headers, timeout=120)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_request_takes_no_more_memory_than_one_may_and_nobody_waits_for_it(server: Server, name: str) -> None:
    body = HOSTILE[name].body()
    hostile = HOSTILE[name]._replace(body=lambda: body)
    with Watching(server) as watching:
        answer = send(server, hostile)
    assert answer.status_code in hostile.statuses, answer.text
    assert watching.most_bytes < REQUEST_BYTES + SLACK_BYTES
    assert watching.late_seconds[len(watching.late_seconds) * 9 // 10] < LATE_SECONDS


def test_a_large_request_that_fits_is_answered_as_a_small_one_is(server: Server) -> None:
    rows = 200_000
    body = b'{"instances":[' + b"[0,1]," * rows + b"[1,1]]}"
    answer = send(server, Hostile(PREDICT, JSON, lambda: b" " * 5_000_000 + body))
    alone = httpx.post(server.url + PREDICT, json={"instances": [[0, 1], [1, 1]]})
    assert answer.status_code == 200
    assert (answer.json()["predictions"][0], answer.json()["predictions"][-1]) == (*alone.json()["predictions"],)
    assert len(answer.json()["predictions"]) == rows + 1


def test_a_large_training_is_waited_for_as_a_small_one_is(server: Server) -> None:
    rows = [[0.25, 0.5], [0.5, 0.25]] * 150_000
    asked = small(data={"x": rows, "y": [0, 1] * 150_000}, fit={"epochs": 1, "batch_size": 50_000})
    headers = {"Prefer": "wait=60", "Idempotency-Key": "large"}
    answer = httpx.post(f"{server.url}/v1/training-jobs", json=asked, headers=headers, timeout=90)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert answer.headers["Preference-Applied"] == "wait=60"
    again = httpx.post(f"{server.url}/v1/training-jobs", json=asked, headers=headers, timeout=90)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == answer.json()["id"]


def test_what_is_made_for_a_client_that_goes_away_is_stopped(server: Server) -> None:
    body = b'{"instances":[' + b"[0,1]," * 400_000 + b"[1,1]]}"
    send(server, Hostile(PREDICT, JSON, lambda: body[:200]))
    before = set(processes_apart(server.pid))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{server.url}/v1/training-jobs:batch",
            content=b'{"jobs":[' + b"{}," * (ITEMS // 6) + b"{}]}" + b" " * 20_000_000,
            headers={"Content-Type": JSON},
            timeout=httpx.Timeout(60, read=0.05),
        )
    deadline = time.monotonic() + 30
    while (left := set(processes_apart(server.pid))) & before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left & before
    assert send(server, Hostile(PREDICT, JSON, lambda: body)).status_code == 200

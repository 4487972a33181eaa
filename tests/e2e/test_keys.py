"""Keys of a real service with several processes: the start, a revocation everywhere, and a rotation under load."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.api.examples import SMALL
from tests.e2e.server import Server
from tests.support.keys import bearer


def command(server: Server, *arguments: str) -> str:
    """What the command `keys` prints."""
    line = [sys.executable, "-m", "service", "keys", *arguments]
    done = subprocess.run(line, env=server._environment, capture_output=True, check=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Server]:
    first = str(tmp_path / "first-key")
    made = Server(tmp_path, FITD_AUTH="on", FITD_FIRST_KEY_FILE=first, FITD_API_PROCESSES="2", FITD_WORKERS="1")
    made.start()
    yield made
    made.stop()


def test_a_service_that_others_reach_does_not_start_without_a_key(tmp_path: Path) -> None:
    server = Server(tmp_path, FITD_HOST="0.0.0.0", FITD_WORKERS="1")
    with pytest.raises(RuntimeError, match="keys create"):
        server.start()
    key = command(server, "create", "--name", "admin", "--scopes", "admin")
    server.start()
    assert httpx.get(f"{server.url}/v1/models").status_code == 401
    assert httpx.get(f"{server.url}/v1/models", headers=bearer(key)).status_code == 200
    server.stop()


def test_a_key_is_rotated_under_load_without_a_failed_request_and_revoked_everywhere(
    locked: Server, tmp_path: Path
) -> None:
    admin = bearer((tmp_path / "first-key").read_text().strip())
    headers = {"Prefer": "wait=60", **admin}
    job = httpx.post(f"{locked.url}/v1/training-jobs", json=SMALL, headers=headers, timeout=90).json()
    assert job["status"] == "succeeded"
    keys = [command(locked, "create", "--name", "load", "--scopes", "predict")]
    statuses: list[int] = []
    stopping = threading.Event()

    def load() -> None:
        while not stopping.is_set():
            with httpx.Client(base_url=locked.url) as client:  # a new connection: any of the processes
                for _ in range(5):
                    answer = client.post(
                        "/v1/models/xor:predict", json={"instances": [[0, 1]]}, headers=bearer(keys[-1])
                    )
                    statuses.append(answer.status_code)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        identifier = "key_" + keys[-1].split("_")[1]
        keys.append(command(locked, "rotate", identifier, "--overlap-seconds", "60"))
        seen = len(statuses)
        while len(statuses) < seen + 50:
            time.sleep(0.01)
    stopping.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    command(locked, "revoke", "key_" + keys[-1].split("_")[1])
    time.sleep(1)
    for _ in range(20):
        assert httpx.get(f"{locked.url}/v1/models", headers=bearer(keys[-1])).status_code == 401
        assert httpx.get(f"{locked.url}/v1/models", headers=bearer(keys[0])).status_code == 200
    for text in [*keys, admin["Authorization"]]:
        assert text.split("_")[2] not in (tmp_path / "serve.log").read_text()

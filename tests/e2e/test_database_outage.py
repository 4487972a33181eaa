"""Jobs outlast the death of their database server: they go on when it is back, and none is lost or doubled."""

import signal
from pathlib import Path

import httpx
import pytest

from tests.e2e.chaos import KINDS, Chaos
from tests.e2e.server import Server
from tests.e2e.test_workers import eventually, is_under_way, once
from tests.support.postgres import Postgres


def status_of(server: Server) -> int:
    try:
        return httpx.get(f"{server.url}/readyz", timeout=30).status_code
    except httpx.TransportError:
        return 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_jobs_outlast_the_end_of_their_database_server(tmp_path: Path, how: signal.Signals) -> None:
    postgres = Postgres()
    chaos = Chaos(tmp_path, postgres.new_database(), seed=3)
    chaos.server.start()
    try:
        chaos.expected = [chaos.outcome(chaos.submit(kind, "reference")) for kind in range(len(KINDS))]
        for _ in range(3):
            jobs = [chaos.submit(number % len(KINDS), "chaos") for number in range(3)]
            once(chaos.server, jobs[0], is_under_way)
            postgres.end(how)
            eventually(lambda: status_of(chaos.server) == 503)
            postgres.start()
            eventually(lambda: status_of(chaos.server) == 200)
        chaos.check()
    finally:
        chaos.server.stop()

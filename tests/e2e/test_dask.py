"""A Dask cluster trains the jobs; its workers and its scheduler may die, and nothing is lost or changed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.chaos import KINDS, SETTINGS, Chaos
from tests.e2e.server import ROOT, Server, free_port
from tests.e2e.test_workers import children, eventually, is_final, is_under_way, once, pid_of, start, submit
from tests.support.postgres import new_database


class Cluster:
    """A scheduler and two workers, as a cluster of machines would have them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self) -> None:
        self._start("dask_scheduler", "--host=127.0.0.1", f"--port={self.port}", "--no-dashboard")
        for _ in range(2):
            self.start_worker()

    @property
    def workers(self) -> list[subprocess.Popen[bytes]]:
        return self.processes[1:3]

    def start_worker(self) -> None:
        options = ("--nthreads=1", "--no-dashboard", "--death-timeout=20", "--host=127.0.0.1", "--no-nanny")
        self._start("dask_worker", f"tcp://127.0.0.1:{self.port}", *options)

    def _start(self, module: str, *arguments: str) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with (self.folder / f"{module}.log").open("ab") as log:
            command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
            self.processes.append(process)

    def stop(self) -> None:
        """The scheduler first: it has no time to say farewell to anybody."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []


def test_a_cluster_of_its_own_trains_and_ends_with_the_server(tmp_path: Path) -> None:
    server = Server(tmp_path, FITD_CLUSTER="dask://local", FITD_WORKERS="1")
    server.start()
    try:
        assert once(server, submit(server, 20), is_final)["status"] == "succeeded"
        household = children(pid_of(server))
        assert len(household) == 2
    finally:
        assert server.stop() == 0
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in household), seconds=10)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_workers_and_scheduler_may_die_and_the_bits_are_the_same(tmp_path: Path, backend: str) -> None:
    own = {"FITD_DATABASE_URL": new_database()} if backend == "postgresql" else {}
    chaos = Chaos(tmp_path, own.get("FITD_DATABASE_URL"), seed=5)
    chaos.server.start()
    chaos.expected = [chaos.outcome(chaos.submit(kind, "reference")) for kind in range(len(KINDS))]
    chaos.server.stop()
    cluster = Cluster(tmp_path)
    address = f"dask://127.0.0.1:{cluster.port}"
    chaos.server = Server(tmp_path, **SETTINGS, **own, FITD_CLUSTER=address)
    chaos.server.start()
    try:
        jobs = [chaos.submit(number % len(KINDS), "chaos") for number in range(6)]
        once(chaos.server, jobs[0], is_under_way)
        for worker in cluster.workers:
            worker.kill()
            worker.wait()
            cluster.start_worker()
            time.sleep(0.5)
        cluster.stop()
        cluster.start()
        chaos.check()
    finally:
        chaos.server.stop()
        cluster.stop()


@pytest.mark.parametrize("address", ["ray://somewhere", "dask://"])
def test_a_cluster_with_a_wrong_address_is_refused(tmp_path: Path, address: str) -> None:
    refused = start("serve", tmp_path, Server(tmp_path), FITD_CLUSTER=address)
    assert refused.wait(60) == 1
    assert "dask://host:8786" in (tmp_path / "serve.log").read_text()

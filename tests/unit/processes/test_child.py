"""A child is started again: at once the first time, then with growing patience."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from service.processes.child import Child


def end_of(child: Child) -> int:
    assert child.process is not None
    child.process.wait(60)
    code = child.ended()
    assert code is not None
    return code


def test_a_child_that_dies_is_reported_once() -> None:
    child = Child("worker 1", ["--help"], fds=[])
    assert child.ended() is None
    child.start("serve-1")
    assert child.owner.startswith("serve-1.")
    assert end_of(child) == 0
    assert child.ended() is None


def test_every_process_has_an_owner_of_its_own() -> None:
    child = Child("worker 1", ["--help"], fds=[])
    owners = set()
    for _ in range(2):
        child.start("serve-1")
        owners.add(child.owner)
        end_of(child)
    assert len(owners) == 2


def test_patience_grows_with_every_early_death() -> None:
    child = Child("worker 1", ["--no-such-option"], fds=[])
    pauses = []
    for _ in range(3):
        child.start("serve-1")
        assert end_of(child) == 2
        pauses.append(child.due_at - time.monotonic())
    assert pauses[0] <= 0
    assert 0 < pauses[1] < pauses[2]


STARTER = """
import os, socket, sys, time
from service.processes.child import Child

listener = socket.create_server(("127.0.0.1", 0))
os.environ["PYTHONPATH"] = sys.argv[1] + os.pathsep + os.environ["PYTHONPATH"]
child = Child("API 1", ["api"], fds=[listener.fileno()])
child.start("serve-1")
print(child.process.pid, listener.getsockname()[1], flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_a_child_that_is_still_starting_goes_with_its_parent_and_frees_the_port(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    port = int(parent.stdout.readline().split()[1])
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    pytest.fail("the port is still taken")

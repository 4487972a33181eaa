"""The process itself: `python -m service.api.apart.process SOCKET [BELL]`, started by the server alone."""

import asyncio
import os
import resource
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from service import logs
from service.access import Caller, Scope
from service.api.apart.answerer import memory_of
from service.api.apart.messages import BODY, END, HEAD, decoded, encoded, receive, send
from service.config import Settings
from service.storage import Bell, Database

_ALLOCATED_AND_UNUSED = 2
"""Parsers reserve about twice the memory that they use."""

_NICENESS = 5
"""The server, which answers all the others, comes first."""

_KEPT_BYTES = 128 << 20
"""So much more memory than at its start a process may keep for the next request; else another is started."""


async def answer_all(connection: socket.socket, rings: int | None) -> None:
    """Handles requests until the server is gone, or until the process has become too large for the next."""
    _, content = await receive(connection)
    settings = Settings(_env_file=None, **orjson.loads(content))
    logs.configure(settings.log_level, settings.log_format, shows_access=False)  # the server logs the request
    with closing(Database.of(settings, bell=Bell(write_fd=rings))) as database:
        app = _application(settings, database)
        before = memory_of("self")
        _limit(settings.request_memory_bytes)
        await send(connection, BODY, str(before).encode())
        is_large = False
        while not is_large:
            _, head = await receive(connection)
            _, body = await receive(connection)
            await _answer(app, connection, orjson.loads(head), body)
            del body
            is_large = memory_of("self") - before > _KEPT_BYTES
            await send(connection, END, b"!" if is_large else b"")


def _application(settings: Settings, database: Database) -> Any:
    # It loads all that a response may need, so that it does not count as the response's memory.
    import pyarrow.compute  # noqa: PLC0415 - as said
    import pyarrow.csv  # noqa: PLC0415 - as said
    import pyarrow.parquet  # noqa: F401, PLC0415 - as said
    import python_calamine  # noqa: F401, PLC0415 - as said

    from service.api.app import create_app  # noqa: PLC0415 - after the number of BLAS's threads is set

    return create_app(settings, database, is_apart=True)


async def _answer(app: Any, connection: socket.socket, head: dict[str, Any], body: bytes) -> None:
    loop = asyncio.get_running_loop()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> dict[str, Any]:
        if messages:
            return messages.pop()
        return await loop.create_future()  # type: ignore[no-any-return] # nothing more comes

    async def respond(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            told = {"status": message["status"], "headers": decoded(message["headers"])}
            await send(connection, HEAD, orjson.dumps(told))
        elif message.get("body"):
            await send(connection, BODY, message["body"])

    def end_if_gone() -> None:
        if not connection.recv(1, socket.MSG_PEEK):
            os._exit(0)

    loop.add_reader(connection, end_if_gone)
    try:
        await app(_scope_of(head), next_message, respond)
    finally:
        loop.remove_reader(connection)


def _scope_of(head: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": head["method"],
        "path": head["path"],
        "raw_path": head["raw_path"].encode("latin-1"),
        "query_string": head["query"].encode("latin-1"),
        "root_path": "",
        "headers": encoded(head["headers"]),
        "client": None,
        "server": None,
        "state": {"caller": _caller_of(head["caller"])},
        "fitd.file": head.get("file"),
    }


def _caller_of(told: dict[str, Any]) -> Caller:
    return Caller(told["key"], frozenset(map(Scope, told["scopes"])), told["models"])


def _limit(most_bytes: int) -> None:
    """Lets an allocation fail that goes far beyond what a request may take; the server watches the rest."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        (data,) = (int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    except (OSError, ValueError):
        return
    _, hardest = resource.getrlimit(resource.RLIMIT_DATA)
    limit = data + _ALLOCATED_AND_UNUSED * most_bytes
    if hardest == resource.RLIM_INFINITY or limit < hardest:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hardest))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def main(arguments: list[str]) -> None:
    """Handles requests until the server is gone; the arguments are the socket and, if there is one, the bell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    # pyarrow's own allocators take far more than they give; glibc's threads share two heaps.
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    with socket.socket(fileno=int(arguments[0])) as connection:
        connection.setblocking(False)
        try:
            asyncio.run(answer_all(connection, int(arguments[1]) if arguments[1:] else None))
        except EOFError:
            os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])

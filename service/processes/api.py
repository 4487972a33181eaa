"""An API process: one server on a listening socket, until a signal stops it."""

import ctypes
import gc
import socket
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from service.api.app import create_app
from service.api.serving.server import Server
from service.api.wire.connection import Connection
from service.api.wire.shared import Wire
from service.config import Settings
from service.measures import Measures
from service.processes.access import require_key
from service.processes.ending import end_on_signals
from service.processes.measuring import measures_of
from service.processes.schema import await_schema
from service.processes.sockets import listen
from service.storage import Bell, Database

_GRACE_SECONDS = 5
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


@dataclass(frozen=True, slots=True)
class Inherited:
    """The file descriptors that an API inherits from its supervisor; None and empty where it has none."""

    socket: int | None = None
    """The socket that it listens on."""
    neighbours: Sequence[int] = ()
    """Those that the other APIs of the supervisor listen on."""
    rings: int | None = None
    """The end of the bell that wakes the workers."""
    place: str | None = None
    """Its place among the processes that measure together."""


def run(settings: Settings, inherited: Inherited) -> None:
    """Serves requests until a signal ends the process; `Conflict` if the port or the tables are not available."""
    end_on_signals()
    with (
        closing(Database.of(settings, bell=Bell(write_fd=inherited.rings))) as database,
        closing(_listener(settings, inherited.socket)) as listener,
    ):
        await_schema(database)
        if inherited.socket is None:
            require_key(settings, database)
        measures = measures_of(settings, inherited.place)
        server = _server(settings, database, inherited.neighbours, measures)
        # Freezes the objects made so far: garbage collection does not scan them while a request waits.
        gc.collect()
        gc.freeze()
        _keep_freed_memory()
        server.run(sockets=[listener])


def _server(settings: Settings, database: Database, neighbours: Sequence[int], measures: Measures) -> Server:
    app = create_app(settings, database, measures=measures)
    http: Any = partial(Connection, Wire(settings, app.state.ways))
    config = uvicorn.Config(
        app,
        http=http,
        log_config=None,
        access_log=False,
        # No response depends on the address or name of the caller, so no proxy headers are needed.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = Server(config, [socket.socket(fileno=number) for number in neighbours])
    stop: Callable[[int, FrameType | None], None] = server.handle_exit

    def close_and_stop(number: int, frame: FrameType | None) -> None:
        # Clients that watch events would keep the server from ending.
        app.state.fitd.watch.close()
        stop(number, frame)

    server.__dict__["handle_exit"] = close_and_stop
    return server


def _listener(settings: Settings, inherited: int | None) -> socket.socket:
    if inherited is not None:
        return socket.socket(fileno=inherited)
    return listen(settings.host, settings.port)


def _keep_freed_memory() -> None:
    """Keeps some megabytes for the next request, where glibc would give them back and fetch them again page by page."""
    with suppress(AttributeError):  # another library has no such call, and need not have this habit
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, 16 << 20)
        mallopt(_M_MMAP_THRESHOLD, 4 << 20)

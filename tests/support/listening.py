"""The API of a service behind a real socket, and what is read from one."""

import socket
import threading
from functools import partial
from typing import Any

import uvicorn

from service.api.serving.server import Server
from service.api.wire.connection import Connection
from service.api.wire.shared import Wire
from tests.support.serving import Service


class Listening:
    """The API of a service behind a real socket."""

    def __init__(self, service: Service, **options: Any) -> None:
        self.wire = Wire(service.settings, service.app.state.ways)
        http: Any = partial(Connection, self.wire)
        config = uvicorn.Config(
            service.app, http=http, log_config=None, access_log=False, server_header=False, lifespan="off", **options
        )
        self.server = Server(config, [])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()

    def connect(self) -> socket.socket:
        connection = socket.create_connection(self.address, timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def members(self) -> list[Any]:
        """The connections that there are."""
        return list(self.server.server_state.connections)

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(30)
        self._listener.close()


def answers(connection: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """The status and the body of so many answers."""
    found, stream = [], connection.makefile("rb")
    for _ in range(count):
        status = int(stream.readline().split()[1])
        length = 0
        while (line := stream.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        found.append((status, stream.read(length)))
    return found

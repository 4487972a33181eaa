"""The sockets that the API's processes listen on; they belong to the supervisor, so that no restart closes one."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from service.errors import Conflict

_BACKLOG = 2048


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket; `Conflict` if the port is taken, or not `shared` by all who have it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG, reuse_port=shared)
    except OSError as error:
        raise Conflict(f"Cannot listen on {host}:{port}: {error.strerror}.") from None


@contextmanager
def listening(host: str, port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many listening sockets on one port, among which the kernel spreads new connections; closed after the block."""
    with ExitStack() as opened:
        if count > 1 and port:
            # A shared port could silently be taken by another service of the same user.
            listen(host, port).close()
        doors: list[socket.socket] = []
        for _ in range(count):
            door = opened.enter_context(closing(listen(host, port, shared=count > 1)))
            port = door.getsockname()[1]
            doors.append(door)
        yield doors

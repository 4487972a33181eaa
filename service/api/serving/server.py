"""The server of one API process among several on a port, each of which has a listening socket of its own."""

import asyncio
import contextlib
import select
import socket
from collections.abc import Sequence
from typing import Any

import uvicorn

GLANCE_SECONDS = 0.1


class Server(uvicorn.Server):
    """Serves at its own sockets, and accepts at those of its neighbours what waits there for a tenth of a second.

    The kernel sends connections to the socket of a process that has died, too, until it is started again.
    """

    def __init__(self, config: uvicorn.Config, neighbours: Sequence[socket.socket]) -> None:
        super().__init__(config)
        self._neighbours = neighbours

    async def main_loop(self) -> None:
        """Until the server is told to stop."""
        helping = asyncio.create_task(self._help())
        await super().main_loop()
        helping.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Waits a while for answers that are being made; then nobody is waited for."""
        await super().shutdown(sockets)
        await asyncio.sleep(0)  # who was cancelled says so
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    async def _help(self) -> None:
        before: set[socket.socket] = set()
        while self._neighbours:
            await asyncio.sleep(GLANCE_SECONDS)
            waiting = set(select.select(self._neighbours, [], [], 0)[0])
            for listener in waiting & before:
                with contextlib.suppress(OSError):
                    await self._accept_all(listener)
            before = waiting

    async def _accept_all(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        while True:
            connection, _ = listener.accept()
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

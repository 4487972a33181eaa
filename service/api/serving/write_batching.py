"""Write batching: the responses of one turn of the event loop are sent together."""

import asyncio

_MOST = 8
"""The most responses that wait for each other; none waits longer than it takes to make so many."""


class Outbox:
    """Keeps answers until the turn of the event loop ends, in which no new request is read, or until there are many.

    A reader who sleeps has to be woken, which costs more than the response; for answers that come together, once.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, content: bytes) -> None:
        """Writes this to the transport soon; what is put first leaves first. Only for the event loop's thread."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.empty)
        self._waiting.append((transport, content))
        if len(self._waiting) >= _MOST:
            self.empty()

    def empty(self) -> None:
        """Writes everything now; to a transport that was closed meanwhile, nothing."""
        leaving, self._waiting = self._waiting, []
        for transport, content in leaving:
            if not transport.is_closing():
                transport.write(content)

"""The other end of a connection: what is written to it, how long it is waited for, and how it is left."""

import asyncio
import math

from service.api.wire.shared import Wire

_LINGER_SECONDS = 5.0
LOWEST_RATE = 500
"""The least average rate, in bytes a second, at which a body is sent or a response is read."""


class Peer(asyncio.Protocol):
    """Writes in order, waits for a slow reader but not for ever, and ends without losing what was written."""

    transport: asyncio.Transport

    def __init__(self, wire: Wire, loop: asyncio.AbstractEventLoop) -> None:
        self.wire = wire
        self.loop = loop
        self.deadline = self.idle_since = math.inf
        self.is_ending = False
        self._unsent = math.inf
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def is_writable(self) -> bool:
        """Whether the client reads as fast as it is written to."""
        return self._writable.is_set()

    def pause_writing(self) -> None:
        """Waits for a client who reads slowly."""
        self._writable.clear()
        self._unsent, self.deadline = math.inf, self.loop.time() + self.wire.settings.body_seconds

    def resume_writing(self) -> None:
        """Goes on to write."""
        self._writable.set()
        if not self.is_ending:
            self.set_deadline()

    def set_deadline(self) -> None:
        """Waits as long as the state of the connection allows, from now on."""

    def write(self, content: bytes) -> None:
        """Sends bytes after all that was sent before."""
        self.wire.ways.outbox.empty()
        if not self.transport.is_closing():
            self.transport.write(content)

    async def drain(self) -> None:
        """Waits until the client has read enough for more to be sent."""
        if not self._writable.is_set():
            await self._writable.wait()

    def end(self, *, is_read: bool) -> None:
        """Ends after all that was written. While bytes of the client are unread, it goes on to listen for a moment.

        Closing at once would reset the connection, and the client would lose the response.
        """
        self.wire.ways.outbox.empty()
        self.is_ending = True
        self.idle_since = self.loop.time()
        self._unsent, self.deadline = math.inf, self.idle_since + _LINGER_SECONDS
        if self.transport.is_closing():
            return
        if is_read:
            self.transport.close()
        else:
            self.transport.write_eof()

    def abort(self) -> None:
        """Ends in the middle of whatever is written or read."""
        self.is_ending = True
        self.transport.abort()

    def evict(self) -> None:
        """Ends an idle connection, because another needs its place."""
        self.wire.ways.outbox.empty()
        if self.is_ending:
            self.transport.abort()
        else:
            self.is_ending = True
            self.transport.close()

    def is_still_reading(self) -> bool:
        """Whether the client took enough of what is written since this was asked last; if so, it has more time."""
        unsent, seconds = self.transport.get_write_buffer_size(), self.wire.settings.body_seconds
        if not unsent or self._unsent - unsent < LOWEST_RATE * seconds:
            return False
        self._unsent, self.deadline = unsent, self.loop.time() + seconds
        return True

"""The memory that all requests of an API process may take together."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Message, Receive

from service.errors import Busy

FREE_BYTES = 256 * 1024
"""So much of a body takes no memory worth counting."""

_MADE_OF_A_BODY = 8
"""What is made of a body in memory is about so many times as large."""

_OF_AN_UPLOAD = 64 << 20
"""The blocks of an upload that are read beside each other."""

_STEP_BYTES = 1 << 20


class Budget:
    """A number of bytes that requests take and give back; those that find none wait in their order."""

    def __init__(self, total_bytes: int, wait_seconds: float) -> None:
        self._total_bytes = total_bytes
        self._free_bytes = total_bytes
        self._wait_seconds = wait_seconds
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def hold(self, size_bytes: int) -> AsyncIterator[None]:
        """Holds so many bytes, or all where it is more; `Busy` if they do not become free in time."""
        held = Held(self)
        try:
            await held.grow(size_bytes)
            yield
        finally:
            held.release()

    async def take(self, size_bytes: int) -> None:
        """Takes bytes that are to be given back; `Busy` if they do not become free in time."""
        if not self._waiting and size_bytes <= self._free_bytes:
            self._free_bytes -= size_bytes
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size_bytes, turn))
        try:
            await asyncio.wait_for(asyncio.shield(turn), self._wait_seconds)
        except BaseException as error:
            self._leave(size_bytes, turn)
            if isinstance(error, TimeoutError):
                raise Busy from None
            raise

    def give_back(self, size_bytes: int) -> None:
        """Gives bytes to those who wait."""
        self._free_bytes += size_bytes
        while self._waiting and self._waiting[0][0] <= self._free_bytes:
            taken, turn = self._waiting.popleft()
            self._free_bytes -= taken
            turn.set_result(None)

    def most(self, size_bytes: int) -> int:
        """As many bytes, but no more than there are."""
        return min(size_bytes, self._total_bytes)

    def _leave(self, size_bytes: int, turn: asyncio.Future[None]) -> None:
        if turn.done():
            self.give_back(size_bytes)
        else:
            self._waiting.remove((size_bytes, turn))
            self.give_back(0)


class Held:
    """What one request has taken so far."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size_bytes = 0

    async def grow(self, size_bytes: int) -> None:
        """Takes more, if there are not so many bytes yet; `Busy` if they do not become free in time."""
        lacking = self._budget.most(size_bytes) - self._size_bytes
        if lacking > 0:
            await self._budget.take(lacking)
            self._size_bytes += lacking

    def release(self) -> None:
        """Gives everything back."""
        size_bytes, self._size_bytes = self._size_bytes, 0
        self._budget.give_back(size_bytes)

    def metered(self, receive: Receive, *, is_upload: bool) -> Receive:
        """The same messages; what is made of their bodies is taken from the budget as they arrive.

        An upload goes to a file, and only some of it is in memory at a time.
        """
        most_bytes = _OF_AN_UPLOAD if is_upload else sys.maxsize
        received = 0

        async def taken() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if message.get("body") and received > FREE_BYTES:
                steps = -(-received // _STEP_BYTES)
                await self.grow(min(steps * _STEP_BYTES * _MADE_OF_A_BODY, most_bytes))
            return message

        return taken

"""A process that answers one heavy request after another, as the server sees it."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import orjson

from service.allowance import too_much_memory
from service.api.apart.messages import BODY, END, HEAD, receive, send
from service.config import Settings

_GLANCE_SECONDS = 0.02
_PAGE_BYTES = 4096


class Answerer:
    """One such process and the connection to it; `is_free` once it has answered and can answer the next."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket, most_bytes: int) -> None:
        self._process = process
        self._connection = connection
        self._most_bytes = most_bytes
        self._memory_before = 0
        self.is_free = False
        # An application that is dropped without being closed leaves no process behind.
        self._end = weakref.finalize(self, _end, process, connection)

    @classmethod
    async def start(cls, settings: Settings, rings: int | None) -> Self:
        """Starts one with these settings; `rings` is the end of the bell that wakes the workers."""
        ours, theirs = socket.socketpair()
        with theirs:
            fds = [theirs.fileno(), *([] if rings is None else [rings])]
            command = [sys.executable, "-m", "service.api.apart.process", *map(str, fds)]
            process = await asyncio.to_thread(
                subprocess.Popen, command, pass_fds=fds, process_group=0, stdin=subprocess.DEVNULL
            )
        ours.setblocking(False)
        made = cls(process, ours, settings.request_memory_bytes)
        try:
            await send(ours, HEAD, orjson.dumps(settings.model_dump(mode="json")))
            _, ready = await receive(ours)
        except BaseException:
            await made.end()
            raise
        made._memory_before = int(ready)
        return made

    async def ask(self, head: Mapping[str, Any], body: bytes | Path) -> dict[str, Any]:
        """Sends a request, with its body or the file that holds it; returns the head of the response."""
        self.is_free = False
        told = {**head, "file": str(body)} if isinstance(body, Path) else dict(head)
        await send(self._connection, HEAD, orjson.dumps(told))
        await send(self._connection, BODY, b"" if isinstance(body, Path) else body)
        _, content = await self._next()
        answered: dict[str, Any] = orjson.loads(content)
        return answered

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body of the response."""
        while True:
            kind, content = await self._next()
            if kind == END:
                self.is_free = not content
                return
            yield content

    async def end(self) -> None:
        """Ends the process, whatever it does."""
        await asyncio.shield(asyncio.to_thread(self._end))

    async def _next(self) -> tuple[bytes, bytes]:
        """The next frame; `TooLarge` if the process took too much memory, or died of wanting it."""
        watching = asyncio.create_task(self._watch())
        try:
            return await receive(self._connection)
        except EOFError:
            raise too_much_memory(self._most_bytes) from None
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        """Ends the process as soon as it has taken more than it may."""
        while self._taken() <= self._most_bytes:
            await asyncio.sleep(_GLANCE_SECONDS)
        self._process.kill()

    def _taken(self) -> int:
        return memory_of(self._process.pid) - self._memory_before


def _end(process: subprocess.Popen[bytes], connection: socket.socket) -> None:
    process.kill()
    connection.close()
    process.wait()


def memory_of(pid: int | str) -> int:
    """The bytes of memory that a process has of its own, files that it maps aside; 0 where nobody tells."""
    with contextlib.suppress(OSError, ValueError):
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        return (int(resident) - int(shared)) * _PAGE_BYTES
    return 0

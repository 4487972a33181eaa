"""Bodies that are written to a file as they arrive; a large one is read while the rest is still arriving."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.concurrency import run_in_threadpool

from service.allowance import Heavy
from service.api.apart.pool import Forwarded, unless_gone
from service.api.state import state_of
from service.formats.csv.streams import Readable
from service.storage.artifacts.scratch import scratch

T = TypeVar("T")

LARGE_BYTES = 8 << 20
_MOST_AT_ONCE = 2
"""Bodies that are read before they are whole: each holds a thread for as long as its sender likes."""

_free = threading.BoundedSemaphore(_MOST_AT_ONCE)
_readers = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="fitd-upload")


async def received(
    request: Request, directory: Path, read: Callable[[Path, Readable], T], *, ahead: bool
) -> T | Forwarded:
    """What `read` makes of a body's file; memory does not grow with it, and the file is gone afterwards.

    Beside the file it is given a stream of the same bytes: with `ahead`, the file of a large body is whole only when
    that has come to its end. Where reading is found to be heavy, another process responds to the request.
    """
    given = request.scope.get("fitd.file")
    if given is not None:
        with Path(given).open("rb") as whole:
            return await run_in_threadpool(read, Path(given), whole)
    reading: asyncio.Future[T] | None = None
    async with contextmanager_in_threadpool(scratch(directory)) as place:
        arrival = _Arrival(place / "body")
        try:
            async for piece in request.stream():
                arrival.write(piece)
                if ahead and reading is None and arrival.size > LARGE_BYTES and _free.acquire(blocking=False):
                    in_context = partial(copy_context().run, read, arrival.file, arrival)
                    reading = asyncio.get_running_loop().run_in_executor(_readers, in_context)
                    reading.add_done_callback(lambda _: _free.release())
            arrival.end()
            if reading is None:
                reading = asyncio.ensure_future(run_in_threadpool(read, arrival.file, arrival))
            return await unless_gone(request, _read(reading))
        except Heavy:
            return await state_of(request).apart.respond(request, arrival.file)
        finally:
            arrival.stop()
            if reading is not None:
                await asyncio.gather(reading, return_exceptions=True)
            arrival.close()


async def _read(reading: asyncio.Future[T]) -> T:
    return await asyncio.shield(reading)


class _Arrival:
    """A file that one thread writes and another reads from its beginning."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.size = 0
        self._opened = file.open("w+b", buffering=0)
        self._read = 0
        self._wanted = 0
        self._is_whole = self._is_broken = False
        self._changed = threading.Condition()

    def write(self, piece: bytes) -> None:
        """Adds what has come."""
        rest = memoryview(piece)
        while rest:
            rest = rest[self._opened.write(rest) :]
        with self._changed:
            self.size += len(piece)
            if self.size >= self._wanted:  # to wake the reader for less costs more than it brings
                self._changed.notify()

    def end(self) -> None:
        """Says that nothing more will come."""
        with self._changed:
            self._is_whole = True
            self._changed.notify()

    def stop(self) -> None:
        """Says that nobody needs any more what is made of it."""
        with self._changed:
            self._is_broken = self._is_whole = True
            self._changed.notify()

    def read(self, size: int, /) -> bytes:
        """The next so many bytes once they are there, fewer only at the end; `ConnectionError` if nobody needs them."""
        with self._changed:
            self._wanted = self._read + size
            self._changed.wait_for(lambda: self._is_whole or self.size >= self._wanted)
            if self._is_broken:
                raise ConnectionAbortedError
        piece = os.pread(self._opened.fileno(), size, self._read)
        self._read += len(piece)
        return piece

    def close(self) -> None:
        """Lets go of the file, when nobody reads it any more."""
        self._opened.close()

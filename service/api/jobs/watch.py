"""Waits for new events of jobs: one query serves all watchers in this process."""

import asyncio
import sys
import time
from collections import Counter

from starlette.concurrency import run_in_threadpool

from service.errors import StorageFailure
from service.storage import Database

_PAUSE_SECONDS = 0.05
"""Between two looks at SQLite's count of changes, which take microseconds."""

_LONGEST_SILENCE_SECONDS = 0.25
"""Between two looks at the events themselves on PostgreSQL, which does not tell of progress."""

_NEVER = sys.maxsize
"""The number of the last event of a job that has none any more: nobody is to wait for the next."""


class Watch:
    """Waits for events of jobs; who waits holds neither a thread nor a connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watched: Counter[str] = Counter()
        self._latest: dict[str, int] = {}
        self._known: set[str] = set()
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self.is_closing = False

    async def wait(self, job_id: str, seq: int, timeout_seconds: float) -> bool:
        """Whether the job got an event after number `seq`, or went, before the time-out or the end of the watch."""
        self._watched[job_id] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(timeout_seconds):
                while self._latest.get(job_id, 0) <= seq and not self.is_closing:
                    await self._changed.wait()
        except TimeoutError:
            return False
        finally:
            self._watched[job_id] -= 1
            if not self._watched[job_id]:
                del self._watched[job_id]
                self._latest.pop(job_id, None)
                self._known.discard(job_id)  # who comes back waits for what may have been told already
        return not self.is_closing

    def close(self) -> None:
        """Lets nobody wait any longer; may be called by a signal."""
        self.is_closing = True

    async def _look(self) -> None:
        mark, looked = None, 0.0
        while self._watched and not self.is_closing:
            now, watched = time.monotonic(), set(self._watched)
            try:
                moved = mark != (mark := self._database.mark())
                overdue = self._database.backend != "sqlite" and now - looked > _LONGEST_SILENCE_SECONDS
                if moved or overdue or not watched <= self._known:
                    looked, self._known = now, set(watched)
                    await self._read(watched)
            except StorageFailure:
                mark = None
            await asyncio.sleep(_PAUSE_SECONDS)
        self._tell()

    async def _read(self, watched: set[str]) -> None:
        latest = await run_in_threadpool(self._latest_of, watched)
        if any(self._latest.get(job_id) != seq for job_id, seq in latest.items()):
            self._latest |= {job_id: seq for job_id, seq in latest.items() if job_id in self._watched}
            self._tell()

    def _tell(self) -> None:
        told, self._changed = self._changed, asyncio.Event()
        told.set()

    def _latest_of(self, watched: set[str]) -> dict[str, int]:
        with self._database.reading() as tx:
            return dict.fromkeys(watched, _NEVER) | tx.events.latest(watched)

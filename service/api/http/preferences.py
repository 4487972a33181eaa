"""`Prefer: wait=N` (RFC 7240): answering when the work is done instead of at once."""

import asyncio
import re
import time

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from service.api.state import State
from service.errors import NotFound
from service.jobs import Job

_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?=$|,|;)", re.IGNORECASE)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.05
_LONGEST_SILENCE = 0.5


def preferred_wait(prefer: str | None, longest: float) -> float | None:
    """The seconds that the header asks to wait, at most `longest`; None where it asks for nothing we know."""
    found = _WAIT.search(prefer or "")
    return None if found is None else min(float(found[1]), longest)


def responds_async(prefer: str | None) -> bool:
    """Whether the header asks for a response at once."""
    return any(part.strip().lower() == "respond-async" for part in re.split("[,;]", prefer or ""))


async def waited(shared: State, job_id: str, prefer: str | None, response: Response) -> Job | None:
    """The job once it is final, or as it stands when the time that `Prefer` gives is over.

    None if it gives none, or the job was deleted: what is known of it already is the response.
    """
    seconds = preferred_wait(prefer, shared.settings.max_wait_seconds)
    if seconds is not None:
        try:
            job = await _finished(shared, job_id, seconds)
        except NotFound:
            return None
        response.headers["Preference-Applied"] = f"wait={seconds:g}"
        return job
    if responds_async(prefer):
        response.headers["Preference-Applied"] = "respond-async"
    return None


async def _finished(shared: State, job_id: str, seconds: float) -> Job:
    # No thread is held meanwhile.
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    job = await run_in_threadpool(_read, shared, job_id)
    while not job.is_final and (left := deadline - time.monotonic()) > 0:
        mark, looked = shared.database.mark(), time.monotonic()
        job = await run_in_threadpool(_read, shared, job.id)
        while not job.is_final and time.monotonic() - looked < _LONGEST_SILENCE and shared.database.mark() == mark:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.2, _LONGEST_PAUSE)
    return job


def _read(shared: State, job_id: str) -> Job:
    with shared.database.reading() as tx:
        return tx.jobs.get(job_id)

"""Events of a job as they happen (Server-Sent Events)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Header, Query, Response
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from service.api.state import State
from service.errors import Malformed, NotFound, StorageFailure
from service.formats.jsontext import write_json
from service.jobs import Event, Kind

KEEPALIVE_SECONDS = 15.0
RETRY_MILLISECONDS = 1000
_MOST_AT_ONCE = 500
_LONGEST_NUMBER = 9

After = Annotated[int, Query(ge=0, le=10**_LONGEST_NUMBER, description="Number of the last event known.")]
LastEventId = Annotated[str | None, Header(description="The same, as browsers send it; it goes first.")]

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`status`, `epoch`, `log` and, at last, `done`; `id` counts them from 1.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The job has ended and nothing follows the event that was named."},
}
"""The OpenAPI description of a route that streams events."""


async def watch(shared: State, job_id: str, kind: Kind, after: int, last_event_id: str | None) -> Response:
    """The events of a job of this kind, from the one that follows."""
    seq = after if last_event_id is None else _number(last_event_id)
    is_final, events = await run_in_threadpool(_read, shared, job_id, kind, seq)
    if is_final and not events:
        return Response(status_code=204)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    stream = _stream(shared, job_id, kind, seq, events)
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _stream(shared: State, job_id: str, kind: Kind, seq: int, events: list[Event]) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RETRY_MILLISECONDS, comment=f"events of {job_id}")
    while True:
        for told in events:
            seq = told.seq
            data = write_json({"at": told.created_at, **told.data}).decode()
            yield format_sse_event(data_str=data, event=told.event, id=str(seq))
            if told.event == "done":
                return
        while not await shared.watch.wait(job_id, seq, KEEPALIVE_SECONDS):
            if shared.watch.is_closing:
                return  # the client comes back, to another process
            yield KEEPALIVE_COMMENT
        try:
            is_final, events = await run_in_threadpool(_read, shared, job_id, kind, seq)
        except (NotFound, StorageFailure):
            return  # the job was deleted, or the client comes back later
        if is_final and not events:
            return  # its events were deleted


def _read(shared: State, job_id: str, kind: Kind, seq: int) -> tuple[bool, list[Event]]:
    with shared.database.reading() as tx:
        return tx.jobs.get(job_id, kind).is_final, tx.events.after(job_id, seq, _MOST_AT_ONCE)


def _number(last_event_id: str) -> int:
    if not last_event_id.isdecimal() or len(last_event_id) > _LONGEST_NUMBER:
        raise Malformed("Expected the id of an event in Last-Event-ID; received something else.", code="bad_event_id")
    return int(last_event_id)

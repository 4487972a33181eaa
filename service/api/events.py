"""Events of a training job as they happen (Server-Sent Events)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from service.api.paths import JobId
from service.api.problems import documented
from service.api.state import Shared, State
from service.errors import Malformed, Unavailable
from service.formats.jsontext import write_json
from service.jobs import Event

router = APIRouter(prefix="/v1", tags=["training jobs"])

KEEPALIVE_SECONDS = 15.0
RETRY_MILLISECONDS = 1000
_MOST_AT_ONCE = 500
_LONGEST_NUMBER = 9

_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`status`, `epoch`, `log` and, at last, `done`; `id` counts them from 1.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The job has ended and nothing follows the event that was named."},
}


@router.get(
    "/training-jobs/{job_id:word}/events",
    response_class=Response,
    responses=_EVENTS | documented(400, 404, 422, 503),
)
async def watch_training_job(
    shared: Shared,
    job_id: JobId,
    after: Annotated[int, Query(ge=0, le=10**_LONGEST_NUMBER, description="Number of the last event known.")] = 0,
    last_event_id: Annotated[str | None, Header(description="The same, as browsers send it; it goes first.")] = None,
) -> Response:
    """Everything that happened to the job, then everything that happens, until it has ended.

    Each event has a number. Who comes back with the last one in `Last-Event-ID` or `?after=` gets those that
    follow, without a gap or a repetition, from whichever process answers.
    """
    seq = after if last_event_id is None else _number(last_event_id)
    is_final, events = await run_in_threadpool(_read, shared, job_id, seq)
    if is_final and not events:
        return Response(status_code=204)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    stream = _stream(shared, job_id, seq, events)
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _stream(shared: State, job_id: str, seq: int, events: list[Event]) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RETRY_MILLISECONDS, comment=f"events of {job_id}")
    while True:
        for told in events:
            seq = told.seq
            data = write_json({"at": told.created_at.isoformat(), **told.data}).decode()
            yield format_sse_event(data_str=data, event=told.event, id=str(seq))
            if told.event == "done":
                return
        while not await shared.watch.wait(job_id, seq, KEEPALIVE_SECONDS):
            if shared.watch.is_closing:
                return  # the client comes back, to another process
            yield KEEPALIVE_COMMENT
        try:
            _, events = await run_in_threadpool(_read, shared, job_id, seq)
        except Unavailable:
            return


def _read(shared: State, job_id: str, seq: int) -> tuple[bool, list[Event]]:
    with shared.database.reading() as tx:
        return tx.jobs.get(job_id).is_final, tx.events.after(job_id, seq, _MOST_AT_ONCE)


def _number(last_event_id: str) -> int:
    if not last_event_id.isdecimal() or len(last_event_id) > _LONGEST_NUMBER:
        raise Malformed("Expected the id of an event in Last-Event-ID; received something else.", code="bad_event_id")
    return int(last_event_id)

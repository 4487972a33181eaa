"""Forwards heavy requests to a process of their own, and waits for the response."""

from fastapi import Request, Response

from service.allowance import Heavy
from service.api.apart.pool import Forwarded
from service.api.http.preferences import waited
from service.api.jobs.routes import VIEWS, job_response
from service.api.state import State, state_of
from service.formats.jsontext import read_json


async def answer_heavy(request: Request, _error: Heavy) -> Response:
    """The response of another process to a request whose body is in memory."""
    shared = state_of(request)
    response = await shared.apart.respond(request, request.scope["fitd.body"])
    prefer = request.headers.get("prefer")
    if prefer is None or response.status_code != 202:
        return response
    return await _waited(shared, response, prefer)


async def _waited(shared: State, response: Forwarded, prefer: str) -> Response:
    """The job that was made, as soon as `Prefer` wants it: nobody else has to wait for the other process meanwhile."""
    content = await response.whole()
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "x-request-id")}
    told = Response(content, 202, headers=kept)
    job = await waited(shared, read_json(content)["id"], prefer, told)
    if job is None:
        return told
    view = job_response(VIEWS[job.kind].of(job), told)
    told.body = view.model_dump_json(by_alias=True).encode()
    told.headers["content-length"] = str(len(told.body))
    return told

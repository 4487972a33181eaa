"""Problems: every refusal and failure as `application/problem+json` (RFC 9457)."""

import errno
import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match, Mount

from service import errors
from service.allowance import too_much_memory
from service.api.access.refusals import InsufficientScope, OtherModels, Unauthenticated
from service.api.http.callers import FromForeignPage, Misdirected
from service.api.protocols.open_inference.refusals import is_of_protocol
from service.formats.jsontext import write_json
from service.spec.mistakes import expectation

MEDIA_TYPE = "application/problem+json"
_OF_TENSORFLOW = re.compile(r"/v1/models/[^/]+(/(versions|labels)/[^/]+)?(/metadata)?")
_REFUSALS = (errno.EROFS, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE)
_FROM_THE_DOOR = (401, 403)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
log = logging.getLogger("fitd.api")


class UnsupportedMediaType(errors.FitdError):
    """The body is of a media type, or encoded in a way, that this path does not read."""

    code = "unsupported_media_type"


class ProblemError(BaseModel):
    """One mistake: where, a stable word for a program, and a sentence for a person."""

    pointer: str | None = Field(None, description="JSON Pointer into the request body.", examples=["#/fit/epochs"])
    parameter: str | None = Field(None, description="Name of a query, path or header parameter.")
    code: str = Field(examples=["out_of_range"], description="The mistake, as a stable word for programs.")
    detail: str = Field(
        examples=["epochs must be an integer >= 1; received 0."],
        description="What was expected and what was received, as a sentence for people.",
    )


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="Stable identifier of the kind of problem.", examples=["urn:fitd:invalid_request"])
    title: str = Field(examples=["The request is wrong"], description="The kind of problem in a few words.")
    status: int = Field(examples=[422], description="The HTTP status of the response.")
    detail: str = Field(description="What happened, as a sentence for people.")
    code: str = Field(description="The last part of `type`.", examples=["invalid_request"])
    request_id: str = Field(description="Also in the header `X-Request-Id`, and in the service's log.")
    errors: list[ProblemError] | None = Field(None, description="The mistakes, as many as are shown.")
    errors_total: int | None = Field(None, description="How many mistakes there are.")
    error: str | None = Field(
        None, description="All that in one text, on the paths where clients of TensorFlow Serving look for it."
    )


KINDS: Mapping[type[errors.FitdError], tuple[int, str]] = {
    errors.Malformed: (400, "The request cannot be read"),
    Unauthenticated: (401, "A key is needed"),
    InsufficientScope: (403, "The key is not for this"),
    OtherModels: (403, "The key is for other models"),
    FromForeignPage: (403, "Web pages of others may not ask"),
    errors.NotFound: (404, "There is no such thing"),
    errors.Conflict: (409, "The present state does not allow it"),
    errors.PreconditionFailed: (412, "It has changed"),
    errors.Reused: (422, "The idempotency key is used"),
    errors.TooLarge: (413, "The request is too large"),
    UnsupportedMediaType: (415, "The media type is not supported"),
    Misdirected: (421, "The service is not known by this name"),
    errors.Invalid: (422, "The request is wrong"),
    errors.TooMany: (429, "Too many at a time"),
    errors.Damaged: (500, "What was stored is damaged"),
    errors.Refused: (500, "The database refuses it"),
    errors.WrongSchema: (503, "The tables are of another release"),
    errors.Unavailable: (503, "The service is not available"),
}
"""The one place that gives an error its HTTP status and title."""


def problem(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """Returns the response for a problem; it has the id of the request, and never its contents."""
    request_id = request.state.request_id
    named = {"X-Request-Id": request_id, **(headers or {})}
    path = request.scope["path"]
    status, media_type, content = rendered(
        path, status=status, code=code, title=title, detail=detail, request_id=request_id, **more
    )
    return Response(content, status, headers=named, media_type=media_type)


def rendered(
    path: str, *, status: int, code: str, title: str, detail: str, request_id: str, **more: Any
) -> tuple[int, str, bytes]:
    """The status, media type and bytes of a problem, in the form that the clients of this path read."""
    found = more.get("errors", ())
    text = " ".join(f"{one.get('pointer') or one['parameter']}: {one['detail']}" for one in found) or detail
    if is_of_protocol(path):
        return 400 if status == 422 else status, "application/json", write_json({"error": text})
    content = {
        "type": f"urn:fitd:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        **more,
    }
    if _OF_TENSORFLOW.fullmatch(path):
        content["error"] = text
    return status, MEDIA_TYPE, write_json(content)


def answer_known(request: Request, error: errors.FitdError) -> Response:
    """The problem of one of our own errors."""
    kind = next((kind for kind in type(error).__mro__ if kind in KINDS), None)
    if kind is None:
        return answer_unknown(request, error)
    status, title = KINDS[kind]
    more: dict[str, Any] = {}
    if isinstance(error, errors.Invalid):
        detail = "1 mistake was found." if error.total == 1 else f"{error.total:,} mistakes were found."
        more["errors"] = [
            {"pointer" if one.pointer.startswith("#") else "parameter": one.pointer}
            | {"code": one.code, "detail": one.detail}
            for one in error.findings
        ]
        more["errors_total"] = error.total
        return problem(request, status, error.code, title, detail, **more)
    if isinstance(error, errors.TooLarge):
        more[f"limit_{error.unit}"] = error.limit
    if isinstance(error, Unauthenticated | InsufficientScope | OtherModels):
        headers = {"WWW-Authenticate": error.challenge}
        return problem(request, status, error.code, title, error.detail, headers=headers)
    if isinstance(error, errors.TooMany):
        headers = {"Retry-After": str(error.retry_after_seconds)}
        return problem(request, status, error.code, title, error.detail, headers=headers)
    if isinstance(error, errors.Unavailable):
        log.error("request %s: %s", request.state.request_id, error.detail)
        headers = {"Retry-After": str(error.retry_after_seconds)}
        detail = "Please try again in a moment." if error.code == errors.Unavailable.code else error.detail
        return problem(request, status, error.code, title, detail, headers=headers)
    return problem(request, status, error.code, title, error.detail, **more)


def answer_routing(request: Request, error: HTTPException) -> Response:
    """The problem of a path or method that does not exist."""
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_")
    allowed = ", ".join(_methods(request)) if error.status_code == 405 else ""
    details = {
        404: "There is nothing at this path; /docs lists what there is.",
        405: f"This path does not accept {request.method}; expected {allowed}.",
    }
    detail = details.get(error.status_code, str(error.detail))
    headers = {"Allow": allowed} if error.status_code == 405 else error.headers
    return problem(request, error.status_code, code, phrase, detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """Returns the methods that the path of this request accepts; each route knows only its own."""
    routes = request.app.router.routes
    found = [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "root_path": "", "method": method})[0] is Match.FULL
            for route in routes
            if method == "GET" or not isinstance(route, Mount)  # files are read and nothing else
        )
    ]
    return ["GET", "HEAD", *found[1:]] if "GET" in found else found


def answer_parameters(request: Request, error: RequestValidationError) -> Response:
    """The problem of query, path or header parameters that do not fit; their values are not repeated."""
    mistakes = error.errors()
    found = [
        {"parameter": str(one["loc"][-1]), "code": "invalid_parameter", "detail": _detail(one)}
        for one in mistakes[: request.app.state.fitd.settings.max_errors_shown]
    ]
    title, detail = KINDS[errors.Invalid][1], "A parameter of the request is wrong."
    return problem(request, 422, "invalid_parameter", title, detail, errors=found, errors_total=len(mistakes))


def _detail(error: Mapping[str, Any]) -> str:
    _, expected = expectation(error["type"], error.get("ctx", {}), error["msg"])
    return f"{expected}." if expected == error["msg"] else f"Expected {expected}."


def answer_disconnect(_request: Request, _error: ClientDisconnect) -> Response:
    """Returns a response that nobody reads: the client disconnected before its request was complete."""
    return Response(status_code=400)


def answer_system(request: Request, error: OSError) -> Response:
    """Returns the problem of a full or failing disk; any other system error is a defect of ours."""
    if errors.is_full(error):
        return answer_known(request, errors.Full())
    if error.errno in _REFUSALS:
        return answer_known(request, errors.Unavailable(f"The system refuses: {error.strerror}."))
    return answer_unknown(request, error)


def answer_memory(request: Request, _error: MemoryError) -> Response:
    """The problem of a request that took more memory than there is for one."""
    limit: int = request.app.state.fitd.settings.request_memory_bytes
    return answer_known(request, too_much_memory(limit))


def answer_unknown(request: Request, error: Exception) -> Response:
    """Returns the problem of a defect: the log has the traceback, and the response only the id of the request."""
    log.error("request %s failed", request.state.request_id, exc_info=error)
    detail = "Something went wrong that is not your fault. The service's log has more under the request's id."
    return problem(request, 500, "internal_error", "The service failed", detail)


def install(app: FastAPI) -> None:
    """Makes the application return every error as a problem."""
    answers: dict[type[Exception], Any] = {
        errors.FitdError: answer_known,
        HTTPException: answer_routing,
        RequestValidationError: answer_parameters,
        ClientDisconnect: answer_disconnect,
        OSError: answer_system,
        MemoryError: answer_memory,
        Exception: answer_unknown,
    }
    for kind, answer in answers.items():
        app.add_exception_handler(kind, answer)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems (401, 403 and 500 are always among them)."""
    titles = {
        **dict(KINDS.values()),
        422: KINDS[errors.Invalid][1],
        405: "The method does not exist",
        500: "The service failed",
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": titles[status],
            "content": {MEDIA_TYPE: {"schema": schema, "example": _example(status, titles[status])}},
        }
        for status in sorted({*statuses, *_FROM_THE_DOOR, 500})
    }


def _example(status: int, title: str) -> dict[str, Any]:
    """A problem with this status, as it may come."""
    code, detail = _EXAMPLES[status]
    told = {"type": f"urn:fitd:{code}", "title": title, "status": status, "detail": detail, "code": code}
    told["request_id"] = "req_1n2v5jz4q9s0mxjrkpt8c7w3ye"
    if status != 422:
        return told
    mistake = {"pointer": "#/fit/epochs", "code": "out_of_range", "detail": "Expected a number >= 1; received 0."}
    return {**told, "errors": [mistake], "errors_total": 1}


_EXAMPLES: Mapping[int, tuple[str, str]] = {
    400: ("malformed", "Expected JSON; the text ends in the middle."),
    401: ("unauthenticated", "Expected a key, as `Authorization: Bearer fitd_...`."),
    403: ("insufficient_scope", "Expected a key with the scope train; the key of this request has other scopes."),
    404: ("not_found", "There is no model 'unknown'; it exists once a training job of this name has succeeded."),
    409: ("conflict", "The job has succeeded already; it cannot be cancelled."),
    412: ("precondition_failed", "The label points at another version than If-Match says."),
    413: ("too_large", "Expected at most 100,000,000 bytes in the body."),
    415: ("unsupported_media_type", "Expected application/json as Content-Type."),
    422: ("invalid_request", "1 mistake was found."),
    429: ("too_many", "There are as many jobs in the queue as it holds; try again in a moment."),
    500: (
        "internal_error",
        "Something went wrong that is not your fault. The service's log has more under the request's id.",
    ),
    503: ("unavailable", "Please try again in a moment."),
}

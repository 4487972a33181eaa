"""Middleware before all routes: gives each request an id, checks its caller, and limits its body."""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from itertools import count
from time import perf_counter

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.allowance import Allowance, allowing
from service.api.access.door import Door
from service.api.access.refusals import Unrouted
from service.api.gauge import Gauge
from service.api.http.budget import Budget, Held
from service.api.http.headers import read_headers, text_of
from service.api.http.origins import Origins
from service.api.http.problems import answer_known, answer_routing
from service.errors import FitdError, TooLarge
from service.logs import about

_GOOD_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROCESS = f"req_{int(time.time() * 1000):x}{secrets.token_hex(6)}_".encode()
_COUNT = count(1)
STANDING_HEADERS = {b"cache-control": b"no-store", b"x-content-type-options": b"nosniff"}
"""Default headers of every response: do not cache it, and do not guess its type."""


class Gate:
    """ASGI middleware: an `X-Request-Id` on every request and answer, and an end to bodies over the limit.

    Every request passes the door here, before it has a route; the short way of predictions has the same door.
    Uploads, which go to a file and not into memory, have a limit of their own.

    Bytes are counted as they arrive, because a `Content-Length` may be missing or wrong.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        door: Door,
        origins: Origins,
        gauge: Gauge,
        max_body_bytes: int,
        max_upload_bytes: int,
        is_upload: Callable[[str, str], bool],
        budget: Budget,
        allowance: Allowance,
    ) -> None:
        """`is_upload` tells by a path and a Content-Type; bodies in memory are taken from the budget."""
        self.app = app
        self.door = door
        self.origins = origins
        self.gauge = gauge
        self.max_body_bytes = max_body_bytes
        self.max_upload_bytes = max_upload_bytes
        self.is_upload = is_upload
        self.budget = budget
        self.allowance = allowance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or returns the problem that prevents it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = perf_counter(), 500
        request_id = name_of(dict(scope["headers"]))
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        standing = {**STANDING_HEADERS, b"x-request-id": request_id}

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                present = {name.lower() for name, _ in given}
                if b"etag" in present and b"cache-control" not in present:
                    given.append((b"cache-control", b"no-cache"))  # it may be kept, and is asked for again
                    present.add(b"cache-control")
                message["headers"] = [
                    *given,
                    *(one for one in standing.items() if one[0] not in present or one[0] == b"vary"),
                ]
            await send(message)

        try:
            with about(request=request_id.decode()):
                await self._pass(scope, receive, named, standing)
        finally:
            self.gauge.answered(
                scope["method"],
                scope["path"],
                status,
                perf_counter() - began,
                request=request_id.decode(),
                caller=scope["state"].get("caller"),
            )

    async def _pass(self, scope: Scope, receive: Receive, named: Send, standing: dict[bytes, bytes]) -> None:
        """Lets a request that has a name in; `standing` is what its answer will say."""
        try:
            headers = read_headers(scope["headers"])
            standing.update(self.origins.standing(headers))
            preflight = self.origins.preflight(scope["method"], headers)
            if preflight is not None:
                await preflight(scope, receive, named)
                return
            scope["state"]["caller"] = await self.door.admit(scope, headers)
        except Unrouted as error:
            await answer_routing(Request(scope), HTTPException(error.status))(scope, receive, named)
            return
        except FitdError as error:
            await answer_known(Request(scope), error)(scope, receive, named)
            return
        scope["headers"] = list(headers.items())
        is_upload = self.is_upload(scope["path"], text_of(headers, b"content-type"))
        arriving = limited(receive, headers, self.max_upload_bytes if is_upload else self.max_body_bytes)
        held = scope["state"]["held"] = Held(self.budget)
        try:
            with allowing(self.allowance), about(key=scope["state"]["caller"].key):
                await self.app(scope, held.metered(arriving, is_upload=is_upload), named)
        finally:
            held.release()


def name_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The request's id: what its `X-Request-Id` says, or a new one."""
    asked = headers.get(b"x-request-id")
    return _new_id() if asked is None or not _GOOD_ID.fullmatch(asked) else asked


def limited(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> Receive:
    """The same messages up to so many bytes; then, or at once where the headers announce more, `TooLarge`."""
    too_long = _announces_more(headers, limit)
    received = 0

    async def counted() -> Message:
        nonlocal received
        if too_long:
            raise _refusal(limit)
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _refusal(limit)
        return message

    return counted


def _announces_more(headers: Mapping[bytes, bytes], limit: int) -> bool:
    announced = headers.get(b"content-length", b"0")
    return len(announced) > 20 or not announced.isdigit() or int(announced) > limit


def _refusal(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than the limit of {limit:,} bytes.", limit=limit, unit="bytes")


def _new_id() -> bytes:
    return b"%s%x" % (_PROCESS, next(_COUNT))

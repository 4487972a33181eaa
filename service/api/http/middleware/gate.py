"""The gate before all routes: it names each request and counts what it sends."""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from itertools import count

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.allowance import Allowance, allowing
from service.api.http.budget import Budget, Held
from service.errors import TooLarge

_GOOD_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROCESS = f"req_{int(time.time() * 1000):x}{secrets.token_hex(6)}_".encode()
_COUNT = count(1)


class Gate:
    """ASGI middleware: an `X-Request-Id` on every request and answer, and an end to bodies over the limit.

    Uploads, which go to a file and not into memory, have a limit of their own.

    Bytes are counted as they arrive, because a `Content-Length` may be missing or wrong.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        max_upload_bytes: int,
        is_upload: Callable[[str, str], bool],
        budget: Budget,
        allowance: Allowance,
    ) -> None:
        """`is_upload` tells by a path and a Content-Type; bodies in memory are taken from the budget."""
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.max_upload_bytes = max_upload_bytes
        self.is_upload = is_upload
        self.budget = budget
        self.allowance = allowance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = name_of(headers)
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        is_upload = self.is_upload(scope["path"], content_type)
        limit = self.max_upload_bytes if is_upload else self.max_body_bytes
        held = scope["state"]["held"] = Held(self.budget)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                if not any(name == b"x-request-id" for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        arriving = limited(receive, headers, limit)
        try:
            with allowing(self.allowance):
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

"""The gate before all routes: it names each request and counts what it sends."""

import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import TooLarge

_GOOD_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Gate:
    """ASGI middleware: an `X-Request-Id` on every request and answer, and an end to bodies over the limit.

    Bytes are counted as they arrive, because a `Content-Length` may be missing or wrong.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        asked = headers.get(b"x-request-id", b"")
        request_id = asked if _GOOD_ID.fullmatch(asked) else _new_id()
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        announced = headers.get(b"content-length", b"0")
        received = 0
        too_long = len(announced) > 20 or not announced.isdigit() or int(announced) > self.max_body_bytes

        async def counted() -> Message:
            nonlocal received
            if too_long:
                raise self._refusal()
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body_bytes:
                raise self._refusal()
            return message

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                if not any(name == b"x-request-id" for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        await self.app(scope, counted, named)

    def _refusal(self) -> TooLarge:
        limit = self.max_body_bytes
        return TooLarge(f"The body is larger than the limit of {limit:,} bytes.", limit=limit, unit="bytes")


def _new_id() -> bytes:
    return f"req_{int(time.time() * 1000):x}{secrets.token_hex(6)}".encode()

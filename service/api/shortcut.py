"""The short way: predictions answered before routing, which costs as much as all of their work."""

import re
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import answer_disconnect, answer_known
from service.api.state import State
from service.api.uploads import is_upload
from service.errors import FitdError

Answer = Callable[[State, Mapping[str, str], bytes, str, int | None], Awaitable[Response]]
"""The answer to headers and a body about the model of this name, and the version of this number if any."""


class Shortcut:
    """ASGI middleware: answers a POST to one of its paths itself, and leaves the rest to the routes behind it.

    What a router or a route asks of every request, a key for instance, has to be asked before this one.

    `ways` maps each path, a pattern with the groups `name` and `number`, to what the route behind it answers. The
    routes stay: they are the documentation, and answer other methods.
    """

    def __init__(self, app: ASGIApp, *, ways: Mapping[str, Answer]) -> None:
        self.app = app
        self.ways = [(re.compile(pattern), answer) for pattern, answer in ways.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or lets it pass."""
        if scope["type"] == "http" and scope["method"] == "POST" and not scope.get("root_path"):
            for pattern, answer in self.ways:
                found = pattern.fullmatch(scope["path"])
                if found is not None and not is_upload(scope["path"], _content_type(scope)):
                    name, number = found["name"], found["number"]
                    response = await _answered(answer, scope, receive, name, None if number is None else int(number))
                    await response(scope, receive, send)
                    return
        await self.app(scope, receive, send)


def _content_type(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"), "")


async def _answered(answer: Answer, scope: Scope, receive: Receive, name: str, number: int | None) -> Response:
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    try:
        body = await _body(receive)
        return await answer(scope["app"].state.fitd, headers, body, name, number)
    except FitdError as error:
        return answer_known(Request(scope), error)
    except ClientDisconnect as error:
        return answer_disconnect(Request(scope), error)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts) if len(parts) > 1 else parts[0]

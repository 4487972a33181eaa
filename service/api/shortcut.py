"""The short way: predictions answered before routing, which costs as much as all of their work."""

import re
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import answer_disconnect, answer_known
from service.errors import FitdError

Answer = Callable[[Request, str, int | None], Awaitable[Response]]
"""A route's work: the answer to a request about the model of this name, and the version of this number if any."""


class Shortcut:
    """ASGI middleware: answers a POST to one of its paths itself, and leaves the rest to the routes behind it.

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
                if found is not None:
                    number = None if found["number"] is None else int(found["number"])
                    request = Request(scope, receive, send)
                    response = await _answered(answer, request, found["name"], number)
                    await response(scope, receive, send)
                    return
        await self.app(scope, receive, send)


async def _answered(answer: Answer, request: Request, name: str, number: int | None) -> Response:
    try:
        return await answer(request, name, number)
    except FitdError as error:
        return answer_known(request, error)
    except ClientDisconnect as error:
        return answer_disconnect(request, error)

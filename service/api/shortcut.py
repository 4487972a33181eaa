"""The short way: predictions answered before everything else, which costs as much as all of their work."""

import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.answered import Answered, Headers
from service.api.gate import name_of, read_body
from service.api.problems import answer_disconnect, answer_known, answer_unknown
from service.api.serving import Which
from service.api.state import State
from service.errors import FitdError

_REMEMBERED = 1000
"""Paths."""


Answer = Callable[[State, Headers, bytes, str, Which], Awaitable[Answered]]
"""The answer to headers and a body about the model of this name, and its version of this number or label if any."""


class Way(NamedTuple):
    """Paths, by a pattern with the groups `name`, `number` and `label`, whose POSTs are answered at once.

    The routes to these paths stay: they are the documentation, and answer what is not `plain` or has a query.
    """

    pattern: str
    answer: Answer
    plain: Callable[[Headers], bool]


class Shortcut:
    """Answers plain requests to a few paths at once: no middleware and no route is asked.

    So it does itself what they do for all: it names the request, limits its body and turns errors into problems.
    What a middleware or a route is to ask of every request, a key for instance, has to be asked here as well.
    """

    def __init__(self, shared: State, *ways: Way) -> None:
        self._shared = shared
        self._ways = [(re.compile(way.pattern), way) for way in ways]
        self._found = lru_cache(_REMEMBERED)(self._find)

    async def answers(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Whether it has answered the request; if not, nothing of it is read."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"] or scope.get("root_path"):
            return False
        found = self._found(scope["path"])
        headers = dict(scope["headers"])
        if found is None or not found[0].plain(headers):
            return False
        way, name, which = found
        request_id = name_of(headers)
        try:
            body = await read_body(receive, headers, self._shared.settings.max_body_bytes)
            content, described = await way.answer(self._shared, headers, body, name, which)
        except Exception as error:  # noqa: BLE001 - a defect is a problem as well
            scope.setdefault("state", {})["request_id"] = request_id.decode()
            await _problem(Request(scope), error)(scope, receive, send)
            return True
        length = (b"content-length", b"%d" % len(content))
        start = [length, *described.items(), (b"x-request-id", request_id)]
        await send({"type": "http.response.start", "status": 200, "headers": start})
        await send({"type": "http.response.body", "body": content})
        return True

    def _find(self, path: str) -> tuple[Way, str, Which] | None:
        for pattern, way in self._ways:
            found = pattern.fullmatch(path)
            if found is not None:
                number = found["number"]
                return way, found["name"], found["label"] if number is None else int(number)
        return None


def _problem(request: Request, error: Exception) -> Response:
    if isinstance(error, FitdError):
        return answer_known(request, error)
    if isinstance(error, ClientDisconnect):
        return answer_disconnect(request, error)
    return answer_unknown(request, error)

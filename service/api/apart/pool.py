"""The pool of processes for heavy requests."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from service.access import Caller
from service.api.apart.answerer import Answerer
from service.api.apart.messages import decoded, encoded
from service.api.http.budget import Budget
from service.config import Settings

T = TypeVar("T")

_KEPT_HERE = (b"x-request-id", b"prefer", b"authorization", b"x-api-key")
"""Headers that the other process does not get: the door that judged the request says who sends it."""


class Forwarded(StreamingResponse):
    """A response as it arrives; what it holds is given back when it has been sent, or cannot be."""

    stack: AsyncExitStack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        async with self.stack:
            await super().__call__(scope, receive, send)

    async def whole(self) -> bytes:
        """Its body, which is not sent then."""
        async with self.stack:
            return b"".join([bytes(piece) async for piece in self.body_iterator if not isinstance(piece, str)])


class Pool:
    """Handles heavy requests, as many at once as the budget of memory allows; keeps one idle process for the next."""

    def __init__(self, settings: Settings, budget: Budget, rings: int | None = None) -> None:
        self._settings = settings
        self._budget = budget
        self._rings = rings
        self._idle: Answerer | None = None

    async def respond(self, request: Request, body: bytes | Path) -> Forwarded:
        """The response to a request whose body has been read; `Busy` if its turn does not come in time.

        The process is ended if the client disconnects.
        """
        request.state.held.release()  # it would be counted twice
        async with AsyncExitStack() as stack:
            turn = self._budget.hold(self._settings.request_memory_bytes)
            await unless_gone(request, stack.enter_async_context(turn))
            answerer = await self._taken()
            stack.push_async_callback(self._give_back, answerer)
            told = await unless_gone(request, answerer.ask(_head_of(request), body))
            response = Forwarded(answerer.pieces(), told["status"])
            response.stack = stack.pop_all()
            response.raw_headers = encoded(told["headers"])
            return response

    async def close(self) -> None:
        """Ends the idle process."""
        idle, self._idle = self._idle, None
        if idle is not None:
            await idle.end()

    async def _taken(self) -> Answerer:
        idle, self._idle = self._idle, None
        return idle or await Answerer.start(self._settings, self._rings)

    async def _give_back(self, answerer: Answerer) -> None:
        if answerer.is_free and self._idle is None:
            self._idle = answerer
        else:
            await answerer.end()


async def unless_gone(request: Request, doing: Coroutine[Any, Any, T]) -> T:
    """Awaits work for a client, and cancels it if the client disconnects."""
    task = asyncio.ensure_future(doing)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and leaving.exception() is None:
            raise ClientDisconnect
        return await task
    finally:
        for one in (task, leaving):
            one.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _head_of(request: Request) -> dict[str, Any]:
    scope = request.scope
    caller: Caller = request.state.caller
    headers = [(name, value) for name, value in scope["headers"] if name not in _KEPT_HERE]
    headers.append((b"x-request-id", request.state.request_id.encode()))
    return {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope.get("raw_path", scope["path"].encode()).decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "headers": decoded(headers),
        "caller": {"key": caller.key, "scopes": sorted(caller.scopes), "models": caller.models},
    }

"""One request and its response, as the application sees them (ASGI)."""

import asyncio
import logging
import re
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Scope

from service.api.wire.head import Head
from service.api.wire.refusals import RefusedError
from service.api.wire.status import head_of_answer

_BAD_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BODILESS = (204, 304)
_log = logging.getLogger("fitd.api")


class Line(Protocol):
    """What an exchange needs of its connection."""

    def write(self, content: bytes) -> None:
        """Sends bytes after all that was sent before."""

    async def drain(self) -> None:
        """Waits until the client has read enough for more to be sent."""

    def wants_more(self) -> None:
        """Says that the application waits for more of the body."""

    def default_headers(self) -> dict[bytes, bytes]:
        """The headers that the server adds to every response."""

    def answered(self, *, keep_alive: bool) -> None:
        """Called when the response is complete."""

    def refuse(self, error: RefusedError) -> None:
        """Ends the connection with this response, or in the middle of the response that was begun: it is not whole."""


class Exchange:
    """Gives the application the body of a request as it arrives, and frames the response."""

    def __init__(self, line: Line, head: Head, scope: Scope) -> None:
        self._line = line
        self._head = head
        self._scope = scope
        self._pieces: list[bytes] = []
        self.waiting_bytes = 0
        """Bytes of the body that have arrived and that the application has not read."""
        self._is_whole = False
        self._awaits_continue = head.expects_continue
        self._changed = asyncio.Event()
        self._is_gone = False
        self._keep_alive = head.keep_alive
        self.has_started = self.has_ended = False
        self._is_chunked = self._is_bodiless = False
        self._missing: int | None = None
        """Bytes of the response that are still due, where their number was given."""

    async def run(self, app: ASGIApp) -> None:
        """Runs the application; afterwards the connection is in a known state, whatever happened."""
        try:
            await app(self._scope, self.receive, self.send)
        except asyncio.CancelledError:
            self._fail(503, "unavailable", "The service stops; try again in a moment.")
        except Exception as error:  # noqa: BLE001 - nobody behind this could tell
            if not self._is_gone:
                _log.error("a request failed outside of its route", exc_info=error)
            self._fail(500, "internal_error", "Something went wrong that is not your fault.")
        else:
            if not self.has_ended and not self._is_gone:
                _log.error("a request ended without a whole answer")
            self._fail(500, "internal_error", "Something went wrong that is not your fault.")

    def _fail(self, status: int, code: str, detail: str) -> None:
        if not (self._is_gone or self.has_ended):
            self._line.refuse(RefusedError(status, code, detail, self._head.path))

    def feed(self, piece: bytes, *, is_whole: bool) -> None:
        """Adds to the body."""
        if piece:
            self._pieces.append(piece)
            self.waiting_bytes += len(piece)
        self._is_whole = is_whole
        self._changed.set()

    def leave(self) -> None:
        """Tells the application that the client is gone."""
        self._is_gone = True
        self._changed.set()

    def close_after(self) -> None:
        """Makes the connection end after this response."""
        self._keep_alive = False

    async def receive(self) -> Message:
        """The next message for the application: what has come of the body, or that the client is gone."""
        if self._awaits_continue and not self.has_started and not self._is_gone:
            self._awaits_continue = False
            self._line.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not (self._is_gone or self.has_ended):
            self._line.wants_more()
            await self._changed.wait()
            self._changed.clear()
        if self._is_gone or self.has_ended:
            return {"type": "http.disconnect"}
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self.waiting_bytes = [], 0
        return {"type": "http.request", "body": body, "more_body": not self._is_whole}

    async def send(self, message: Message) -> None:
        """Sends a part of the response."""
        await self._line.drain()
        if self._is_gone:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.has_started:
            self._start(message["status"], list(message.get("headers", ())))
        elif kind == "http.response.body" and self.has_started and not self.has_ended:
            self._write_body(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind} was not due.")

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        given = [*self._line.default_headers().items(), *((name.lower(), value) for name, value in headers)]
        if any(_BAD_NAME.search(name) or _BAD_VALUE.search(value) for name, value in given):
            raise RuntimeError("A header of the answer is not what a header can be.")
        named = dict(given)
        if self._awaits_continue and not self._is_whole:
            # The client may now send its body or not: what comes next could not be told apart from a request.
            self._keep_alive = False
        framing = self._frame(status, named.get(b"content-length"))
        if named.get(b"connection", b"").lower() == b"close":
            self._keep_alive = False
        lines = [one for one in given if one[0] != b"connection"] + framing
        if not self._keep_alive:
            lines.append((b"connection", b"close"))
        elif self._head.version == "1.0":
            lines.append((b"connection", b"keep-alive"))
        self.has_started = True
        self._line.write(head_of_answer(status, lines))

    def _frame(self, status: int, length: bytes | None) -> list[tuple[bytes, bytes]]:
        """Decides what marks the end of the response: its length, chunks, or for HTTP/1.0 the end of the connection."""
        if self._head.method == "HEAD" or status in _BODILESS:
            self._is_bodiless = True
        elif length is not None:
            self._missing = int(length)
        elif self._head.version == "1.0":
            self._keep_alive = False
        else:
            self._is_chunked = True
            return [(b"transfer-encoding", b"chunked")]
        return []

    def _write_body(self, body: bytes, *, more: bool) -> None:
        if self._is_bodiless:
            body = b""
        elif self._missing is not None:
            self._missing -= len(body)
            if self._missing < 0 or (self._missing and not more):
                raise RuntimeError("The answer is not as long as its Content-Length says.")
        if self._is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        if body:
            self._line.write(body)
        if not more:
            self.has_ended = True
            self._changed.set()
            self._line.answered(keep_alive=self._keep_alive)


def scope_of(head: Head, connection: dict[str, Any], state: dict[str, Any]) -> Scope:
    """The scope that ASGI gives an application, of a head and of what its connection knows."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.version,
        "method": head.method,
        "path": head.path,
        "raw_path": head.raw_path,
        "query_string": head.query,
        "root_path": "",
        "headers": list(head.headers.items()),
        "state": state.copy(),
        **connection,
    }

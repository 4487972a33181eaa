"""A connection: reads its requests one after another, the next one only after the response to the one before."""

import asyncio
import math
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp

from service.api.http.middleware.gate import STANDING_HEADERS, name_of
from service.api.serving.responses import Answered
from service.api.wire.exchange import Exchange, scope_of
from service.api.wire.head import Head
from service.api.wire.peer import LOWEST_RATE, Peer
from service.api.wire.reading import Reading
from service.api.wire.refusals import RefusedError
from service.api.wire.shared import Wire

_MOST_WAITING = 64 * 1024
"""Bytes that are read before anybody needs them."""


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [b"%s: %s" % header for header in headers]


_MOST_STEPS = 256
"""Requests or pieces of a body that are read in one turn of the event loop; other connections come next."""
_MOST_PIECES = 64
"""The most pieces in which a body may arrive that is collected for the shortcut."""
_OK = b"\r\n".join([b"HTTP/1.1 200 OK", *_lines(STANDING_HEADERS.items())])
"""The beginning of every response on a short way."""
_ALWAYS = ("/livez", "/readyz")


class Connection(Peer):
    """One client. Small requests for which there is a shortcut get a response as soon as they are complete.

    The arguments are those with which uvicorn's server makes a connection.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        config: Any,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(wire, _loop or asyncio.get_running_loop())
        self._app: ASGIApp = config.loaded_app
        self._server = server_state
        self._state = app_state
        self._reading = Reading(wire.limits)
        self._exchange: Exchange | None = None
        """The request that has no response yet."""
        self._kept: tuple[Head, list[bytes]] | None = None
        """A request that may take the shortcut, and what has arrived of its body."""
        self._dropped = 0
        """Bytes of a body that are skipped, because the response was sent before."""
        self._has_begun = self._is_extra = self._is_stopping = self._is_scheduled = False
        self._is_reading = True
        self._ends: dict[str, Any] = {}

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Joins the crowd, or is closed at once if there is no room."""
        self.transport = transport  # type: ignore[assignment]
        self.idle_since = self.loop.time()
        self.deadline = self.idle_since + self.wire.settings.header_seconds
        if not self.wire.crowd.join(self):
            self.abort()
            return
        self._is_extra = self.wire.crowd.is_full
        self._server.connections.add(self)
        client, server = (transport.get_extra_info(name) for name in ("peername", "sockname"))
        self._ends = {"client": client and tuple(client[:2]), "server": server and tuple(server[:2]), "scheme": "http"}

    def connection_lost(self, _error: Exception | None) -> None:
        """Tells the application, if it is still answering."""
        self._server.connections.discard(self)
        self.wire.crowd.leave(self)
        self.is_ending = True
        self._kept = None
        self._writable.set()
        if self._exchange is not None:
            self._exchange.leave()

    def eof_received(self) -> None:
        """Sends the responses that exist already, and drops requests without one."""
        self.wire.ways.outbox.empty()

    def data_received(self, data: bytes) -> None:
        """Reads what can be read of it now."""
        if self.is_ending:
            return
        self._reading.add(data)
        if not self._is_scheduled:
            self._advance()

    # Reading

    def _advance(self) -> None:
        self._is_scheduled = False
        try:
            for _ in range(_MOST_STEPS):
                if self.is_ending or not self._step() or self._reading.is_between:
                    break
            else:
                self._is_scheduled = True
                self.loop.call_soon(self._advance)
        except RefusedError as error:
            self.refuse(error)
        self.wants_more()

    def _step(self) -> bool:
        """Reads one head or one piece of a body; False if there is nothing more to read for now."""
        if self._reading.is_in_body:
            piece = self._reading.next_piece()
            if piece is not None:
                self._take(piece, is_whole=not self._reading.is_in_body)
            return piece is not None
        return self._exchange is None and self._read_head()

    def _read_head(self) -> bool:
        head = self._reading.next_head()
        if head is not None:
            self._has_begun = False
            self._begin(head)
        elif not self._has_begun and not self._reading.is_between:
            self._has_begun = True
            self.deadline = self.loop.time() + self.wire.settings.header_seconds
        return head is not None

    def _begin(self, head: Head) -> None:
        if self._is_extra and head.path not in _ALWAYS:
            raise RefusedError(503, "too_many_connections", "Too many clients are connected; try again.", head.path)
        if not (self._reading.is_in_body and self._may_keep(head)):
            self._start(head)
        elif head.length is not None and head.length <= self._reading.waiting_bytes:
            self._answer(head, self._reading.next_piece() or b"")
        else:
            self._kept = head, []
            self.set_deadline()

    def _take(self, piece: bytes, *, is_whole: bool) -> None:
        if self._kept is not None:
            head, pieces = self._kept
            pieces.append(piece)
            if is_whole:
                self._kept = None
                self._answer(head, b"".join(pieces))
                return
            if sum(map(len, pieces)) > self.wire.ways.largest_body or len(pieces) > _MOST_PIECES:
                self._give_over()
        elif self._exchange is not None:
            self._exchange.feed(piece, is_whole=is_whole)
        else:
            self._dropped += len(piece)
            if self._dropped > self.wire.settings.max_upload_bytes:
                self._close()
                return
        if is_whole:
            self.set_deadline()
        else:
            now = self.loop.time()
            slowest = max(self.deadline, now) + len(piece) / LOWEST_RATE
            self.deadline = min(slowest, now + self.wire.settings.body_seconds)

    # Answering

    def _may_keep(self, head: Head) -> bool:
        return (
            head.method == "POST"
            and head.keep_alive
            and not head.expects_continue
            and (head.length or 0) <= self.wire.ways.largest_body
            and self.is_writable
            and self.wire.ways.find(head.target) is not None
        )

    def _answer(self, head: Head, body: bytes) -> None:
        answered = self.wire.ways.answer(head.target, head.headers, body)
        if answered is None:
            self._start(head, body)
        else:
            self._write_answered(head, answered)

    def _write_answered(self, head: Head, answered: Answered) -> None:
        lines = [_OK, *_lines(self._server.default_headers), *_lines(answered.headers.items())]
        if head.version == "1.0":
            lines.append(b"connection: keep-alive")
        length = b"content-length: %d" % len(answered.content)
        named = [] if b"x-request-id" in answered.headers else [b"x-request-id: " + name_of(head.headers)]
        lines += [length, *named, b"", answered.content]
        self.wire.ways.outbox.put(self.transport, b"\r\n".join(lines))
        self._server.total_requests += 1
        if self._is_stopping:
            self._close()
        else:
            self.set_deadline()

    def _give_over(self) -> None:
        """Gives the application a request that cannot take the shortcut after all."""
        if self._kept is not None:
            (head, pieces), self._kept = self._kept, None
            self._start(head, b"".join(pieces))

    def _start(self, head: Head, body: bytes = b"") -> None:
        """Gives the application the request."""
        self._dropped = 0
        exchange = self._exchange = Exchange(self, head, scope_of(head, self._ends, self._state))
        exchange.feed(body, is_whole=not self._reading.is_in_body)
        if self._is_stopping:
            exchange.close_after()
        task = self.loop.create_task(exchange.run(self._app))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)
        self.set_deadline()

    def _close(self) -> None:
        self._exchange = self._kept = None
        if not self._is_reading and not self.transport.is_closing():
            self._is_reading = True
            self.transport.resume_reading()
        self.end(is_read=self._reading.is_between)

    # What an exchange calls

    def wants_more(self) -> None:
        """Resumes or pauses reading, by how much has arrived and is not needed yet."""
        waiting = 0 if self._exchange is None else self._reading.waiting_bytes + self._exchange.waiting_bytes
        reads = not self._is_scheduled and waiting <= _MOST_WAITING
        if reads != self._is_reading and not self.transport.is_closing():
            self._is_reading = reads
            (self.transport.resume_reading if reads else self.transport.pause_reading)()
            if self._reading.is_in_body and not self.is_ending:
                self.set_deadline()

    def default_headers(self) -> dict[bytes, bytes]:
        """The headers that the server adds to every response."""
        return dict(self._server.default_headers)

    def answered(self, *, keep_alive: bool) -> None:
        """Continues with the next request, or ends the connection."""
        self._exchange = None
        self._server.total_requests += 1
        if not keep_alive:
            self._close()
            return
        self.set_deadline()
        if not self._is_scheduled:
            self._advance()

    def refuse(self, error: RefusedError) -> None:
        """Ends the connection with this, behind the responses before it; in the middle of one it just ends."""
        exchange, self._exchange, self._kept = self._exchange, None, None
        self.wire.crowd.note(f"a request was refused with {error.status} {error.code}")
        if exchange is not None:
            exchange.leave()
            if exchange.has_started:
                self.abort()
                return
        self.write(error.answer(name_of({}), self.default_headers()))
        self._close()

    # What the crowd and the server call

    def set_deadline(self) -> None:
        """Waits for a body as long as it may take, for the application for ever, and for a new request a while."""
        now = self.loop.time()
        self.idle_since = math.inf
        if self._reading.is_in_body and self._is_reading:
            self.deadline = now + self.wire.settings.body_seconds
        elif self._reading.is_in_body or self._exchange is not None:
            self.deadline = math.inf
        else:
            self.deadline, self.idle_since = now + self.wire.settings.keep_alive_seconds, now

    def expire(self) -> None:
        """Ends the connection because its time is over, with 408 if a request has begun and has no response yet."""
        if self.is_still_reading():
            return
        if self.is_ending or self.transport.get_write_buffer_size() or (self._exchange and self._exchange.has_started):
            self.abort()
        elif self._has_begun or self._exchange is not None or self._kept is not None:
            self.refuse(RefusedError(408, "request_timeout", "The request did not come in time; send it again."))
        else:
            self._close()

    def shutdown(self) -> None:
        """Ends the connection after the request that has begun."""
        self._is_stopping = True
        self._give_over()
        if self._exchange is not None:
            self._exchange.close_after()
        elif not self.is_ending:
            self._close()

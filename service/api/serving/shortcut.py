"""The short way: predictions answered where the server reads them, for the way to a route costs as much as they do."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.api.http.middleware.gate import name_of
from service.api.serving.responses import Answered, Headers
from service.api.serving.version_cache import LIGHT_BODY, Which
from service.api.serving.write_batching import Outbox
from service.api.state import State

_REMEMBERED = 1000
_LONGEST_REMEMBERED = 400
"""Bytes of a URL; there is no way to a longer one."""

Answer = Callable[[State, Headers, bytes, str, Which], Answered | None]
"""The answer to headers and a body about the model of this name, and its version of this number or label if any.

None, or any error, leaves the request to its route.
"""


class Way(NamedTuple):
    """Paths, by a pattern with the groups `name`, `number` and `label`, whose POSTs may be answered at once."""

    pattern: str
    answer: Answer


class Ways:
    """The ways that there are, and what those who answer on them share."""

    def __init__(self, shared: State, *ways: Way) -> None:
        self._shared = shared
        self._ways = [(re.compile(way.pattern), way.answer) for way in ways]
        self._found = lru_cache(_REMEMBERED)(self._match)
        self.outbox = Outbox()
        self.largest_body = min(LIGHT_BODY, shared.settings.max_body_bytes)

    def find(self, url: bytes) -> tuple[Answer, str, Which] | None:
        """Who answers this URL without a query, and the name and version in it; None where there is no way."""
        return self._found(url) if len(url) <= _LONGEST_REMEMBERED else None

    def answer(self, url: bytes, headers: Headers, body: bytes) -> Answered | None:
        """The answer to a POST to a URL that there is a way to; None where the route has to be asked."""
        found = self.find(url)
        if found is None:
            return None
        answer, name, which = found
        try:
            return answer(self._shared, headers, body, name, which)
        except Exception:  # noqa: BLE001 - the route meets it again, and says what it is
            return None

    def _match(self, url: bytes) -> tuple[Answer, str, Which] | None:
        for pattern, answer in self._ways:
            found = pattern.fullmatch(url.decode("latin-1"))
            if found is not None:
                number = found["number"]
                return answer, found["name"], found["label"] if number is None else int(number)
        return None


class Shortcut(HttpToolsProtocol):
    """A connection whose small requests to a few paths are answered as soon as they are whole: no task, no route.

    The routes to these paths stay: they are the documentation, and every request that is not answered here arrives
    there unchanged. What is to be asked of every request, a key for instance, has to be asked here as well.
    """

    def __init__(self, ways: Ways, **given: Any) -> None:
        super().__init__(**given)
        self._ways = ways
        self._kept: list[bytes] | None = None
        """The pieces so far of the body of a request of which the application knows nothing yet."""
        self._kept_bytes = 0

    def on_headers_complete(self) -> None:
        """Keeps the request here if it may be answered here."""
        if self._ways.find(self.url) is not None and self._may_keep():
            self._kept, self._kept_bytes = [], 0
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Adds to what is kept, as long as it is small."""
        if self._kept is None:
            super().on_body(body)
            return
        self._kept.append(body)
        self._kept_bytes += len(body)
        if self._kept_bytes > self._ways.largest_body:
            self._give_over()

    def on_message_complete(self) -> None:
        """Answers, or lets the application answer."""
        if self._kept is not None:
            headers = dict(self.headers)
            answered = self._ways.answer(self.url, headers, b"".join(self._kept))
            if answered is not None:
                self._kept = None
                self._write(answered, name_of(headers))
                return
            self._give_over()
        super().on_message_complete()

    def shutdown(self) -> None:
        """Ends the connection after the request that has begun."""
        self._ways.outbox.empty()
        if self._kept is not None:
            self._give_over()
        super().shutdown()

    def _may_keep(self) -> bool:
        if self.expect_100_continue or self.flow.write_paused or self.parser.should_upgrade():
            return False
        before: RequestResponseCycle | None = self.cycle
        is_next = before is None or before.response_complete
        return is_next and self.parser.should_keep_alive() and self.parser.get_method() == b"POST"

    def _give_over(self) -> None:
        pieces, self._kept = self._kept, None
        super().on_headers_complete()
        for piece in pieces or ():
            super().on_body(piece)

    def _write(self, answered: Answered, request_id: bytes) -> None:
        lines = [b"HTTP/1.1 200 OK"]
        lines += [b"%s: %s" % header for header in self.server_state.default_headers]
        lines += [b"%s: %s" % header for header in answered.headers.items()]
        lines += [b"content-length: %d" % len(answered.content), b"x-request-id: " + request_id, b"", answered.content]
        self._ways.outbox.put(self.transport, b"\r\n".join(lines))
        self.on_response_complete()

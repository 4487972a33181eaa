"""The shortcut: small predictions are made where the server reads them, because routing would double their cost."""

import re
from collections.abc import Callable
from functools import lru_cache
from time import perf_counter
from typing import NamedTuple

from service.api.access.door import Door
from service.api.gauge import Gauge
from service.api.http.middleware.gate import name_of
from service.api.serving.responses import Answered, Headers
from service.api.serving.version_cache import LIGHT_BODY, Which
from service.api.serving.write_batching import Outbox
from service.api.state import State

_REMEMBERED = 1000
_LONGEST_REMEMBERED = 400
"""Bytes of a URL; there is no way to a longer one."""

Answer = Callable[[State, Headers, bytes, str, Which], Answered | None]
"""The response to headers and a body about the model of this name, and its version of this number or label if any.

None, or any error, leaves the request to its route.
"""


class Way(NamedTuple):
    """Paths, by a pattern with the groups `name`, `number` and `label`, whose POSTs may be answered at once."""

    pattern: str
    answer: Answer


class Ways:
    """The ways that there are, and what those who answer on them share.

    The routes to these paths stay: they are the documentation, and every request that is not answered here arrives
    there unchanged. They pass the same door as all other requests.
    """

    def __init__(self, shared: State, door: Door, gauge: Gauge, *ways: Way) -> None:
        self._shared = shared
        self._door = door
        self._gauge = gauge
        self._logs = shared.settings.shows_access
        self._ways = [(re.compile(way.pattern), way.answer) for way in ways]
        self._found = lru_cache(_REMEMBERED)(self._match)
        self.outbox = Outbox()
        self.largest_body = min(LIGHT_BODY, shared.settings.max_body_bytes)

    def find(self, url: bytes) -> tuple[Answer, str, Which] | None:
        """Who answers this URL without a query, and the name and version in it; None where there is no way."""
        return self._found(url) if len(url) <= _LONGEST_REMEMBERED else None

    def answer(self, url: bytes, headers: Headers, body: bytes) -> Answered | None:
        """The response to a POST to a URL that there is a way to; None where the route has to be asked."""
        found = self.find(url)
        if found is None:
            return None
        answer, name, which = found
        began = perf_counter()
        try:
            caller = self._door.admit_at_once(url, headers)
            answered = answer(self._shared, headers, body, name, which)
            if answered is not None:
                seconds = perf_counter() - began
                self._gauge.predicted_at_once(url, seconds)
                if self._logs:
                    request = name_of(headers)
                    self._gauge.log_at_once(url, seconds, request=request.decode(), caller=caller)
                    return Answered(answered.content, {**answered.headers, b"x-request-id": request})
            return answered
        except Exception:  # noqa: BLE001 - the route meets it again, and says what it is
            return None

    def _match(self, url: bytes) -> tuple[Answer, str, Which] | None:
        for pattern, answer in self._ways:
            found = pattern.fullmatch(url.decode("latin-1"))
            if found is not None:
                number = found["number"]
                return answer, found["name"], found["label"] if number is None else int(number)
        return None

"""The one place that knows what happened to each request."""

from functools import lru_cache

from service.access import Caller
from service.api.access.scopes import Rules
from service.logs import note_request
from service.measures import Cell, Measures

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_REMEMBERED = 1000


class Gauge:
    """Measures each request once, by its route, method and status; paths as they were sent are no labels."""

    def __init__(self, measures: Measures, rules: Rules) -> None:
        self._measures = measures
        self._rules = rules
        self._at_once = lru_cache(_REMEMBERED)(self._cell_at_once)

    def answered(
        self, method: str, path: str, status: int, seconds: float, *, request: str, caller: Caller | None
    ) -> None:
        """Notes a request that went to its route, or was refused before it had one: then it has no caller."""
        route, method = self._rules.find(method, path).route, method if method in _METHODS else "other"
        self._measures.cell(route, method, status).add(seconds)
        note_request(method, route, status, seconds, request=request, key=None if caller is None else caller.key)

    def predicted_at_once(self, url: bytes, seconds: float) -> None:
        """Measures a request that was answered on the short way."""
        self._at_once(url).add(seconds)

    def log_at_once(self, url: bytes, seconds: float, *, request: str, caller: Caller) -> None:
        """Logs such a request."""
        route = self._rules.find("POST", url.decode("latin-1")).route
        note_request("POST", route, 200, seconds, request=request, key=caller.key)

    def _cell_at_once(self, url: bytes) -> Cell:
        return self._measures.cell(self._rules.find("POST", url.decode("latin-1")).route, "POST", 200)

"""The one place that knows what happened to each request."""

from functools import lru_cache

from service.api.access.scopes import Rules
from service.measures import Cell, Measures

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_REMEMBERED = 1000


class Gauge:
    """Measures each request once, by its route, method and status; paths as they were sent are no labels."""

    def __init__(self, measures: Measures, rules: Rules) -> None:
        self._measures = measures
        self._rules = rules
        self._at_once = lru_cache(_REMEMBERED)(self._cell_at_once)

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Notes a request that went to its route, or was refused before it had one."""
        route = self._rules.find(method, path).route
        self._measures.cell(route, method if method in _METHODS else "other", status).add(seconds)

    def predicted_at_once(self, url: bytes, seconds: float) -> None:
        """Notes a request that was answered on the short way."""
        self._at_once(url).add(seconds)

    def _cell_at_once(self, url: bytes) -> Cell:
        return self._measures.cell(self._rules.find("POST", url.decode("latin-1")).route, "POST", 200)

"""Web pages of other origins that may call the service, because whoever runs it named them (CORS)."""

from collections.abc import Mapping

from starlette.responses import Response

_METHODS = "GET, HEAD, POST, PUT, DELETE"
_EXPOSED = b"ETag, Link, Location, Preference-Applied, Retry-After, WWW-Authenticate, X-Request-Id"
_PREFLIGHT_SECONDS = "600"


class Origins:
    """The origins that are named in `FITD_CORS_ORIGINS`; without any, no page of another origin may call."""

    def __init__(self, named: frozenset[str]) -> None:
        self._named = frozenset(origin.encode() for origin in named)

    def has(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request comes from a page of one of them."""
        return bool(self._named) and headers.get(b"origin", b"").lower() in self._named

    def standing(self, headers: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """What each answer says, so that a browser shows it to the page; nothing for other callers."""
        if not self._named:
            return {}
        if not self.has(headers):
            return {b"vary": b"Origin"}
        origin = headers[b"origin"]
        return {
            b"access-control-allow-origin": origin,
            b"access-control-expose-headers": _EXPOSED,
            b"vary": b"Origin",
        }

    def preflight(self, method: str, headers: Mapping[bytes, bytes]) -> Response | None:
        """The answer to a browser that asks beforehand what a page may send, which it asks without a key; or None."""
        if method != "OPTIONS" or b"access-control-request-method" not in headers or not self.has(headers):
            return None
        allowed = {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
        }
        asked = headers.get(b"access-control-request-headers")
        if asked is not None:
            allowed["Access-Control-Allow-Headers"] = asked.decode("latin-1")
        return Response(status_code=204, headers=allowed)

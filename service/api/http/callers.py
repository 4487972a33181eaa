"""Refuses requests that a foreign web page makes a browser send to this service.

A browser sends a page's requests to any address that it reaches, this one included. Two things give them away. The page
names the service by a name of its own, which it let point to this address (DNS rebinding): then `Host` is a name
that nobody here gave it. Or it names the service as others do: then the browser adds from which page it asks.
"""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache

from service.api.http.headers import text_of
from service.api.http.origins import Origins
from service.errors import FitdError, Malformed

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_FOR_ANY_NAME = (b"/livez", b"/readyz")
_PAGES = (b"/", b"/docs")
_REMEMBERED = 1000
_LONGEST_HOST = 300


class Misdirected(FitdError):
    """The request names a host that this service is not known as."""

    code = "unknown_host"


class FromForeignPage(FitdError):
    """The request comes from a web page of another origin."""

    code = "foreign_origin"


class Callers:
    """Judges requests by the names under which the service is known, and by the origins that may call it."""

    def __init__(self, names: frozenset[str], origins: frozenset[str] = frozenset()) -> None:
        self._names = names
        self.origins = Origins(origins)
        self._may_be_named = lru_cache(_REMEMBERED)(self._is_known)

    def judge(self, path: bytes, headers: Mapping[bytes, bytes]) -> None:
        """Raises the error of a request that is refused; health checks are open to every caller."""
        host = headers.get(b"host")
        if host is not None and path not in _FOR_ANY_NAME and not self._may_be_named(host[:_LONGEST_HOST]):
            raise Misdirected(
                "The header Host names a host that this service is not known as. Whoever runs the service can add the "
                "name to FITD_ALLOWED_HOSTS; an IP address or localhost needs no entry."
            )
        if self.origins.has(headers):
            return
        site = headers.get(b"sec-fetch-site")
        if site is not None and site.lower() == b"cross-site" and not _is_link(path, headers):
            raise FromForeignPage("Expected a request that is not made by a web page of another site.")
        if b"origin" in headers and not _is_own(text_of(headers, b"origin"), text_of(headers, b"host")):
            raise FromForeignPage("Expected no Origin, or that of this service; received another.")

    def _is_known(self, host: bytes) -> bool:
        found = _HOST.fullmatch(host.decode("latin-1"))
        if found is None:
            raise Malformed("Expected a name or an address, and maybe a port, as Host.", code="bad_host")
        name = found[1].lower().removesuffix(".")
        if name == "localhost" or name.endswith(".localhost") or not self._names.isdisjoint((name, "*")):
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


def _is_link(path: bytes, headers: Mapping[bytes, bytes]) -> bool:
    """Whether somebody follows a link to the documentation, which a page can show and not read."""
    return (
        path in _PAGES
        and headers.get(b"sec-fetch-mode") == b"navigate"
        and headers.get(b"sec-fetch-dest") == b"document"
    )


def _is_own(origin: str, host: str) -> bool:
    """Whether an origin is this service's own, as far as that can be told behind a proxy that ends TLS."""
    scheme, _, authority = origin.lower().partition("://")
    own, asked = _HOST.fullmatch(host.lower()), _HOST.fullmatch(authority)
    if scheme not in _DEFAULT_PORTS or own is None or asked is None:
        return False
    default = _DEFAULT_PORTS[scheme]
    return own[1] == asked[1] and (own[2] or default) == (asked[2] or default)

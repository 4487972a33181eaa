"""The headers of a request, read once for everybody: no two readers may see different values under one name."""

from collections.abc import Iterable, Mapping

from service.errors import Malformed

_LISTS = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"cache-control",
        b"connection",
        b"expect",
        b"forwarded",
        b"if-match",
        b"if-none-match",
        b"prefer",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"via",
        b"x-forwarded-for",
    }
)
"""Headers that are lists: several lines of one mean what one line with commas means (RFC 9110, 5.3)."""

_SINGLE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"inference-header-content-length",
        b"last-event-id",
        b"origin",
        b"range",
        b"sec-fetch-dest",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"x-api-key",
        b"x-request-id",
    }
)
"""Headers on which a response depends and that have one value: two lines are two requests in one."""


def read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers by their names in small letters; `Malformed` if one that has one value comes twice.

    Lines of a list are joined. Of headers that nothing here reads the last line counts.
    """
    given = list(pairs)
    found = dict(given)
    return found if len(found) == len(given) else _joined(given)


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in pairs:
        if name in found and name in _SINGLE:
            raise Malformed(f"Expected one header {name.decode()}; received several.", code="duplicate_header")
        found[name] = found[name] + b", " + value if name in found and name in _LISTS else value
    return found


def text_of(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """A header as text; empty if it is not there."""
    return headers.get(name, b"").decode("latin-1")

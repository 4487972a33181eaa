"""The log: lines as text or as JSON, each with the request, the key and the job that it is about, and no data."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal

import orjson

Format = Literal["text", "json"]

_ABOUT: ContextVar[dict[str, str]] = ContextVar("about", default={})  # noqa: B039 - it is never changed, but replaced
_ACCESS = "fitd.access"

access = logging.getLogger(_ACCESS)
"""One line for each request."""


@contextlib.contextmanager
def about(**named: str | None) -> Iterator[None]:
    """Names the request, key or job that all lines of the block are about."""
    token = _ABOUT.set({**_ABOUT.get(), **{name: value for name, value in named.items() if value is not None}})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def configure(level: str, form: Format, *, shows_access: bool) -> None:
    """Lets this process log to standard error, from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    access.setLevel(logging.INFO if shows_access else logging.WARNING)


def note_request(method: str, route: str, status: int, seconds: float, *, request: str, key: str | None) -> None:
    """Logs a request that was answered, by its route and not by its path, which may hold what callers sent."""
    if access.isEnabledFor(logging.INFO):
        fields = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 3)}
        told = {"request": request} if key is None else {"request": request, "key": key}
        access.info("%s %s %d %.3f ms", method, route, status, fields["ms"], extra={"fields": fields, "about": told})


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        told = "".join(f" {name}={value}" for name, value in _about(record).items())
        return super().formatMessage(record) + told


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
            **_about(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode(errors="replace")


def _about(record: logging.LogRecord) -> dict[str, str]:
    told: dict[str, str] = getattr(record, "about", None) or _ABOUT.get()
    return told

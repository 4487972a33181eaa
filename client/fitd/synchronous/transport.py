# Made by client/generate.py from the file of this name in fitd/asynchronous.
"""Requests that come through: tried again where that is safe, never without a time limit."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import httpx

from fitd.errors import ApiError, FitdError, TimedOut, Unreachable, error_of
from fitd.events import EventReader, Events
from fitd.payloads import Payload, Progress, plain
from fitd.retries import Retries
from fitd.settings import Settings

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 45.0
"""A stream of events is given up after so long a silence; the service says something every 15 seconds."""


class Transport:
    """A pool of connections to one service."""

    def __init__(
        self, settings: Settings, *, timeout: float, retries: Retries, transport: httpx.BaseTransport | None
    ) -> None:
        self.settings = settings
        self.retries = retries
        self.timeout = timeout
        headers = {"User-Agent": "fitd-python/0.1.0", "Accept": "application/json"}
        if settings.api_key:
            headers["Authorization"] = f"Bearer {settings.api_key}"
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        self._http = httpx.Client(
            base_url=settings.url, headers=headers, timeout=limits, transport=transport, follow_redirects=False
        )

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """The JSON at a path."""
        return (self.send("GET", path, params=params)).json()

    def post(self, path: str, document: Any = None, **options: Any) -> Any:
        """The JSON that is returned for a document; `options` are those of `send`."""
        return (self.send("POST", path, document=document, **options)).json()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        document: Any = None,
        payload: Payload | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        wait: float = 0.0,
        progress: Progress | None = None,
    ) -> httpx.Response:
        """The response to a request that succeeded; ApiError with what the service says, where it did not.

        It is tried again where that does no harm; a POST that makes something anew each time is not `repeatable`.
        `wait` are the seconds that the service may take beyond the time limit.
        """
        sent = None if document is None else plain(document)
        content = None if sent is None else json.dumps(sent, allow_nan=False).encode()
        tries = 0
        while True:
            request = self._request(
                method,
                path,
                params=params,
                content=content,
                payload=payload,
                headers=headers,
                wait=wait,
                progress=progress,
            )
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                if not self.retries.again_after(tries, error, repeatable=repeatable):
                    raise self._unreachable(error) from error
                pause = self.retries.pause(tries)
            else:
                if response.is_success:
                    return response
                if not self.retries.again(tries, response, repeatable=repeatable):
                    raise error_of(response, sent)
                pause = self.retries.pause(tries, response)
            tries += 1
            time.sleep(pause)

    def events(self, path: str, *, deadline: float | None, after: int = 0) -> Events:
        """The events of a job to its end, each once, over any number of broken connections; TimedOut at the deadline.

        `deadline` is a time of `time.monotonic`.
        """
        reader, failures = EventReader(last=after), 0
        while True:
            before = reader.last
            try:
                with closing(self._stream(path, reader, deadline)) as stream:
                    for event in stream:
                        yield event
                        if event.kind == "done":
                            return
                if reader.last == -1:
                    return
            except httpx.TransportError:
                pass
            except ApiError as error:
                if error.status < 500 and error.status not in {408, 429}:
                    raise
            reader.restart()
            failures = 0 if reader.last > before else failures + 1
            pause = self.retries.pause(failures)
            _check(deadline, pause)
            time.sleep(pause)

    def _stream(self, path: str, reader: EventReader, deadline: float | None) -> Events:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(reader.last)}
        quiet = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
        with self._http.stream("GET", path, headers=headers, timeout=quiet) as response:
            if response.status_code == 204:
                reader.last = -1  # everything was told before
                return
            if not response.is_success:
                response.read()
                raise error_of(response)
            for line in response.iter_lines():
                for event in reader.read(line):
                    yield event
                _check(deadline)

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None,
        content: bytes | None,
        payload: Payload | None,
        headers: Mapping[str, str] | None,
        wait: float,
        progress: Progress | None,
    ) -> httpx.Request:
        named = dict(headers or {})
        body: Any = content
        if payload is not None:
            body = _streamed(payload, progress)
            named.setdefault("Content-Type", payload.media_type)
            if payload.size is not None:
                named["Content-Length"] = str(payload.size)
        elif content is not None:
            named.setdefault("Content-Type", "application/json")
        asked = {key: value for key, value in (params or {}).items() if value is not None}
        limits = httpx.Timeout(self.timeout + wait, connect=min(self.timeout, CONNECT_SECONDS))
        try:
            return self._http.build_request(
                method, path, params=asked or None, content=body, headers=named, timeout=limits
            )
        except httpx.InvalidURL as error:
            raise FitdError(f"Expected an address of a service; {error}") from error

    def _unreachable(self, error: httpx.TransportError) -> Unreachable:
        url = self.settings.url
        if isinstance(error, httpx.TimeoutException):
            return TimedOut(f"{url} did not respond within {self.timeout:g} seconds; pass timeout= for more.")
        said = str(error) or type(error).__name__
        return Unreachable(
            f"No service can be reached at {url} ({said}). Is it running, and is the address (FITD_URL, url=) right?"
        )


def _check(deadline: float | None, pause: float = 0.0) -> None:
    if deadline is not None and time.monotonic() + pause >= deadline:
        raise TimedOut("The job has not ended in time; it goes on. Pass timeout= for more, or None to wait for ever.")


def _streamed(payload: Payload, progress: Progress | None) -> Iterator[bytes]:
    for chunk in payload.chunks(progress):
        yield chunk

"""What can go wrong, one class for each kind.

FitdError
  SettingsError           an address, a key or a profile is missing or unusable
  DataError               the data cannot be sent as they are
  Unreachable             no connection, or it broke more often than was allowed
    TimedOut              the service or the job took longer than was allowed
  ApiError                the service refused or failed: status, code, pointers, request id
    Malformed (400), Unauthorized (401), Forbidden (403), NotFound (404), Conflict (409),
    PreconditionFailed (412), TooLarge (413), Invalid (422), TooMany (429)
    ServiceError (5xx)
      Unavailable (503)
  JobError                a job ended without what it was asked for
    JobFailed, JobCancelled
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

_SHOWN = 5
_LONGEST_VALUE = 60


class FitdError(Exception):
    """Anything that this package raises on purpose."""


class SettingsError(FitdError):
    """An address, a key or a profile is missing or unusable."""


class DataError(FitdError, ValueError):
    """The data cannot be sent as they are."""


class Unreachable(FitdError):
    """There is no connection, or it broke more often than was allowed."""


class TimedOut(Unreachable, TimeoutError):
    """The service or the job took longer than was allowed."""


class JobError(FitdError):
    """A job ended without what it was asked for."""

    def __init__(self, message: str, job_id: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args, self.job_id, self.reason)


class JobFailed(JobError):
    """The job failed; `reason` is a stable word."""


class JobCancelled(JobError):
    """The job was cancelled before its end."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a request: where it is, a stable word, a sentence, and what stood there."""

    pointer: str | None
    parameter: str | None
    code: str
    detail: str
    sent: Any = None
    is_known: bool = False

    def __str__(self) -> str:
        place = self.pointer or self.parameter or "#"
        received = f" (sent: {_short(self.sent)})" if self.is_known and not isinstance(self.sent, dict | list) else ""
        return f"{_spoken(place)}: {self.detail}{received}"


class ApiError(FitdError):
    """The service refused a request or failed at it, and says why."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        title: str = "",
        request_id: str | None = None,
        mistakes: Sequence[Mistake] = (),
        total: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.title = title
        self.request_id = request_id
        self.mistakes = tuple(mistakes)
        self.total = len(self.mistakes) if total is None else total
        self.retry_after = retry_after

    @property
    def pointer(self) -> str | None:
        """The place of the first mistake in the request, as a JSON Pointer."""
        return next((one.pointer for one in self.mistakes if one.pointer), None)

    def __str__(self) -> str:
        lines = [f"{self.detail or self.title} [{self.status} {self.code}]"]
        lines += [f"  {one}" for one in self.mistakes[:_SHOWN]]
        if self.total > _SHOWN:
            lines.append(f"  and {self.total - _SHOWN:,} more")
        if self.request_id:
            lines.append(f"  request {self.request_id}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


class Malformed(ApiError):
    """The request cannot be read (400)."""


class Unauthorized(ApiError):
    """A key is missing, or is not known (401)."""


class Forbidden(ApiError):
    """The key does not allow it (403)."""


class NotFound(ApiError):
    """There is no such thing (404)."""


class Conflict(ApiError):
    """The present state does not allow it (409)."""


class PreconditionFailed(ApiError):
    """It has changed in the meantime (412)."""


class TooLarge(ApiError):
    """The request is larger than the service takes (413)."""


class Invalid(ApiError):
    """The request has mistakes: `mistakes` lists them (422)."""


class TooMany(ApiError):
    """Too many requests or jobs at a time (429)."""


class ServiceError(ApiError):
    """The service failed (5xx)."""


class Unavailable(ServiceError):
    """The service cannot do it right now (503)."""


KINDS: Mapping[int, type[ApiError]] = {
    400: Malformed,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    422: Invalid,
    429: TooMany,
    503: Unavailable,
}


def error_of(response: httpx.Response, sent: Any = None) -> ApiError:
    """The error that a response stands for; `sent` is the JSON of its request, to show the offending value."""
    kind = KINDS.get(response.status_code, ServiceError if response.status_code >= 500 else ApiError)
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    mistakes = [_mistake(one, sent) for one in problem.get("errors") or () if isinstance(one, dict)]
    detail = problem.get("detail") or problem.get("error") or f"The service returned {response.status_code}."
    return kind(
        response.status_code,
        str(problem.get("code", "unknown")),
        str(detail),
        title=str(problem.get("title", "")),
        request_id=problem.get("request_id") or response.headers.get("X-Request-Id"),
        mistakes=mistakes,
        total=problem.get("errors_total"),
        retry_after=retry_after_of(response),
    )


def retry_after_of(response: httpx.Response) -> float | None:
    """The seconds that a response asks to wait for, if it says so in seconds."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def _mistake(one: Mapping[str, Any], sent: Any) -> Mistake:
    pointer = one.get("pointer")
    is_known, value = _found(sent, pointer) if pointer else (False, None)
    return Mistake(pointer, one.get("parameter"), str(one.get("code")), str(one.get("detail")), value, is_known)


def _found(document: Any, pointer: str) -> tuple[bool, Any]:
    """Whether there is something at this place of a document, and what."""
    for part in pointer.removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(key)] if isinstance(document, list) else document[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return False, None
    return document is not None, document


def _spoken(pointer: str) -> str:
    """A place in a table as row and column, any other as it is."""
    parts = pointer.split("/")
    if len(parts) == 4 and parts[1] == "rows":
        return f"row {parts[2]}, column {parts[3]}"
    if len(parts) == 3 and parts[1] == "columns":
        return f"column {parts[2]}"
    return pointer


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _rebuilt(kind: type[ApiError], arguments: tuple[Any, ...], state: dict[str, Any]) -> ApiError:
    made = kind(*arguments)
    made.__dict__.update(state)
    return made

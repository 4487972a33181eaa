"""The errors of Fitd; `service.api.http.problems` maps them to HTTP.

    FitdError
    ├── Malformed         bytes that do not parse
    ├── Invalid           a request that parses, and the mistakes found in it
    ├── TooLarge          more than a limit allows
    ├── NotFound          a thing that does not exist, or no longer
    ├── Conflict          a thing that exists and does not allow the request in its present state
    ├── PreconditionFailed    a thing that has changed since it was looked at
    ├── Reused            a key that came before with another request
    ├── TooMany           more at a time than a quota allows; asking later may help
    ├── StorageFailure    what is stored cannot be read, or what is to be stored cannot be written
    │   ├── Damaged       something stored is no longer what was stored
    │   ├── Refused       the database's own rules refuse what was to be stored
    │   ├── WrongSchema   the tables are older or newer than this release
    │   └── Unavailable   a part of the service does not respond now; trying later may help
    │       ├── Busy      too much is asked for at once; asking later helps
    │       ├── Locked    others hold what is needed for longer than anybody waits
    │       ├── DiskFault a disk fails to read or write
    │       └── Full      a disk has no room; somebody has to make some
    └── TrainingFailed    a training that cannot be finished, and why

Every message is written for the caller: it says what was expected and what was received, and never
repeats training data. `code` is the stable word for a program.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote


class FitdError(Exception):
    """A refusal or failure with a stable `code` and a message for the caller."""

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a request: where (a JSON Pointer such as `#/fit/epochs`), its code, and what."""

    pointer: str
    code: str
    detail: str


@dataclass(slots=True)
class Findings:
    """Collects the mistakes in a request, so that one response lists them all; keeps `limit` errors."""

    limit: int = 20
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    total: int = 0

    def error(self, pointer: str, code: str, detail: str, *, count: int = 1) -> None:
        """Notes a mistake; `count` says how many it stands for."""
        self.total += count
        if len(self.errors) < self.limit:
            self.errors.append(Finding(pointer, code, detail))

    def warn(self, pointer: str, code: str, detail: str) -> None:
        """Notes something that is allowed and probably not intended."""
        self.warnings.append(Finding(pointer, code, detail))

    def refusal(self) -> "Invalid":
        """Returns the error with all findings."""
        return Invalid(self.errors, total=self.total)

    def raise_errors(self) -> None:
        """Raises `Invalid` if there was any mistake."""
        if self.total:
            raise self.refusal()


def pointer(*keys: str | int) -> str:
    """The JSON Pointer, as a URI fragment, to a place in a request: `pointer("fit", 0)` is `#/fit/0`."""
    return "#" + "".join("/" + _escape(key) for key in keys)


def _escape(key: str | int) -> str:
    text = str(key)[:100].replace("~", "~0").replace("/", "~1")
    return quote(text, safe="~!$&'()*+,;=:@", errors="replace")


class Malformed(FitdError):
    """The bytes could not be parsed in the format that they claim to have."""

    code = "malformed"


class Invalid(FitdError):
    """The request was understood and is wrong; `findings` are the mistakes shown, `total` counts them all."""

    code = "invalid_request"

    def __init__(self, findings: Sequence[Finding], *, total: int | None = None) -> None:
        self.findings = tuple(findings)
        self.total = len(self.findings) if total is None else total
        super().__init__("; ".join(f"{finding.pointer}: {finding.detail}" for finding in self.findings[:3]))


class TooLarge(FitdError):
    """The request is larger than `limit`, counted in `unit`."""

    code = "too_large"

    def __init__(self, detail: str, *, limit: int, unit: str) -> None:
        super().__init__(detail)
        self.limit = limit
        self.unit = unit


class NotFound(FitdError):
    """There is no `kind` (a house word such as "model") called `name`."""

    code = "not_found"

    def __init__(self, kind: str, name: str | int) -> None:
        more = "; it is there once a training job of this name has succeeded" if kind == "model" else ""
        super().__init__(f"There is no {kind} {str(name)!r}{more}.")
        self.kind = kind
        self.name = name


class Conflict(FitdError):
    """The request contradicts the present state of what it names."""

    code = "conflict"


class PreconditionFailed(FitdError):
    """What the request is about is not any more, or not yet, what the request says that it is."""

    code = "precondition_failed"


class Reused(FitdError):
    """An idempotency key that came before with another request."""

    code = "idempotency_key_reused"


class TooMany(FitdError):
    """More at a time than a quota allows; the same request may succeed after `retry_after_seconds`."""

    code = "too_many"

    def __init__(self, detail: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class StorageFailure(FitdError):
    """What is stored cannot be read, or what is to be stored cannot be written."""


class Damaged(StorageFailure):
    """Something stored has changed since it was stored; trying again does not help."""

    code = "damaged"


class Refused(StorageFailure):
    """The database's own rules refuse what was to be stored; asking again does not help."""

    code = "storage_refused"


class WrongSchema(StorageFailure):
    """The tables of the database are older or newer than this release."""

    code = "wrong_schema"

    def __init__(self) -> None:
        super().__init__(
            "The tables of the database are not those of this release; `python -m service migrate` brings older ones "
            "there, and newer ones need the release that made them."
        )


class Unavailable(StorageFailure):
    """A part of the service does not respond now; the same request may succeed after `retry_after_seconds`."""

    code = "unavailable"

    def __init__(self, detail: str, *, code: str | None = None, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, code=code)
        self.retry_after_seconds = retry_after_seconds


class Locked(Unavailable):
    """Others hold a lock for longer than the longest wait."""

    code = "storage_busy"


class DiskFault(Unavailable):
    """A disk fails to read or write."""

    code = "disk_fault"


class Full(Unavailable):
    """There is no room for what the request would store."""

    code = "storage_full"

    def __init__(self) -> None:
        super().__init__(
            "There is no room left for this; the operator of the service has to make some.", retry_after_seconds=30
        )


class Busy(Unavailable):
    """Other requests take all the memory that requests may take together."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__(
            "Other requests take all the memory that requests may take together; please try again in a moment.",
            retry_after_seconds=5,
        )


def is_full(error: OSError) -> bool:
    """Whether it says that a disk, or somebody's share of it, has no room left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


class TrainingFailed(FitdError):
    """The training cannot be finished; `code` and the message become the job's error."""

    code = "training_failed"

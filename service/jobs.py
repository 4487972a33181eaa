"""What a training job is: its statuses, the moves between them, and a worker's claim on it."""

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Any

from service.formats.metric_values import MetricValue


class Kind(StrEnum):
    """What a job does: trains a version, or predicts with one."""

    TRAINING = "training"
    PREDICTION = "prediction"


class Status(StrEnum):
    """Where a job stands; the values are the words of the HTTP contract and of the database."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLING, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLING, Status.QUEUED}),
    Status.CANCELLING: frozenset({Status.CANCELLED}),
    Status.CANCELLED: frozenset(),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
}
"""Every move a job can make. A running job goes back to queued when its worker lets go of it.

A queued job that was let go of and is to leave its weights is cancelling until a worker has published them.
"""

FINAL: frozenset[Status] = frozenset(status for status, moves in TRANSITIONS.items() if not moves)
"""The statuses that a job never leaves."""

HELD: frozenset[Status] = frozenset({Status.RUNNING, Status.CANCELLING})
"""The statuses in which a worker holds a claim on the job."""

MAX_STALLS = 5
"""So many workers may die over a job without progress in between; then it fails as `worker_lost`."""

_KILLED = (
    " The last was killed (SIGKILL), which Linux does to a process when memory runs out: if that was the reason, "
    "ask for less. FITD_MAX_MEMORY_BYTES refuses jobs that need more than there is."
)


def worker_lost(exit_code: int | None = None) -> dict[str, str]:
    """The error of a job over which `MAX_STALLS` workers died; tells the signal that ended the last, where known.

    `exit_code` is what `subprocess` calls the return code: below 0 the number of a signal.
    """
    detail = f"{MAX_STALLS} workers died over this job without progress."
    if exit_code == -signal.SIGKILL:
        detail += _KILLED
    elif exit_code is not None and exit_code < 0:
        detail += f" The last was ended by signal {-exit_code} ({signal.strsignal(-exit_code)})."
    else:
        detail += " It may need more memory than there is."
    return {"reason": "worker_lost", "detail": detail}


LONGEST_PAUSE_SECONDS = 30.0
"""The longest time for which a worker may keep a job that it lets go of from being claimed."""

LOWEST_PRIORITY, HIGHEST_PRIORITY = -100, 100
"""The jobs of the highest priority are claimed first, among equals the oldest."""


class Keep(StrEnum):
    """Which weights a cancelled job leaves as a partial version: those of its best epoch, or the last."""

    BEST = "best"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Job:
    """One request to train, as it stood when it was read."""

    id: str
    status: Status
    model: str
    version: int | None
    kind: Kind
    request: dict[str, Any]
    dataset: str | None
    """The data that it works on; None once the dataset was deleted after the job had ended."""
    result: str | None
    """The dataset that a prediction made."""
    epoch: int
    epochs: int
    """The most epochs that it may take, those of all members together."""
    fraction: float
    metrics: dict[str, MetricValue]
    priority: int
    keep: Keep | None
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expected_at: datetime | None
    """When the worker expects to be done; None while nothing is known."""
    error: dict[str, str] | None
    """`{"reason", "detail"}` of a failed job."""
    waits_for: str | None = None
    """Why the job stands still though it has not ended, where something keeps it."""
    request_sha256: str | None = None
    """The hash of the request; None for jobs of earlier releases."""
    score: dict[str, Any] | None = None
    """How the version of a training that has succeeded does on held-out rows."""

    @property
    def members(self) -> int | None:
        """How many networks the training makes one after the other; None where it makes a single one."""
        data = self.request.get("data")
        split = data.get("split") if isinstance(data, Mapping) else None
        found: int | None = split.get("folds") if isinstance(split, Mapping) else None
        return found

    def place(self, epoch: int) -> tuple[int | None, int]:
        """The member and its epoch, both from 1, that the `epoch`th of all epochs is; None and itself without any."""
        if self.members is None:
            return None, epoch
        member, within = divmod(max(epoch - 1, 0), max(self.epochs // self.members, 1))
        return member + 1, within + min(epoch, 1)

    @property
    def is_final(self) -> bool:
        """Whether the job has reached a status that it never leaves."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on one attempt of a job.

    `fence` grows with every claim and `lease_id` is random, so the pair never repeats, not even in a database
    that was restored to an earlier moment. Every write of the attempt names both and is void without them.
    """

    job: Job
    fence: int
    lease_id: str
    lease_seconds: float

    @property
    def times_given_back(self) -> int:
        """How often a worker has let go of the job: a claim counts in `fence`, a release not as an attempt."""
        return self.fence - self.job.attempt


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job: `status`, `epoch`, `log` or `done`, the `seq`th from 1."""

    seq: int
    event: str
    data: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What came of one epoch, and how long it took."""

    metrics: Mapping[str, MetricValue]
    learning_rate: float | None = None
    seconds: float | None = None
    rows_per_second: float | None = None
    member: int | None = None
    """Of a bag the member that was trained, from 1, ..."""
    epoch: int | None = None
    """... and which of its epochs this was."""

    def to_json_dict(self) -> dict[str, Any]:
        """Only what is known."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Progress:
    """What the holder of a claim reports: how far it is, and the epochs finished since its last report."""

    epoch: int = 0
    fraction: float = 0.0
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)
    remaining_seconds: float | None = None
    history: Mapping[int, EpochResult] = field(default_factory=dict)


class Verdict(Enum):
    """What the holder of a claim learns when it reports: go on, stop because of a cancel, or stop unheard."""

    GO_ON = auto()
    CANCEL = auto()
    LOST = auto()


class Interruption(Exception):
    """The training has to stop before its end."""


class CancelRequested(Interruption):
    """Somebody cancelled the job; `keep` says which of its weights are wanted all the same."""

    def __init__(self, keep: Keep | None = None) -> None:
        super().__init__()
        self.keep = keep


class ClaimLost(Interruption):
    """The claim no longer holds: the attempt may write nothing any more."""


class Released(Interruption):
    """The worker is asked to leave and gives the job back."""

"""What a version is: a trained network, before it has a number and after."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.errors import Damaged, Finding
from service.formats.metric_values import MetricValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """All that is known of a trained network apart from its weights, as JSON has it."""

    spec: dict[str, Any]
    compile: dict[str, Any]
    fit: dict[str, Any]
    summary: list[dict[str, Any]]
    """Name, output shape and parameters of each layer."""
    metrics: dict[str, MetricValue]
    input: dict[str, Any]
    """What goes in: `shape`, and of a table `features`."""
    output: dict[str, Any]
    """What comes out: `shape`, `classes`, and of a table `targets`."""
    data: dict[str, Any] = field(default_factory=dict)
    """What was asked of a stored dataset and what was held out; empty where the data came with the request."""
    environment: dict[str, Any]
    """What the numbers depend on besides the request, under `from` the version that the training went on from, and
    under `members` the number of members of a bag."""
    timing: dict[str, Any]
    score: dict[str, Any] | None = None
    """How it does on held-out rows beside a baseline; None where no rows were held out."""
    partial: bool = False
    """Whether the training was cancelled before its end; then `metrics` are of the epoch whose weights these are."""

    @property
    def members(self) -> int | None:
        """How many networks of the spec the version averages; None where it is a single one."""
        found: int | None = self.environment.get("members")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion(Trained):
    """A version that is not published yet: it has its weights with it, and no number."""

    weights: bytes = field(repr=False)
    """In Keras's order, as safetensors."""
    optimizer: bytes | None = field(default=None, repr=False)
    """The state of the optimizer, in the same form, to go on training from."""
    evaluation: dict[str, Any] | None = None
    """What the network gets right on the part that was held out for a test, if there was one."""
    history: dict[str, list[Any]] = field(default_factory=dict)
    """Each metric of each epoch."""
    warnings: tuple[Finding, ...] = ()
    """What is probably not meant: what only the trained network tells, or what a file says that the version does not
    keep."""

    def metrics_with(self, last: Mapping[str, MetricValue]) -> dict[str, MetricValue]:
        """The metrics with those of the last epoch, which of a bag is one member's and gives way to the means."""
        return {**self.metrics, **last} if self.members is None else {**last, **self.metrics}

    @property
    def sha256(self) -> str:
        """The hash of the weights."""
        return hashlib.sha256(self.weights).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version(Trained):
    """A published version, which never changes; its weights are stored apart."""

    id: str
    model: str
    number: int
    job_id: str | None
    sha256: str
    """The hash of the weights."""
    size_bytes: int
    created_at: datetime

    @property
    def title(self) -> str:
        """The version in a sentence."""
        return f"version {self.number} of {self.model!r}"

    def check_intact(self, weights: bytes) -> None:
        """`Damaged` if these are not the weights that were published."""
        if hashlib.sha256(weights).hexdigest() != self.sha256:
            raise Damaged(f"The weights of {self.title} do not match their SHA-256.")

"""A version as it was published: what those need of it who load it, export it, or go on from it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from service.errors import Damaged
from service.formats.weights import digest


class Published(Protocol):
    """What a stored version tells."""

    @property
    def id(self) -> str:
        """What no other version is ever called."""

    @property
    def model(self) -> str:
        """The model's name."""

    @property
    def number(self) -> int:
        """The version's number."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """The network, as it was asked for."""

    @property
    def compile(self) -> Mapping[str, Any]:
        """Optimizer, loss and metrics, as they were asked for."""

    @property
    def summary(self) -> Sequence[Mapping[str, Any]]:
        """Name and parameters of each layer."""

    @property
    def input(self) -> Mapping[str, Any]:
        """What goes in: `shape`, and of a table `features`."""

    @property
    def output(self) -> Mapping[str, Any]:
        """What comes out: `classes`, and of a table `targets`."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What was asked of its data: of a table `left_out`, too."""

    @property
    def sha256(self) -> str:
        """The hash of the weights."""

    @property
    def created_at(self) -> datetime:
        """When it was published."""


def check_intact(version: Published, weights: bytes) -> None:
    """`Damaged` if these are not the weights that were published."""
    if digest(weights) != version.sha256:
        raise Damaged(f"The weights of version {version.number} of {version.model!r} do not match their SHA-256.")

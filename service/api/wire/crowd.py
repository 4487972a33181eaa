"""All connections of one process: limits their number, and closes those that are silent for too long."""

import asyncio
import logging
import math
import resource
from collections import Counter
from typing import Protocol

from service.config import Settings

_LOOK_SECONDS = 1.0
_LOG_SECONDS = 60.0
_MOST_RESERVED = 256
_STANDING = 32
"""Connections above the limit that still get a response: a refusal, or that the process lives."""

_log = logging.getLogger("fitd.api")


class Member(Protocol):
    """A connection, as far as the crowd is concerned."""

    deadline: float
    """When it will have been silent for too long, by the clock of the event loop."""
    idle_since: float
    """Since when it has no complete request; infinite while one is handled or its body arrives."""

    def expire(self) -> None:
        """Ends it, because its time is over."""

    def evict(self) -> None:
        """Ends it, because another needs the place."""


class Crowd:
    """Keeps the number of connections below a cap, so that file descriptors are left for files and for `/livez`.

    A connection that is idle makes room for a new one; where all are busy, the new one gets 503.
    """

    def __init__(self, settings: Settings) -> None:
        self.most = min(settings.max_connections, _descriptors() - reserved(_descriptors()))
        self._members: set[Member] = set()
        self._is_looking = False
        self._noted: Counter[str] = Counter()
        self._log_at = -math.inf

    def __len__(self) -> int:
        return len(self._members)

    @property
    def is_full(self) -> bool:
        """Whether there are more connections than there should be."""
        return len(self._members) > self.most

    def join(self, member: Member) -> bool:
        """Adds a connection; False if there is no room for it, not even for a refusal."""
        if len(self._members) >= self.most:
            idlest = min(self._members, key=lambda one: one.idle_since, default=None)
            if idlest is not None and idlest.idle_since < math.inf:
                self.note(f"connections that were idle were closed, because there were {self.most:,}")
                self._members.discard(idlest)
                idlest.evict()
            elif len(self._members) >= self.most + _STANDING:
                self.note(f"new connections were closed, because {self.most:,} and more were busy")
                return False
        self._members.add(member)
        if not self._is_looking:
            self._is_looking = True
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
        return True

    def leave(self, member: Member) -> None:
        """Forgets a connection that has ended."""
        self._members.discard(member)

    def note(self, what: str) -> None:
        """Logs what happened, at once if it is long ago, and otherwise with a count when a minute is over."""
        self._noted[what] += 1
        self._write_notes()

    def _write_notes(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._noted and now - self._log_at >= _LOG_SECONDS:
            self._log_at = now
            for what, times in self._noted.items():
                _log.warning("%d times: %s", times, what)
            self._noted.clear()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for member in [one for one in self._members if one.deadline <= now]:
            member.expire()
        self._write_notes()
        self._is_looking = bool(self._members)
        if self._is_looking:
            loop.call_later(_LOOK_SECONDS, self._look)


def reserved(descriptors: int) -> int:
    """Of so many file descriptors those that are kept for files, the database and `/livez`."""
    return min(_MOST_RESERVED, descriptors // 2)


def _descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft

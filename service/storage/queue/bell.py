"""The bell: a pipe by which one process tells the idle workers beside it that there is work.

The supervisor makes one and every process of that `serve` inherits its ends. A byte stays in the pipe until a
worker takes it and then looks into the queue, so no ring is lost on a worker that was just about to wait.
PostgreSQL needs no bell: its NOTIFY reaches other machines, too.
"""

import contextlib
import os
import select
from dataclasses import dataclass


@dataclass(slots=True)
class News:
    """What a transaction has done that others wait for."""

    queued: int = 0
    ended: int = 0
    is_served_otherwise: bool = False
    """Whether it may have changed which version answers a prediction, or who may ask for one."""


class Bell:
    """Rings through one end of a pipe and is heard at the other; a process may hold either end, or both."""

    def __init__(self, *, read_fd: int | None = None, write_fd: int | None = None) -> None:
        self.read_fd = read_fd
        self.write_fd = write_fd
        for fd in (read_fd, write_fd):
            if fd is not None:
                os.set_blocking(fd, False)

    @classmethod
    def new(cls) -> "Bell":
        """A bell of this process with both ends, for its children to inherit."""
        read_fd, write_fd = os.pipe()
        return cls(read_fd=read_fd, write_fd=write_fd)

    def ends(self) -> tuple[int, int]:
        """The reading and the writing end, of a bell that has both."""
        if self.read_fd is None or self.write_fd is None:
            raise ValueError("Expected a bell with both ends, received one that lacks an end.")
        return self.read_fd, self.write_fd

    def ring(self, times: int = 1) -> None:
        """Wakes as many idle workers; does nothing without a writing end."""
        if self.write_fd is not None:
            # A full pipe holds more rings than there are workers, and a closed one has no listeners.
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self.write_fd, b"." * times)

    def wait(self, timeout_seconds: float) -> bool:
        """Whether the bell rang before the time-out; each ring is heard by one listener."""
        if self.read_fd is None:
            raise ValueError("Expected a bell with a reading end, received one that can only be rung.")
        if not select.select([self.read_fd], [], [], timeout_seconds)[0]:
            return False
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self.read_fd, 1))
        return False

    def close(self) -> None:
        """Closes the ends that this process holds."""
        for fd in (self.read_fd, self.write_fd):
            if fd is not None:
                os.close(fd)
        self.read_fd = self.write_fd = None

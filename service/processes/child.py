"""A child process, and the patience with which it is started again."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial

from service.processes.lifeline import die_with

_STEADY_SECONDS = 5.0
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 10.0


class Child:
    """A place that one process at a time fills; `owner` names the process that fills it now."""

    def __init__(self, title: str, arguments: Sequence[str], *, fds: Sequence[int]) -> None:
        self.title = title
        self.owner = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.due_at = 0.0
        self._arguments = arguments
        self._fds = fds
        self._started_at = 0.0
        self._failures = 0

    def start(self, household: str) -> None:
        """Starts a process under a new owner's name that begins with the household's."""
        self.owner = f"{household}.{secrets.token_hex(8)}"
        self._started_at = time.monotonic()
        # In a process group of its own, Ctrl-C reaches the supervisor alone, which then ends all in order.
        # The supervisor has a single thread, so no lock can stay held forever between `fork` and `exec`.
        self.process = subprocess.Popen(  # noqa: S603 - this very interpreter and its own package
            [sys.executable, "-m", "service", *self._arguments, f"--owner={self.owner}"],
            pass_fds=self._fds,
            process_group=0,
            preexec_fn=partial(die_with, os.getpid()),  # noqa: PLW1509 - as said
        )

    def ended(self) -> int | None:
        """The exit code, once, of a process that has ended since the last call; plans the next start."""
        if self.process is None or self.process.poll() is None:
            return None
        code, self.process = self.process.returncode, None
        now = time.monotonic()
        steady = now - self._started_at > _STEADY_SECONDS
        self._failures = 0 if steady else self._failures + 1
        # The first time it is started again at once: somebody waits for it.
        pause = _PAUSE_SECONDS * 2 ** (self._failures - 2) if self._failures > 1 else 0.0
        self.due_at = now + min(pause, _LONGEST_PAUSE_SECONDS)
        return code

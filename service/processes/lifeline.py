"""Ties a child process to its supervisor: when the supervisor ends, for whatever reason, the child ends at once.

Two ways, because each covers the other's gap: the end of a pipe works on every system, but not while a C function
holds the interpreter; Linux's death signal always does, but only on Linux. There it is asked for before the child's
program is loaded: a child that is still starting holds the port already.
"""

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
"""Loaded here, because a child between `fork` and `exec` loads nothing."""


def die_with(parent: int) -> None:
    """Lets the kernel end this process when `parent` ends, on Linux; before `exec` or after it."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it went before the signal was asked for


def follow(parent: int, fd: int) -> None:
    """Ends this process when `parent` does; `fd` is the reading end of a pipe that only the parent can write."""
    threading.Thread(target=_wait_for_end, args=(fd,), name="lifeline", daemon=True).start()
    die_with(parent)


def _wait_for_end(fd: int) -> None:
    while os.read(fd, 1):
        pass
    os._exit(1)

"""A child's bond with its supervisor: when that is gone, however it went, the child goes at once.

Two ways, because each covers the other's gap: the end of a pipe works on every system, but not while a C function
holds the interpreter; Linux's death signal always does, but only on Linux.
"""

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def follow(parent: int, fd: int) -> None:
    """Ends this process when `parent` does; `fd` is the reading end of a pipe that only the parent can write."""
    threading.Thread(target=_wait_for_end, args=(fd,), name="lifeline", daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # It went before the signal was asked for.
            os._exit(1)


def _wait_for_end(fd: int) -> None:
    while os.read(fd, 1):
        pass
    os._exit(1)

"""How a process learns that it is to end."""

import signal
import sys
import threading

_STOP = (signal.SIGTERM, signal.SIGINT)


def end_on_signals() -> None:
    """Makes the process exit immediately at SIGTERM or SIGINT."""
    for number in _STOP:
        signal.signal(number, lambda *_: sys.exit(0))


def leaving_on_signals() -> threading.Event:
    """Returns an event that is set at SIGTERM or SIGINT, for work that finishes in an orderly way."""
    leaving = threading.Event()
    for number in _STOP:
        signal.signal(number, lambda *_: leaving.set())
    return leaving

"""How a process learns that it is to end."""

import signal
import sys
import threading

_STOP = (signal.SIGTERM, signal.SIGINT)


def end_on_signals() -> None:
    """Lets the process exit at once when it is told to end."""
    for number in _STOP:
        signal.signal(number, lambda *_: sys.exit(0))


def leaving_on_signals() -> threading.Event:
    """An event that is set when the process is told to end, for work that wants to come to an end in good order."""
    leaving = threading.Event()
    for number in _STOP:
        signal.signal(number, lambda *_: leaving.set())
    return leaving

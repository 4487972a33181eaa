"""A second thread for the second half of a step; NumPy releases the interpreter lock while it computes."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from service.nn.engine import subnormals

Task = Callable[[], None]


class SecondThread:
    """A thread that runs one task while the caller runs another; it ends with the process.

    Subnormal numbers are zeros in it.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Task] = SimpleQueue()
        self._outcomes: SimpleQueue[BaseException | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def do(self, there: Task, here: Task) -> None:
        """Runs both at the same time, waits for both, and raises what either raised."""
        with self._lock:
            self._do(there, here)

    def _do(self, there: Task, here: Task) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, daemon=True, name="fitd-second-thread")
            self._thread.start()
        self._tasks.put(there)
        try:
            here()
        finally:
            failure = self._outcomes.get()
        if failure is not None:
            raise failure

    def _work(self) -> None:
        subnormals.flush()
        while True:
            task, failure = self._tasks.get(), None
            try:
                task()
            except BaseException as error:  # noqa: BLE001 (handed to the caller)
                failure = error
            self._outcomes.put(failure)

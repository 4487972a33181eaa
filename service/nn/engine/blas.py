"""How many threads the matrix products of NumPy's OpenBLAS use.

Small products are faster on one thread, and trainings side by side must not fight for the cores.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator

from service.nn import openblas

# Multiplications of a forward pass below which a second thread costs more than it brings: threads hand the interpreter
# to each other between NumPy's calls, and the numbers from one core to the other.
SMALL_WORK = 20_000_000


class Blas:
    """Reads and sets the thread count of the loaded library, if the library allows it."""

    def __init__(self) -> None:
        self._get = _function("get")
        self._set = _function("set")
        self.most = self._outside = self.threads()
        self._inside: dict[object, int] = {}
        self._lock = threading.Lock()

    def threads(self) -> int:
        """Returns the number of threads in use; 1 if the library does not report it."""
        return 1 if self._get is None else self._get()

    def set_threads(self, count: int) -> None:
        """Uses `count` threads from now on, which is also the most that `threads_for` returns."""
        with self._lock:
            self.most = self._outside = count
            self._use_newest()

    def threads_for(self, rows: int, parameters: int) -> int:
        """Returns how many threads a step of `rows` through `parameters` weights should use: one for small work."""
        return 1 if rows * parameters < SMALL_WORK else self.most

    @contextlib.contextmanager
    def limited_to(self, count: int) -> Iterator[None]:
        """Limits products to `count` threads inside the `with` block; of overlapping blocks the latest decides."""
        mine = object()
        with self._lock:
            if not self._inside:
                self._outside = self.threads()
            self._inside[mine] = count
            self._use_newest()
        try:
            yield
        finally:
            with self._lock:
                del self._inside[mine]
                self._use_newest()

    def _use_newest(self) -> None:
        count = next(reversed(self._inside.values()), self._outside)
        if self._set is not None and count != self.threads():
            self._set(count)


def _function(verb: str) -> Callable[..., int] | None:
    found = openblas.function(f"openblas_{verb}_num_threads")
    return None if found is None else found[0]


_blas = Blas()
threads, set_threads = _blas.threads, _blas.set_threads
threads_for, limited_to = _blas.threads_for, _blas.limited_to

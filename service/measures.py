"""What this process measures of itself, and what all processes of one `serve` show of it together (Prometheus).

Each process counts in plain numbers, which costs a request less than a microsecond, and adds them twice a second to a
file of its place among the processes. The process that is started again in that place goes on counting in the same
file, so that no counter falls when one is killed, and there are never more files than places.
"""

import os
import shutil
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_LONG_BUCKETS = (0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
_PAUSE_SECONDS = 0.5
_MOST_NOTED = 100_000
_FOLDER = "metrics"


class Cell:
    """The durations of one kind of request, counted by one thread."""

    __slots__ = ("_counts", "_flushed", "_flushed_seconds", "_seconds")

    def __init__(self) -> None:
        self._counts = [0] * (len(REQUEST_BUCKETS) + 1)
        self._flushed = list(self._counts)
        self._seconds = self._flushed_seconds = 0.0

    def add(self, seconds: float) -> None:
        """Counts one."""
        self._counts[bisect_left(REQUEST_BUCKETS, seconds)] += 1
        self._seconds += seconds

    def flush(self, child: Any) -> None:
        """Adds what was counted since the last time to a histogram, which takes single values alone by itself."""
        for place, count in enumerate(list(self._counts)):
            if count != self._flushed[place]:
                child._buckets[place].inc(count - self._flushed[place])
                self._flushed[place] = count
        seconds = self._seconds
        child._sum.inc(seconds - self._flushed_seconds)
        self._flushed_seconds = seconds


class Measures:
    """All that one process measures; without a directory it shows its own numbers alone."""

    def __init__(self, directory: Path | None = None, place: str = "") -> None:
        self._directory = directory
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
            values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]
        self._own = own = CollectorRegistry()
        self._requests = Histogram(
            "fitd_http_request_duration_seconds",
            "Time from the head of a request to the end of its answer, by route, method and status.",
            ["route", "method", "status"],
            buckets=REQUEST_BUCKETS,
            registry=own,
        )
        self._rows = Counter("fitd_prediction_rows", "Rows predicted, by protocol.", ["protocol"], registry=own)
        self._prediction_seconds = Counter(
            "fitd_prediction_seconds", "Time spent on predictions, by protocol.", ["protocol"], registry=own
        )
        self.attempts = Counter(
            "fitd_job_attempts", "Attempts of jobs that ended, by kind and outcome.", ["kind", "outcome"], registry=own
        )
        self.attempt_seconds = Histogram(
            "fitd_job_attempt_duration_seconds", "Time of one attempt.", ["kind"], buckets=_LONG_BUCKETS, registry=own
        )
        self.queue_wait = Histogram(
            "fitd_job_queue_wait_seconds", "Time until a job began.", ["kind"], buckets=_LONG_BUCKETS, registry=own
        )
        self.epochs = Histogram(
            "fitd_training_epoch_duration_seconds", "Time of one epoch.", buckets=_LONG_BUCKETS, registry=own
        )
        self.samples = Counter("fitd_training_samples", "Rows that networks were trained on.", registry=own)
        self.checkpoints = Histogram(
            "fitd_checkpoint_duration_seconds", "Time to store one checkpoint.", buckets=_LONG_BUCKETS, registry=own
        )
        self._cells: dict[tuple[str, str, str], Cell] = {}
        self._predicted: list[tuple[str, int, float]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def cell(self, route: str, method: str, status: int) -> Cell:
        """Where requests of this kind are counted; `route` is a path as it is declared, never as it was sent."""
        key = (route, method, str(status))
        return self._cells.get(key) or self._cells.setdefault(key, Cell())

    def predicted(self, protocol: str, rows: int, seconds: float) -> None:
        """Notes a prediction."""
        self._predicted.append((protocol, rows, seconds))  # a list takes what several threads add, without a lock
        if len(self._predicted) > _MOST_NOTED:
            self.flush()

    def flush(self) -> None:
        """Adds what was counted to what all processes show."""
        with self._lock:
            predicted = self._predicted[:]
            del self._predicted[: len(predicted)]
            for key, cell in list(self._cells.items()):
                cell.flush(self._requests.labels(*key))
        for protocol, rows, seconds in _summed(predicted):
            self._rows.labels(protocol).inc(rows)
            self._prediction_seconds.labels(protocol).inc(seconds)

    def keep_flushing(self) -> None:
        """Flushes twice a second from now on."""

        def keep() -> None:
            while not self._closing.wait(_PAUSE_SECONDS):
                self.flush()

        threading.Thread(target=keep, name="measures", daemon=True).start()

    def shown(self, accept: str, more: Iterable[Collector] = ()) -> tuple[bytes, str]:
        """The metrics of all processes and of `more` in the form that is accepted, and its media type."""
        self.flush()
        registry = CollectorRegistry()
        if self._directory is None:
            registry.register(_Forwarded(self._own))
        else:
            MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
        for collector in more:
            registry.register(collector)
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type


def _summed(predicted: Iterable[tuple[str, int, float]]) -> Iterator[tuple[str, int, float]]:
    sums: dict[str, tuple[int, float]] = {}
    for protocol, rows, seconds in predicted:
        before = sums.get(protocol, (0, 0.0))
        sums[protocol] = before[0] + rows, before[1] + seconds
    return ((protocol, rows, seconds) for protocol, (rows, seconds) in sums.items())


class _Forwarded(Collector):
    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Any]:
        return self._registry.collect()


def folder(data_dir: Path) -> Path:
    """Where the processes of one household keep what they count."""
    return data_dir / _FOLDER


def clear(data_dir: Path) -> None:
    """Removes what an earlier household has left, before a new one begins to count."""
    shutil.rmtree(folder(data_dir), ignore_errors=True)

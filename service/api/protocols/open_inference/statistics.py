"""Statistics: numbers and durations of the inferences of each version since this process started."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

_REMEMBERED = 10_000


@dataclass(slots=True)
class _Spent:
    count: int = 0
    ns: int = 0

    def add(self, ns: int) -> None:
        self.count += 1
        self.ns += ns

    def view(self) -> dict[str, int]:
        return {"count": self.count, "ns": self.ns}


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    last_ms: int = 0
    success: _Spent = field(default_factory=_Spent)
    fail: _Spent = field(default_factory=_Spent)
    read: _Spent = field(default_factory=_Spent)
    predict: _Spent = field(default_factory=_Spent)
    write: _Spent = field(default_factory=_Spent)


class Statistics:
    """Counts and times inferences by version; forgets those that were asked least recently when there are many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: OrderedDict[tuple[str, int], _Tally] = OrderedDict()

    def succeed(self, name: str, number: int, rows: int, *, read_ns: int, predict_ns: int, write_ns: int) -> None:
        """Notes an answered inference and how long its three parts took."""
        with self._lock:
            tally = self._of(name, number)
            tally.rows += rows
            tally.last_ms = time.time_ns() // 1_000_000
            tally.success.add(read_ns + predict_ns + write_ns)
            tally.read.add(read_ns)
            tally.predict.add(predict_ns)
            tally.write.add(write_ns)

    def fail(self, name: str, number: int, ns: int) -> None:
        """Notes an inference that was refused, or that failed."""
        with self._lock:
            self._of(name, number).fail.add(ns)

    def view(self, name: str, number: int) -> dict[str, Any]:
        """What the protocol's statistics extension says of a version."""
        with self._lock:
            tally = self._tallies.get((name, number)) or _Tally()
            nothing = _Spent().view()
            return {
                "name": name,
                "version": str(number),
                "last_inference": tally.last_ms,
                "inference_count": tally.rows,
                "execution_count": tally.success.count,
                "inference_stats": {
                    "success": tally.success.view(),
                    "fail": tally.fail.view(),
                    "queue": nothing,
                    "compute_input": tally.read.view(),
                    "compute_infer": tally.predict.view(),
                    "compute_output": tally.write.view(),
                    "cache_hit": nothing,
                    "cache_miss": nothing,
                },
                "batch_stats": [],
            }

    def _of(self, name: str, number: int) -> _Tally:
        tally = self._tallies.setdefault((name, number), _Tally())
        self._tallies.move_to_end((name, number))
        while len(self._tallies) > _REMEMBERED:
            self._tallies.popitem(last=False)
        return tally

"""Trains one workload on one engine in this process; prints the seconds of its best epoch as JSON."""

import json
import sys
import time

from benchmarks.engines import ENGINES
from benchmarks.workloads import WORKLOADS


def main(engine: str, workload: str, seconds: str) -> None:
    """Warm up for an epoch or two, then epochs for about so many seconds."""
    epoch = ENGINES[engine](WORKLOADS[workload])
    epoch()
    epoch()
    best, spent = float("inf"), 0.0
    while spent < float(seconds):
        started = time.perf_counter()
        epoch()
        took = time.perf_counter() - started
        best, spent = min(best, took), spent + took
    print(json.dumps(best))


if __name__ == "__main__":
    main(*sys.argv[1:])

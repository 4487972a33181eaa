"""Steady time of a training epoch beside the peers that are installed, as ratios in one run.

python -m benchmarks.training [--seconds 3] [--workloads W1,W5] [--python PATH_WITH_PEERS]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).parents[1]
PEERS = {
    "keras on jax": ("keras", {"KERAS_BACKEND": "jax"}),
    "keras on torch": ("keras", {"KERAS_BACKEND": "torch"}),
    "keras on tensorflow": ("keras", {"KERAS_BACKEND": "tensorflow"}),
    "torch": ("torch", {}),
    "scikit-learn": ("scikit-learn", {}),
    "jax": ("jax", {}),
}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def measured(engine: str, workload: str, seconds: float, python: str, extra: dict[str, str]) -> float | None:
    """Seconds of the best epoch, with one thread or two, whichever is better; None where it does not run."""
    best: float | None = None
    for threads in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict.fromkeys(THREADS, threads), **extra}
        command = [python, "-m", "benchmarks.run_one", engine, workload, str(seconds)]
        run = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, cwd=ROOT)
        if run.returncode == 0:
            value = float(json.loads(run.stdout.strip().splitlines()[-1]))
            best = value if best is None else min(best, value)
    return best


def main() -> None:
    """Prints a table: milliseconds of an epoch, and how many times as long as ours each peer takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the peers")
    given = parser.parse_args()
    print(
        f"NumPy {np.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores; best of 1 and 2 threads"
    )
    print("| workload | engine | ms an epoch | times ours |\n|---|---|---|---|")
    for workload in given.workloads.split(","):
        ours = measured("fitd", workload, given.seconds, sys.executable, {})
        rows = [("fitd", ours), ("products alone", measured("floor", workload, given.seconds, sys.executable, {}))]
        rows += [
            (name, measured(engine, workload, given.seconds, given.python, extra))
            for name, (engine, extra) in PEERS.items()
        ]
        for name, value in rows:
            if value is not None and ours is not None:
                print(f"| {workload} | {name} | {value * 1e3:.2f} | {value / ours:.2f} |", flush=True)


if __name__ == "__main__":
    main()

"""Steady time of a training epoch beside the peers that are installed, as ratios in one run.

python -m benchmarks.training [--seconds 3] [--rounds 3] [--workloads W1,W5] [--python PATH_WITH_PEERS]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).parents[1]
PACKAGES = ("numpy", "jax", "keras", "torch", "tensorflow", "scikit-learn")
VERSIONS = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""
PEERS = {
    "keras on jax": ("keras", {"KERAS_BACKEND": "jax"}),
    "keras on torch": ("keras", {"KERAS_BACKEND": "torch"}),
    "keras on tensorflow": ("keras", {"KERAS_BACKEND": "tensorflow"}),
    "torch": ("torch", {}),
    "scikit-learn": ("scikit-learn", {}),
    "jax": ("jax", {}),
}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Epoch(NamedTuple):
    """Seconds of the best epoch, and the threads that it had."""

    seconds: float
    threads: int


def measured(engine: str, workload: str, seconds: float, python: str, extra: dict[str, str]) -> Epoch | None:
    """The best epoch, with one thread or two, whichever is better; None where the engine does not run."""
    found = []
    for threads in (1, 2):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict.fromkeys(THREADS, str(threads)), **extra}
        command = [python, "-m", "benchmarks.run_one", engine, workload, str(seconds)]
        run = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, cwd=ROOT)
        if run.returncode == 0:
            found.append(Epoch(float(json.loads(run.stdout.strip().splitlines()[-1])), threads))
    return min(found, default=None)


def versions(python: str) -> str:
    """What an interpreter has of the packages compared."""
    run = subprocess.run([python, "-c", VERSIONS, *PACKAGES], check=True, capture_output=True, text=True)
    return ", ".join(f"{name} {version}" for name, version in json.loads(run.stdout).items())


def main() -> None:
    """Prints a table: milliseconds of an epoch, and how many times as long as ours each peer takes.

    The engines take turns, because other work on a shared machine comes and goes.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the peers")
    given = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; ours: {versions(sys.executable)}; "
          f"peers: {versions(given.python)}; best of {given.rounds} rounds with 1 and 2 threads")  # fmt: skip
    print("| workload | engine | ms an epoch | threads | times ours |\n|---|---|---|---|---|")
    engines: dict[str, tuple[str, str, dict[str, str]]] = {
        "fitd": ("fitd", sys.executable, {}),
        "products alone": ("floor", sys.executable, {}),
    }
    engines |= {name: (engine, given.python, extra) for name, (engine, extra) in PEERS.items()}
    for workload in given.workloads.split(","):
        best: dict[str, Epoch] = {}
        for _ in range(given.rounds):
            for name, (engine, python, extra) in engines.items():
                epoch = measured(engine, workload, given.seconds, python, extra)
                if epoch is not None:
                    best[name] = min(epoch, best.get(name, epoch))
        for name, (seconds, threads) in best.items():
            times = seconds / best["fitd"].seconds
            print(f"| {workload} | {name} | {seconds * 1e3:.2f} | {threads} | {times:.2f} |", flush=True)


if __name__ == "__main__":
    main()

"""Tables through a real server: what an upload costs beside pyarrow's own reading, and a training beside its data.

`python -m benchmarks.tables` takes about a minute and 2 GB of disk.
"""

import contextlib
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from pyarrow import csv

from tests.e2e.server import Server

ROUNDS = 3
CSV_ROWS, CSV_COLUMNS = 180_000, 28
TRAINED_ROWS, TRAINED_COLUMNS = 1_000_000, 30
MEGABYTE = 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), FITD_WORKERS="1", FITD_MAX_WAIT_SECONDS="240")
        server.start()
        try:
            upload(server, Path(folder))
            train(server, Path(folder))
        finally:
            server.stop()


def upload(server: Server, folder: Path) -> None:
    """The same CSV read by pyarrow and uploaded, by turns; each upload is another one, so that all is done anew."""
    rng = np.random.default_rng(1)
    ours, theirs, size = [], [], 0
    for _ in range(ROUNDS):
        file = folder / "table.csv"
        columns: dict[str, Any] = {f"n{i}": rng.normal(size=CSV_ROWS) for i in range(CSV_COLUMNS)}
        csv.write_csv(pa.table(columns | {"kind": rng.choice(["red", "green", "blue"], CSV_ROWS)}), file)
        size = file.stat().st_size
        started = time.perf_counter()
        csv.read_csv(file)
        theirs.append(time.perf_counter() - started)
        started = time.perf_counter()
        with file.open("rb") as content:
            sent(server, content)
        ours.append(time.perf_counter() - started)
    print(f"upload of a CSV of {size / MEGABYTE:.0f} MB: {min(ours):.2f} s; pyarrow's read: {min(theirs):.2f} s; "
          f"ratio {min(ours) / min(theirs):.1f}")  # fmt: skip


def train(server: Server, folder: Path) -> None:
    """A large table trained for one epoch: how far the worker's memory grows beyond its idle size."""
    rng = np.random.default_rng(2)
    columns: dict[str, Any] = {f"n{i}": rng.normal(size=TRAINED_ROWS) for i in range(TRAINED_COLUMNS)}
    table = pa.table(columns | {"y": rng.integers(0, 2, TRAINED_ROWS)})
    file = folder / "table.arrow"
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with file.open("rb") as content:
        dataset = sent(server, content, "application/vnd.apache.arrow.file")
    idle = {pid: memory(pid, "VmRSS") for pid in processes()}
    job = httpx.post(f"{server.url}/v1/training-jobs", timeout=300, headers={"Prefer": "wait=240"}, json={
        "spec": {"layers": [{"class_name": "Dense", "units": 16, "activation": "relu"},
                            {"class_name": "Dense", "units": "auto", "activation": "sigmoid"}]},
        "compile": {"loss": "binary_crossentropy"},
        "fit": {"epochs": 1, "batch_size": 1024},
        "data": {"dataset": dataset["id"], "target": "y"},
    }).json()  # fmt: skip
    grown = max(memory(pid, "VmHWM") - idle[pid] for pid in idle if is_worker(pid))
    floats = TRAINED_ROWS * TRAINED_COLUMNS * 4 / MEGABYTE
    print(f"training on {TRAINED_ROWS:,} x {TRAINED_COLUMNS}: {job['status']}, the worker's peak is {grown:.0f} MB "
          f"above idle; the table in float32 has {floats:.0f} MB; ratio {grown / floats:.1f}")  # fmt: skip


def sent(server: Server, content: Any, media_type: str = "text/csv") -> dict[str, Any]:
    answer = httpx.post(f"{server.url}/v1/datasets", content=content, headers={"Content-Type": media_type}, timeout=120)
    view: dict[str, Any] = answer.raise_for_status().json()
    return view


def processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal() and is_worker(int(path.name))]


def is_worker(pid: int) -> bool:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return b"service" in words and b"worker" in words
    return False


def memory(pid: int, field: str) -> float:
    """A size from the kernel's account of a process, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024 / MEGABYTE


if __name__ == "__main__":
    main()

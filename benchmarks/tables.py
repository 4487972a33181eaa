"""Tables beside what they cannot do without: uploads, rows of JSON, and the memory of a training.

`python -m benchmarks.tables` takes about a minute and 2 GB of disk; other work on the machine spoils its figures.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import orjson
import pyarrow as pa
from pyarrow import csv

from service.config import Limits
from service.data.datasets import read_dataset
from service.errors import Findings
from service.formats.plain_rows import read_json_with_rows
from tests.e2e.server import ROOT, Server, free_port
from tests.e2e.test_workers import children, pid_of

ROUNDS = 12
CSV_ROWS, CSV_COLUMNS = 180_000, 28
JSON_ROWS, JSON_COLUMNS = 1000, 100
TRAINED_ROWS, TRAINED_COLUMNS = 1_000_000, 30
MEGABYTE = 1e6
CLIENT = httpx.Client(timeout=300)
"""Made once: to make one takes a tenth of an upload."""


def main() -> None:
    read_json_rows()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), FITD_WORKERS="1", FITD_MAX_WAIT_SECONDS="240")
        server.start()
        try:
            upload(server, Path(folder))
            train(server, Path(folder))
        finally:
            server.stop()


def read_json_rows() -> None:
    """A body with x and y to arrays, by us and by the two calls that anybody would write."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(JSON_ROWS, JSON_COLUMNS)).tolist(), rng.integers(0, 10, JSON_ROWS).tolist()
    body = orjson.dumps({"data": {"x": x, "y": y}})

    def plainly() -> None:
        data = orjson.loads(body)["data"]
        np.array(data["x"], np.float32), np.array(data["y"])

    found = best_of(
        10 * ROUNDS,
        Call(lambda: read_dataset(read_json_with_rows(body)["data"], Findings(), Limits())),
        Call(plainly),
        Call(lambda: orjson.loads(body)),
    )
    ours, theirs, loads = (1000 * one.seconds for one in found)
    print(f"JSON of {JSON_ROWS:,} x {JSON_COLUMNS} to float32: {ours:.1f} ms; orjson.loads, np.array: {theirs:.1f} ms, "
          f"orjson.loads alone: {loads:.1f} ms; ratio {ours / theirs:.2f}")  # fmt: skip


def upload(server: Server, folder: Path) -> None:
    """One CSV read by pyarrow, sent to an application that only keeps it, and uploaded, by turns.

    Where cores are few, the clock counts the client's work as well; processor seconds are those of the process that
    answers.
    """
    rng = np.random.default_rng(1)
    file = folder / "table.csv"
    columns: dict[str, Any] = {f"n{i}": rng.normal(size=CSV_ROWS) for i in range(CSV_COLUMNS)}
    csv.write_csv(pa.table(columns | {"kind": rng.choice(["red", "green", "blue"], CSV_ROWS)}), file)

    def keep() -> None:
        with file.open("rb") as content:
            CLIENT.post(bare, content=content).raise_for_status()

    def ours() -> None:
        with file.open("rb") as content:
            made.append(sent(server, content)["id"])

    def forget() -> None:
        CLIENT.delete(f"{server.url}/v1/datasets/{made.pop()}").raise_for_status()

    made: list[str] = []
    (api,) = children(pid_of(server), "api")
    with floor(folder) as (bare, keeper):
        read, kept, uploaded, _ = best_of(
            ROUNDS, Call(lambda: csv.read_csv(file)), Call(keep, keeper), Call(ours, api), Call(forget, api)
        )
    print(f"upload of a CSV of {file.stat().st_size / MEGABYTE:.0f} MB, seconds by the clock and of processors: "
          f"{uploaded.seconds:.2f} and {uploaded.processor:.2f}; pyarrow's read {read.seconds:.2f} and "
          f"{read.processor:.2f}, receiving and writing {kept.seconds:.2f} and {kept.processor:.2f}; ratio to the read "
          f"{uploaded.seconds / read.seconds:.1f} and {uploaded.processor / read.processor:.2f}, to both "
          f"{uploaded.seconds / (read.seconds + kept.seconds):.1f} and "
          f"{uploaded.processor / (read.processor + kept.processor):.2f}")  # fmt: skip


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
    job = CLIENT.post(f"{server.url}/v1/training-jobs", headers={"Prefer": "wait=240"}, json={
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
    answer = CLIENT.post(f"{server.url}/v1/datasets", content=content, headers={"Content-Type": media_type})
    view: dict[str, Any] = answer.raise_for_status().json()
    return view


@contextlib.contextmanager
def floor(folder: Path) -> Iterator[tuple[str, int]]:
    """The address and the process of an application that only keeps what it is sent."""
    port = free_port()
    environment = os.environ | {"FLOOR_FOLDER": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "uvicorn", "benchmarks.upload_floor:app", f"--port={port}", "--no-access-log"]
    process = subprocess.Popen([*command, "--log-level=warning", "--lifespan=off"], env=environment)
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client:
            client.post(f"http://127.0.0.1:{port}/").raise_for_status()
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.terminate()
        process.wait()


class Call(NamedTuple):
    """Something to measure, and the process that works for it."""

    run: Callable[[], object]
    process: int | str = "self"

    def measured(self) -> "Cost":
        before, started = processor_seconds(self.process), time.perf_counter()
        self.run()
        seconds = time.perf_counter() - started
        return Cost(seconds, processor_seconds(self.process) - before)


class Cost(NamedTuple):
    """The seconds that a call took by the clock, and those that processors worked for it, in the kernel, too."""

    seconds: float
    processor: float


def best_of(rounds: int, *calls: Call) -> list[Cost]:
    """The least of either that each call took; they take turns."""
    taken: list[list[Cost]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, costs in zip(calls, taken, strict=True):
            costs.append(call.measured())
    return [Cost(*map(min, zip(*costs, strict=True))) for costs in taken]


def processor_seconds(process: int | str) -> float:
    """What a process has used so far, by the kernel's account in hundredths."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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

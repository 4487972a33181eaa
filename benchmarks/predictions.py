"""Tables predicted: their rows a second beside the bare forward pass, and a worker's memory however many there are.

`python -m benchmarks.predictions` takes about two minutes and 3 GB of disk.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.tables import MEGABYTE, Call, best_of, memory, sent
from service.config import Settings
from service.data.tables import Table
from service.errors import Findings
from service.formats.downloads import encode_tables
from service.formats.tables import ARROW, PARQUET, read_batches, write_table
from service.nn.engine import blas
from service.prediction import LoadedVersion
from service.prediction.outputs import Asked
from service.prediction.tables import PART_ROWS, TablePrediction
from service.training import train
from tests.e2e.server import Server
from tests.e2e.test_workers import children, pid_of

ROUNDS = 5
ROWS, COLUMNS = 1_000_000, 30
MANY_ROWS = (1_000_000, 4_000_000)


class Network(NamedTuple):
    """Hidden layers, and the last one: softmax among some classes, or a sigmoid between two."""

    hidden: tuple[int, ...]
    units: int = 10

    @property
    def name(self) -> str:
        return "-".join(map(str, (*self.hidden, self.units)))

    @property
    def classes(self) -> list[str]:
        return [f"class {n}" for n in range(max(2, self.units))]

    def request(self) -> dict[str, Any]:
        """What trains it on `table`, except where that is."""
        last, loss = ("sigmoid", "binary") if self.units == 1 else ("softmax", "sparse_categorical")
        layers = [*((count, "relu") for count in self.hidden), (self.units, last)]
        return {
            "spec": {"layers": [{"class_name": "Dense", "units": n, "activation": name} for n, name in layers]},
            "compile": {"loss": f"{loss}_crossentropy"},
            "fit": {"epochs": 1, "seed": 1},
            "data": {"dataset": "ds", "target": "kind"},
        }

    def table(self) -> pa.Table:
        """Rows enough to train on for the sake of the benchmark."""
        rows = 2000
        return pa.table({**columns_of(rows), "kind": [self.classes[i % len(self.classes)] for i in range(rows)]})


SMALL = Network((64,))
NETWORKS = (SMALL, Network((128, 64)), Network((256, 256)), Network((256, 128), units=1))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder))
        through_a_server(Path(folder))


def columns_of(rows: int, seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {f"n{i}": rng.normal(size=rows) for i in range(COLUMNS)}


def speed(folder: Path) -> None:
    """Parquet to Parquet, Arrow to Arrow (as a job does it), and the forward pass alone, by turns."""
    source, stored, target = folder / "rows.parquet", folder / "rows.arrow", folder / "answers"
    parquet.write_table(pa.table(columns_of(ROWS)), source)
    limits = Settings(_env_file=None)
    blas.set_threads(1)  # as a worker and the API have it
    write_table(source, PARQUET, stored, limits)
    x = np.random.default_rng(2).normal(size=(ROWS, COLUMNS)).astype(np.float32)

    def read() -> Iterator[Table]:
        return map(Table.of_batch, read_batches(source, PARQUET, limits))

    for network in NETWORKS:
        made = train(network.request(), Table(network.table()))
        loaded = LoadedVersion(made, made.weights)
        bare, whole, job = best_of(
            ROUNDS,
            Call(partial(loaded.predict, x)),
            Call(partial(answer, loaded, read, PARQUET, target)),
            Call(partial(answer, loaded, lambda: Table.from_file(stored).parts(PART_ROWS), ARROW, target)),
        )
        print(f"{ROWS:,} x {COLUMNS} through {network.name}, seconds by the clock and of processors: forward pass "
              f"{bare.seconds:.2f} and {bare.processor:.2f}, Parquet to Parquet {whole.seconds:.2f} and "
              f"{whole.processor:.2f} ({bare.seconds / whole.seconds:.2f} of its speed), a job's part "
              f"{job.seconds:.2f} and {job.processor:.2f} ({bare.seconds / job.seconds:.2f})")  # fmt: skip


def answer(loaded: LoadedVersion, tables: Callable[[], Iterator[Table]], media_type: str, target: Path) -> None:
    findings = Findings()
    prediction = TablePrediction(loaded, Asked(), dict.fromkeys(columns_of(0), "number"), findings)
    with target.open("wb") as file:
        file.writelines(encode_tables(prediction.answers(tables(), findings), media_type))


def through_a_server(folder: Path) -> None:
    """The same by POST, and as a job; how far the worker's memory grows beyond its idle size."""
    server = Server(folder, FITD_WORKERS="1", FITD_MAX_WAIT_SECONDS="240")
    server.start()
    try:
        arrow, wait = "application/vnd.apache.arrow.file", {"Prefer": "wait=240"}
        data = {"dataset": sent(server, written(SMALL.table()), arrow)["id"], "target": "kind"}
        asked = {**SMALL.request(), "model": "m", "data": data}
        httpx.post(f"{server.url}/v1/training-jobs", json=asked, headers=wait, timeout=300).raise_for_status()
        path, headers = f"{server.url}/v1/models/m:predict", {"Content-Type": PARQUET}
        took = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            with (folder / "rows.parquet").open("rb") as content:
                answered = httpx.post(path, content=content, headers=headers, timeout=300).raise_for_status()
            took.append(time.perf_counter() - started)
        size = (folder / "rows.parquet").stat().st_size
        print(f"POST of {ROWS:,} rows ({size / MEGABYTE:.0f} MB) to :predict, {SMALL.name}: {min(took):.2f} s, "
              f"{len(answered.content) / MEGABYTE:.0f} MB back")  # fmt: skip
        for rows in MANY_ROWS:
            dataset = sent(server, written(pa.table(columns_of(rows, seed=rows))), arrow)
            server.restart()
            (worker,) = children(pid_of(server), "worker")
            idle = {field: memory(worker, field) for field in ("RssAnon", "VmRSS")}
            started = time.perf_counter()
            body = {"model": "m", "dataset": dataset["id"]}
            path = f"{server.url}/v1/prediction-jobs"
            job = httpx.post(path, json=body, timeout=300).raise_for_status().json()
            own = 0.0
            while job["status"] in ("queued", "running"):
                own = max(own, memory(worker, "RssAnon"))
                job = httpx.get(f"{path}/{job['id']}", timeout=300).json()
            seconds = time.perf_counter() - started
            mapped = memory(worker, "VmHWM") - idle["VmRSS"]
            print(f"job over {rows:,} rows: {job['status']} in {seconds:.1f} s, the worker grows by "
                  f"{own - idle['RssAnon']:.0f} MB, {mapped:.0f} MB with pages of mapped files")  # fmt: skip
    finally:
        server.stop()


def written(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


if __name__ == "__main__":
    main()

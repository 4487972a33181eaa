"""Predictions over HTTP: ours beside a bare ASGI application that does the same work, and peers, by turns, with `wrk`.

python -m benchmarks.serving [--seconds 4] [--python PATH_WITH_LITSERVE_AND_MLSERVER]

Everything runs with one BLAS thread, and ours and the floor as one process. It ends with the time from a request for a
training to the trained model, and with what predictions feel while every worker trains.
"""

import argparse
import contextlib
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import orjson

from service.formats.weights import unpack
from service.storage import Database
from tests.e2e.server import ROOT, Server, free_port
from tests.support.serving import canonical

ROUNDS = 5
PREDICT, INFER = "/v1/models/digits:predict", "/v2/models/digits/infer"
PEERS = ("litserve", "mlserver")
JSON = {"Content-Type": "application/json"}


class Load(NamedTuple):
    title: str
    path: str
    clients: int
    body: bytes
    headers: dict[str, str]


class Measured(NamedTuple):
    rate: float
    p50_ms: float
    p99_ms: float


def loads() -> list[Load]:
    """What is measured beside the floor."""
    rows = np.random.default_rng(1).random((100, 100), np.float32)
    tensor = {"name": "input", "shape": [100, 100], "datatype": "FP32", "parameters": {"binary_data_size": rows.nbytes}}
    head = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    binary = {"Inference-Header-Content-Length": str(len(head))}
    return [
        Load("JSON, 1 row, 64 clients", PREDICT, 64, instances(1), JSON),
        Load("JSON, 100 rows, 16 clients", PREDICT, 16, instances(100), JSON),
        Load("V2 binary, 100 rows, 16 clients", INFER, 16, head + rows.tobytes(), binary),
    ]


def instances(count: int) -> bytes:
    """Rows as TensorFlow Serving writes them."""
    rows = np.random.default_rng(1).random((count, 100)).round(6).tolist()
    return orjson.dumps({"instances": rows})


def asked_of(peer: str, load: Load) -> Load:
    """The same rows as this peer reads them: LitServe and MLServer have no binary form that works."""
    count = 1 if "1 row," in load.title else 100
    if peer == "litserve":
        return load._replace(path="/predict", body=instances(count), headers=JSON)
    rows = np.random.default_rng(1).random((count, 100)).round(6).ravel().tolist()
    tensor = {"name": "input", "shape": [count, 100], "datatype": "FP32", "data": rows}
    return load._replace(path=INFER, body=orjson.dumps({"inputs": [tensor]}), headers=JSON)


def wrk(folder: Path, url: str, load: Load, seconds: int, *, pause_ms: float = 0.0) -> Measured:
    """What `wrk` says of a load; with a pause each client rests about so long between two requests."""
    (folder / "body").write_bytes(load.body)
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in load.headers.items())
    rest = f"function delay() return math.random(0, {round(2 * pause_ms)}) end\n" if pause_ms else ""
    script = folder / "load.lua"
    script.write_text(f'wrk.method = "POST"\nwrk.body = io.open("{folder / "body"}", "rb"):read("*a")\n{headers}{rest}')
    command = ["wrk", "-t1", f"-c{load.clients}", f"-d{seconds}s", "--latency", "-s", str(script), url + load.path]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate is not None, said
    return Measured(float(rate[1]), milliseconds(said, "50%"), milliseconds(said, "99%"))


def milliseconds(said: str, share: str) -> float:
    """The latency of this share of requests."""
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)\b", said)
    assert found is not None, said
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]


def trained(folder: Path) -> Server:
    """Ours with the model `digits`, and the model's arrays in files for the others."""
    server = Server(folder, FITD_WORKERS="2")
    server.start()
    times = []
    for _ in range(10):
        started = time.perf_counter()
        answer = httpx.post(f"{server.url}/v1/training-jobs", json=canonical(), headers={"Prefer": "wait=60"})
        times.append(1000 * (time.perf_counter() - started))
        assert answer.json()["status"] == "succeeded"
    print(f"From POST to trained model: {statistics.median(times):.0f} ms, best {min(times):.0f} ms\n")
    database = Database(f"sqlite:///{folder / 'data' / 'fitd.db'}")
    with database.reading() as tx:
        arrays, _ = unpack(tx.models.weights(tx.models.version("digits").id))
    database.close()
    for index, array in enumerate(arrays.values()):
        np.save(folder / f"{index}.npy", array)
    return server


@contextlib.contextmanager
def other(folder: Path, port: int, command: list[str], ready: Load) -> Iterator[str]:
    """Another server with the same network, from its first answer on."""
    own = {"FLOOR_FOLDER": str(folder), "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    log = (folder / "other.log").open("wb")
    process = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=9)) as client:
            client.post(url + ready.path, content=ready.body, headers=ready.headers).raise_for_status()
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def floor(folder: Path) -> contextlib.AbstractContextManager[str]:
    """The bare ASGI application."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.serving_floor:app", f"--port={port}"]
    return other(folder, port, [*command, "--no-access-log", "--log-level=warning", "--lifespan=off"], loads()[0])


def peer(folder: Path, name: str, python: str) -> contextlib.AbstractContextManager[str]:
    """A peer."""
    port = free_port()
    command = [python, "-m", f"benchmarks.serving_{name}", str(port)]
    return other(folder, port, command, asked_of(name, loads()[0]))


def idle_megabytes(pid: int) -> float:
    """The memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def api_of(server: Server) -> int:
    """The process that answers."""
    assert server._process is not None
    pid = server._process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return next(int(one) for one in children if b"api" in Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0"))


def middle(runs: list[Measured]) -> Measured:
    """The median of each number."""
    return Measured(*(statistics.median(values) for values in zip(*runs, strict=True)))


def measured(folder: Path, urls: dict[str, str], load: Load, seconds: int) -> dict[str, Measured]:
    """Everybody under one load, by turns."""
    runs: dict[str, list[Measured]] = {who: [] for who in urls}
    for _ in range(ROUNDS):
        for who, url in urls.items():
            runs[who].append(wrk(folder, url, asked_of(who, load) if who in PEERS else load, seconds))
    return {who: middle(several) for who, several in runs.items()}


def while_training(folder: Path, server: Server, highest: float, seconds: int) -> None:
    """Half of the highest load, idle and while both workers train."""
    load = loads()[0]
    pause_ms = 1000 * load.clients / (highest / 2)
    idle = wrk(folder, server.url, load, seconds, pause_ms=pause_ms)
    long = canonical() | {"fit": {"epochs": 10_000, "batch_size": 32}, "model": "long"}
    jobs = [httpx.post(f"{server.url}/v1/training-jobs", json=long).headers["Location"] for _ in range(2)]
    for job in jobs:
        with httpx.stream("GET", f"{server.url}{job}/events") as events:
            next(line for line in events.iter_lines() if '"running"' in line)
    busy = wrk(folder, server.url, load, seconds, pause_ms=pause_ms)
    for job in jobs:
        httpx.post(f"{server.url}{job}:cancel").raise_for_status()
    print(
        f"\nAt half of the highest load, requests/s (p50 / p99 ms): idle {said(idle)}; while two workers train "
        f"{said(busy)}; p99 {busy.p99_ms / idle.p99_ms:.1f} times"
    )


def said(one: Measured) -> str:
    """A measurement in a cell."""
    return f"{one.rate:,.0f} ({one.p50_ms:.2f} / {one.p99_ms:.2f})"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--python", help="an interpreter that has the peers")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        server = trained(folder)
        stack.callback(server.stop)
        server.restart()
        memory = idle_megabytes(api_of(server))
        httpx.post(server.url + PREDICT, content=instances(1), headers=JSON).raise_for_status()  # as others get ready
        urls = {"floor": stack.enter_context(floor(folder)), "ours": server.url}
        if given.python:
            urls |= {one: stack.enter_context(peer(folder, one, given.python)) for one in PEERS}
        others = [who for who in urls if who != "ours"]
        print(f"| load | {' | '.join(urls)} | ours / {' | ours / '.join(others)} |\n|{'---|' * (len(urls) * 2)}")
        highest = 0.0
        for load in loads():
            found = measured(folder, urls, load, given.seconds)
            highest = max(highest, found["ours"].rate)
            ratios = [f"{found['ours'].rate / found[who].rate:.2f}" for who in others]
            print(f"| {load.title} | {' | '.join(map(said, found.values()))} | {' | '.join(ratios)} |", flush=True)
        while_training(folder, server, highest, given.seconds)
        print(f"Idle memory of the process that answers: {memory:.0f} MB")


if __name__ == "__main__":
    main()

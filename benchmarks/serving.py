"""Predictions over HTTP: ours beside a bare ASGI application that does the same work, by turns, with `wrk`.

`python -m benchmarks.serving` takes about a minute. Both run as one process with one BLAS thread.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import orjson

from service.formats.weights import unpack
from service.storage import Database
from tests.e2e.server import ROOT, Server, free_port
from tests.serving import canonical

SECONDS = 4
ROUNDS = 2
PREDICT, INFER = "/v1/models/digits:predict", "/v2/models/digits/infer"


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
    rows = np.random.default_rng(1).random((100, 100), np.float32)
    json_type = {"Content-Type": "application/json"}

    def body(count: int) -> bytes:
        return orjson.dumps({"instances": rows[:count].astype(float).round(6).tolist()})

    tensor = {"name": "input", "shape": [100, 100], "datatype": "FP32", "parameters": {"binary_data_size": rows.nbytes}}
    head = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    binary = {"Inference-Header-Content-Length": str(len(head))}
    return [
        Load("JSON, 1 row, 64 clients", PREDICT, 64, body(1), json_type),
        Load("JSON, 100 rows, 16 clients", PREDICT, 16, body(100), json_type),
        Load("V2 binary, 100 rows, 16 clients", INFER, 16, head + rows.tobytes(), binary),
    ]


def wrk(folder: Path, url: str, load: Load, seconds: int = SECONDS) -> Measured:
    (folder / "body").write_bytes(load.body)
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in load.headers.items())
    script = folder / "load.lua"
    script.write_text(f'wrk.method = "POST"\nwrk.body = io.open("{folder / "body"}", "rb"):read("*a")\n{headers}')
    command = ["wrk", "-t1", f"-c{load.clients}", f"-d{seconds}s", "--latency", "-s", str(script), url + load.path]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate is not None, said
    return Measured(float(rate[1]), milliseconds(said, "50%"), milliseconds(said, "99%"))


def milliseconds(said: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)\b", said)
    assert found is not None, said
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]


def trained(folder: Path) -> Server:
    """Ours with the model `digits`, and the model's arrays in files for the floor."""
    server = Server(folder, FITD_WORKERS="1")
    server.start()
    answer = httpx.post(f"{server.url}/v1/training-jobs", json=canonical(), headers={"Prefer": "wait=60"}, timeout=90)
    assert answer.json()["status"] == "succeeded"
    server.stop()
    database = Database(f"sqlite:///{folder / 'data' / 'fitd.db'}")
    with database.reading() as tx:
        arrays, _ = unpack(tx.models.weights(tx.models.version("digits").id))
    database.close()
    for index, array in enumerate(arrays.values()):
        np.save(folder / f"{index}.npy", array)
    server._environment["FITD_WORKERS"] = "0"
    server.start()
    return server


def floor(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    environment = os.environ | {"FLOOR_FOLDER": str(folder), "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "uvicorn", "benchmarks.serving_floor:app", f"--port={port}"]
    process = subprocess.Popen([*command, "--no-access-log", "--log-level=warning", "--lifespan=off"], env=environment)
    with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client:
        client.post(f"http://127.0.0.1:{port}/", json={"instances": [[0] * 100]}).raise_for_status()
    return process, f"http://127.0.0.1:{port}"


def idle_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def api_of(server: Server) -> int:
    assert server._process is not None
    pid = server._process.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def middle(runs: list[Measured]) -> Measured:
    return Measured(*(statistics.median(values) for values in zip(*runs, strict=True)))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = trained(folder)
        process, bare = floor(folder)
        memory: dict[str, Any] = {"ours": idle_megabytes(api_of(server)), "floor": idle_megabytes(process.pid)}
        urls = {"floor": bare, "ours": server.url}
        try:
            print("| load | floor, requests/s (p50 / p99 ms) | ours | ours / floor |\n|---|---|---|---|")
            for load in loads():
                runs: dict[str, list[Measured]] = {who: [] for who in urls}
                for _ in range(ROUNDS):
                    for who, url in urls.items():
                        runs[who].append(wrk(folder, url, load))
                found = {who: middle(several) for who, several in runs.items()}
                cells = [f"{one.rate:,.0f} ({one.p50_ms:.2f} / {one.p99_ms:.2f})" for one in found.values()]
                ratio = found["ours"].rate / found["floor"].rate
                print(f"| {load.title} | {' | '.join(cells)} | {ratio:.2f} |", flush=True)
        finally:
            server.stop()
            process.terminate()
            process.wait()
        print(
            f"\nIdle memory of the process that answers: ours {memory['ours']:.0f} MB, floor {memory['floor']:.0f} MB"
        )


if __name__ == "__main__":
    main()

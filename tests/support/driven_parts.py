"""The parts of `own_parts`, driven over HTTP: prints, as JSON, what the service says of a training with each of them.

It is a program of its own because registries are shared, and the requests that they allow are decided when the first
one is read. Processes that answer for the service register the parts when they start, as if they stood in `nn`.
"""

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from tests.support import own_parts  # noqa: F401 - registers them
from tests.support.serving import Service

NAMES = ["cat", "dog", "owl"]
FORMATS = ("keras", "safetensors", "json", "onnx", "python")

OWN: dict[str, dict[str, Any]] = {
    "loss": {"compile": {"loss": "poly_loss"}},
    "activation": {"activation": "taylor_softmax"},
    "layer": {"first": "Scale"},
    "optimizer": {"compile": {"optimizer": {"class_name": "SignDescent", "learning_rate": 0.02}}},
    "metric": {"compile": {"metrics": ["confidence"]}},
    "initializer": {"dense": {"kernel_initializer": "alternating"}},
    "callback": {"fit": {"callbacks": [{"class_name": "StopAfter", "epochs": 40}]}},
}
"""What a request that works without them says of each."""


def request(kind: str) -> dict[str, Any]:
    """A training on class names with the part of this kind."""
    own, rng = OWN[kind], np.random.default_rng(4)
    places = rng.integers(0, 3, 90)
    x = rng.normal(scale=0.3, size=(90, 2)) + np.array([[0, 1], [1, -1], [-1, -1]])[places]
    first = [{"class_name": own["first"], "name": "first"}] if "first" in own else []
    dense = {"class_name": "Dense", "units": 3, "activation": own.get("activation", "softmax")} | own.get("dense", {})
    return {
        "model": kind,
        "spec": {"layers": [*first, dense]},
        "compile": {
            "optimizer": {"class_name": "Adam", "learning_rate": 0.05},
            "loss": "categorical_crossentropy",
            "metrics": ["accuracy"],
        }
        | own.get("compile", {}),
        "fit": {"epochs": 60, "batch_size": 16, "seed": 7} | own.get("fit", {}),
        "data": {"x": x.tolist(), "y": [NAMES[place] for place in places]},
    }


def driven(service: Service, kind: str) -> dict[str, Any]:
    """What the service says of such a training, of its version, and of the files that it is exported to."""
    asked = request(kind)
    validated = service.client.post("/v1/training-jobs:validate", json=asked)
    answer = service.client.post("/v1/training-jobs", json=asked)
    service.work()
    model = f"/v1/models/{kind}"
    rows: dict[str, Any] = {
        "instances": [[0, 1], [1, -1], [-1, -1]],
        "outputs": ["predicted_classes", "predictions", "probabilities"],
    }
    predicted = service.client.post(f"{model}:predict", json=rows)
    evaluated = service.client.post(f"{model}:evaluate", json={"data": asked["data"]})
    files = {name: service.client.get(f"{model}/export?format={name}") for name in FORMATS}
    imported = service.client.post(
        f"/v1/models:import?model={kind}-again",
        content=files["keras"].content,
        headers={"Content-Type": "application/zip"},
    )
    again = service.client.post(f"/v1/models/{kind}-again:predict", json=rows)
    more = {"from": {"model": kind}, "fit": {"epochs": 1}, "model": f"{kind}-on", "data": asked["data"]}
    going_on = service.client.post("/v1/training-jobs", json=more)
    service.work()
    return {
        "validated": validated.json(),
        "asked": [answer.status_code, answer.json()],
        "job": service.client.get(answer.headers.get("Location", "/")).json(),
        "predicted": predicted.json(),
        "evaluated": evaluated.json(),
        "files": {
            name: [file.status_code, "" if file.status_code == 200 else file.json()] for name, file in files.items()
        },
        "scripted": scripted(files["python"], rows["instances"]),
        "continued": service.client.get(going_on.headers.get("Location", "/")).json(),
        "imported": [imported.status_code, again.json()],
    }


def scripted(exported: httpx.Response, rows: list[list[float]]) -> Any:
    """What the exported script predicts, in a Python that has never heard of the service; None if there is none."""
    if exported.status_code != 200:
        return None
    content = exported.content
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
        command = [sys.executable, "-I", f"{folder}/predictor.py"]
        made = subprocess.run(command, input=json.dumps(rows).encode(), capture_output=True, timeout=60, check=True)
    return json.loads(made.stdout)


if __name__ == "__main__":
    with Service(Path(sys.argv[1])) as made:
        print(json.dumps({kind: driven(made, kind) for kind in OWN}))

"""Clients that generators make of the OpenAPI document train and predict, with lists, objects and CSV."""

import csv
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from service.api.examples import FRUIT, SMALL, TABLE
from tests.e2e.server import Server

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
TOOLS = ROOT / ".node/node_modules"
BIN = Path(sys.executable).parent
LISTS = {"instances": [[0, 1], [1, 1]]}
OBJECTS = {"instances": [{"weight": 155, "skin": "rough"}, {"weight": 119, "skin": None}]}
CSV = "weight,skin\n155,rough\n119,\n"
FRUITS = [["predicted_fruit"], ["orange"], ["apple"]]

with_node = pytest.mark.skipif(not (TOOLS / ".bin/tsc").exists(), reason="there is no Node, so `make test` left it out")
with_java = pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java for openapi-generator")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server for all the clients."""
    made = Server(tmp_path_factory.mktemp("clients"))
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def document(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document, as a file."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(httpx.get(f"{server.url}/openapi.json").content)
    return path


@pytest.fixture
def importing(tmp_path: Path) -> Iterator[Path]:
    """A folder whose packages can be imported during the test."""
    sys.path.insert(0, str(tmp_path))
    try:
        yield tmp_path
    finally:
        sys.path.remove(str(tmp_path))
        for name in [name for name in sys.modules if name.partition(".")[0] in ("plain_client", "java_client")]:
            del sys.modules[name]


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What a program says; its errors fail the test."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NODE_NO_WARNINGS": "1"}
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, **quiet},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def table_for(dataset: str, model: str) -> dict[str, Any]:
    """The request that trains on the uploaded table."""
    return {**TABLE, "model": model, "data": {"dataset": dataset, "target": "fruit"}}


def test_the_document_is_one_of_openapi(document: Path) -> None:
    validate(json.loads(document.read_bytes()))


@with_node
def test_redocly_and_spectral_find_no_error_in_the_document(document: Path, tmp_path: Path) -> None:
    run(TOOLS / ".bin/redocly", "lint", document, cwd=tmp_path)
    rules = tmp_path / "rules.yaml"
    rules.write_text('extends: ["spectral:oas"]\n', encoding="utf-8")
    run(TOOLS / ".bin/spectral", "lint", document, "--ruleset", rules, "--fail-severity", "error", cwd=tmp_path)


@with_node
def test_a_client_of_openapi_typescript_trains_and_predicts(server: Server, document: Path, tmp_path: Path) -> None:
    for name in ("client.ts", "tsconfig.json", "package.json"):
        shutil.copy(FOLDER / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(TOOLS)
    run(TOOLS / ".bin/openapi-typescript", document, "-o", tmp_path / "api.d.ts")
    run(TOOLS / ".bin/tsc", "-p", tmp_path)
    said = json.loads(run("node", tmp_path / "made/client.js", server.url, FRUIT))
    assert said["statuses"] == ["succeeded", "succeeded"]
    assert said["lists"]["predicted_classes"] == ["different", "equal"]
    assert said["objects"]["predicted_classes"] == ["orange", "apple"]
    assert list(csv.reader(said["csv"].splitlines())) == FRUITS
    assert said["code"] == "not_found"


def test_a_client_of_openapi_python_client_trains_and_predicts(server: Server, document: Path, importing: Path) -> None:
    octets = dict.fromkeys(("text/csv", "application/zip", "application/x-hdf5"), "application/octet-stream")
    (importing / "config.json").write_text(json.dumps({"content_type_overrides": octets, "post_hooks": []}))
    target = importing / "plain_client"
    given = ("--path", document, "--config", importing / "config.json", "--meta", "none", "--output-path", target)
    run(BIN / "openapi-python-client", "generate", *given)

    def part(path: str) -> Any:
        return importlib.import_module(f"plain_client.{path}")

    models, client = part("models"), part("client").Client(server.url)

    def trained(asked: dict[str, Any]) -> Any:
        body = models.TrainingRequest.from_dict(asked)
        return part("api.training_jobs.create_training_job").sync(client=client, body=body, prefer="wait=60").status

    def predicted(name: str, body: Any) -> Any:
        return part("api.predictions.predict").sync(name, client=client, body=body)

    def file(text: str) -> Any:
        return part("types").File(payload=text.encode())

    assert trained({**SMALL, "model": "plain-lists"}) == "succeeded"
    dataset = part("api.datasets.create_dataset").sync(client=client, body=file(FRUIT))
    assert trained(table_for(dataset.id, "plain-objects")) == "succeeded"
    lists = predicted("plain-lists", models.PredictionRequest.from_dict(LISTS))
    objects = predicted("plain-objects", models.PredictionRequest.from_dict(OBJECTS))
    missing = predicted("nobody", models.PredictionRequest.from_dict(LISTS))
    # Whatever an answer's media type is, this generator's own parser reads the first that is documented, JSON.
    asked = part("api.predictions.predict")._get_kwargs("plain-objects", body=file(CSV), outputs="predicted_classes")
    table = client.get_httpx_client().request(**asked).text
    client.get_httpx_client().close()
    assert lists.predicted_classes == ["different", "equal"]
    assert objects.predicted_classes == ["orange", "apple"]
    assert list(csv.reader(table.splitlines())) == FRUITS
    assert missing.code == "not_found"


@with_java
def test_a_client_of_openapi_generator_trains_and_predicts(server: Server, document: Path, importing: Path) -> None:
    named = "packageName=java_client"
    given = ("-i", document, "-g", "python", "-o", importing, "--additional-properties", named)
    run(BIN / "openapi-generator-cli", "generate", *given, "--global-property", "apiTests=false,modelTests=false")
    client: Any = importlib.import_module("java_client")
    with client.ApiClient(client.Configuration(host=server.url)) as connection:
        check_with(client, connection, server.url)
        connection.rest_client.pool_manager.clear()


def check_with(client: Any, connection: Any, url: str) -> None:
    """Trains and predicts with the client of openapi-generator."""
    predictions = client.PredictionsApi(connection)

    def trained(asked: dict[str, Any]) -> Any:
        body = client.TrainingRequest.from_dict(asked)
        return client.TrainingJobsApi(connection).create_training_job(body, prefer="wait=60").status

    def predicted(name: str, body: Any) -> Any:
        return predictions.predict(name, prediction_request=client.PredictionRequest.from_dict(body)).actual_instance

    assert trained({**SMALL, "model": "java-lists"}) == "succeeded"
    dataset = httpx.post(f"{url}/v1/datasets", content=FRUIT, headers={"Content-Type": "text/csv"}).json()
    assert trained(table_for(dataset["id"], "java-objects")) == "succeeded"
    assert predicted("java-lists", LISTS).predicted_classes == ["different", "equal"]
    assert predicted("java-objects", OBJECTS).predicted_classes == ["orange", "apple"]
    with pytest.raises(client.exceptions.NotFoundException):
        predicted("nobody", LISTS)

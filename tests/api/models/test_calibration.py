"""A calibrated version over HTTP: the same probabilities in every protocol and every file, and designed refusals."""

import io
from typing import Any

import numpy as np
import onnxruntime
import pytest
from pyarrow import csv

from tests.support.penguins import csv_of, upload
from tests.support.serving import Service, assert_problem

RNG = np.random.default_rng(2)
X = RNG.normal(size=(300, 6)).round(3)
KINDS = np.where(RNG.random(300) < 0.3, RNG.integers(0, 2, 300), X[:, 0] > 0)
COLUMNS = {f"c{place}": X[:, place].tolist() for place in range(6)}
MEMBERS = [
    {"class_name": "EnsembleScale", "members": 3},
    {"class_name": "Dense", "units": 32, "activation": "relu"},
    {"class_name": "EnsembleDense", "units": 2, "activation": "softmax"},
]
PLAIN = [
    {"class_name": "Dense", "units": 32, "activation": "relu"},
    {"class_name": "Dense", "units": 2, "activation": "softmax"},
]


def request(dataset: str, layers: Any = PLAIN, **changes: Any) -> dict[str, Any]:
    return {
        "model": "kinds",
        "spec": {"layers": layers},
        "compile": {
            "optimizer": {"class_name": "Adam", "learning_rate": 0.02},
            "loss": "sparse_categorical_crossentropy",
        },
        "fit": {"epochs": 60, "seed": 3},
        "data": {"dataset": dataset, "target": "kind", "split": {"validation": 0.4, "seed": 1}},
        "calibrate": True,
        **changes,
    }


@pytest.fixture(scope="module", params=["plain", "members"])
def trained(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Service(tmp_path_factory.mktemp("calibrated")) as service:
        table = {**COLUMNS, "kind": np.where(KINDS, "yes", "no").tolist()}
        dataset = upload(service, csv_of(table))["id"]
        layers = PLAIN if request.param == "plain" else MEMBERS
        for calibrate in (False, True):
            asked = globals()["request"](dataset, layers, calibrate=calibrate)
            assert service.client.post("/v1/training-jobs", json=asked).status_code == 202
            service.work()
        yield service, request.param


def probabilities(service: Service, version: int) -> Any:
    instances = [dict(zip(COLUMNS, row, strict=True)) for row in X[:20].tolist()]
    answer = service.client.post(f"/v1/models/kinds/versions/{version}:predict", json={"instances": instances})
    return np.array(answer.json()["predictions"])


def test_probabilities_are_those_of_the_temperature_everywhere(trained: Any) -> None:
    service, kind = trained
    view = service.client.get("/v1/models/kinds/versions/2").json()
    calibration = view["output"]["calibration"]
    assert calibration["temperature"] > 1.3
    assert calibration["log_loss"]["after"] < calibration["log_loss"]["before"]
    before, after = probabilities(service, 1), probabilities(service, 2)
    raised = before ** (1 / calibration["temperature"])
    np.testing.assert_allclose(after, raised / raised.sum(1, keepdims=True), rtol=1e-4)
    examples = [dict(zip(COLUMNS, row, strict=True)) for row in X[:20].tolist()]
    classified = service.client.post("/v1/models/kinds:classify", json={"examples": examples}).json()["results"]
    np.testing.assert_allclose([dict(row)["yes"] for row in classified], after[:, 1], rtol=1e-5)
    answer = service.client.post(
        "/v1/models/kinds:predict?outputs=probabilities",
        content=csv_of({name: values[:20] for name, values in COLUMNS.items()}),
        headers={"Content-Type": "text/csv"},
    )
    table = csv.read_csv(io.BytesIO(answer.content))
    np.testing.assert_allclose(table["probability_yes"].to_numpy(), after[:, 1], rtol=1e-5)
    content = service.client.get("/v1/models/kinds/versions/2/export?format=onnx").content
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = {name: np.array(values[:20])[:, None] for name, values in COLUMNS.items()}
    np.testing.assert_allclose(session.run(["output"], inputs)[0], after, rtol=1e-4, atol=1e-6)
    if kind == "plain":
        content = service.client.get("/v1/models/kinds/versions/2/export?format=keras").content
        put = service.client.post(
            "/v1/models:import?model=again", content=content, headers={"Content-Type": "application/zip"}
        )
        assert put.status_code == 201, put.text
        assert "calibration" not in put.json()["output"]
        again = service.client.post("/v1/models/again:predict", json={"instances": examples}).json()["predictions"]
        np.testing.assert_allclose(again, after, rtol=1e-5)


def test_an_evaluation_measures_what_is_predicted(trained: Any) -> None:
    service, _ = trained
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in X[:20].tolist()]
    data = {"x": rows, "y": np.where(KINDS[:20], "yes", "no").tolist()}
    view = service.client.post("/v1/models/kinds:evaluate", json={"data": data}).json()
    p = probabilities(service, 2)
    expected = -np.log(np.where(KINDS[:20], p[:, 1], p[:, 0])).mean()
    assert view["metrics"]["loss"] == pytest.approx(expected, rel=1e-4)
    assert view["report"]["log_loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"dataset": None, "target": "kind"}},
        {
            "spec": {"layers": [{"class_name": "Dense", "units": 1}]},
            "compile": {"loss": "mse"},
            "data": {"dataset": None, "target": "c1", "split": {"validation": 0.4}},
        },
    ],
)
def test_what_cannot_be_calibrated_is_refused(trained: Any, changes: Any) -> None:
    service, _ = trained
    dataset = service.client.get("/v1/datasets").json()["items"][0]["id"]
    changes = {**changes, "data": {**changes["data"], "dataset": dataset}}
    answer = service.client.post("/v1/training-jobs:validate", json=request(dataset, **changes))
    problem = assert_problem(answer, 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/calibrate", "conflict")]

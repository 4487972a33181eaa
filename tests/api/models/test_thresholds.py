"""Thresholds over HTTP: they decide the predicted classes everywhere, and designed refusals."""

import io
from typing import Any

import numpy as np
import onnxruntime
import pytest
from pyarrow import csv

from tests.support.penguins import csv_of, upload
from tests.support.serving import Service, assert_problem

RNG = np.random.default_rng(8)
X = RNG.normal(size=(500, 3)).round(3)
RARE = RNG.random(500) < 1 / (1 + np.exp(2.2 - 1.5 * X[:, 0]))
COLUMNS = {f"c{place}": X[:, place].tolist() for place in range(3)}
FORMS: dict[str, Any] = {
    "softmax": ({"class_name": "Dense", "units": 2, "activation": "softmax"}, "sparse_categorical_crossentropy"),
    "sigmoid": ({"class_name": "Dense", "units": 1, "activation": "sigmoid"}, "binary_crossentropy"),
    "logit": (
        {"class_name": "Dense", "units": 1},
        {"class_name": "BinaryCrossentropy", "config": {"from_logits": True}},
    ),
    "logits": (
        {"class_name": "Dense", "units": 2},
        {"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": True}},
    ),
}


def asked(dataset: str, form: str = "sigmoid", **changes: Any) -> dict[str, Any]:
    last, loss = FORMS[form]
    return {
        "model": "rare",
        "spec": {"layers": [last]},
        "compile": {"optimizer": {"class_name": "Adam", "learning_rate": 0.05}, "loss": loss},
        "fit": {"epochs": 30, "seed": 3},
        "data": {"dataset": dataset, "target": "rare", "split": {"validation": 0.4, "test": 0.2, "seed": 1}},
        "threshold": {"cost": {"false_negative": 6}},
        **changes,
    }


def uploaded(service: Service) -> str:
    dataset: str = upload(service, csv_of({**COLUMNS, "rare": np.where(RARE, "yes", "no").tolist()}))["id"]
    return dataset


@pytest.mark.parametrize("form", FORMS)
def test_classes_are_those_of_the_threshold_everywhere(service: Service, form: str) -> None:
    assert service.client.post("/v1/training-jobs", json=asked(uploaded(service), form)).status_code == 202
    service.work()
    version = service.client.get("/v1/models/rare/versions/1").json()
    threshold = version["output"]["threshold"]
    assert threshold["value"] < 0.35
    assert (threshold["cost"], threshold["rows"]) == ({"false_positive": 1.0, "false_negative": 6.0}, 200)
    assert threshold["after"] < threshold["before"]
    instances = [dict(zip(COLUMNS, row, strict=True)) for row in X.tolist()]
    outputs = ["predicted_classes", "probabilities"]
    view = service.client.post("/v1/models/rare:predict", json={"instances": instances, "outputs": outputs}).json()
    expected = ["yes" if one["yes"] > threshold["value"] else "no" for one in view["probabilities"]]
    assert view["predicted_classes"] == expected
    assert expected.count("yes") > 1.2 * sum(one["yes"] > 0.5 for one in view["probabilities"])
    answer = service.client.post(
        "/v1/models/rare:predict", content=csv_of(COLUMNS), headers={"Content-Type": "text/csv"}
    )
    assert csv.read_csv(io.BytesIO(answer.content))["predicted_rare"].to_pylist() == expected
    content = service.client.get("/v1/models/rare/versions/1/export?format=onnx").content
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = {name: np.array(values)[:, None] for name, values in COLUMNS.items()}
    assert session.run(["label"], inputs)[0].tolist() == expected
    data = {"x": instances, "y": np.where(RARE, "yes", "no").tolist()}
    report = service.client.post("/v1/models/rare:evaluate", json={"data": data}).json()["report"]
    assert report["accuracy"] == pytest.approx(np.mean(np.array(expected) == data["y"]))
    explained = service.client.post("/v1/models/rare:predict", json={"instances": instances[:9], "explain": True})
    assert [one["output"] for one in explained.json()["explanations"]] == expected[:9]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"threshold": {}}, "#/threshold/metric"),
        ({"threshold": {"metric": "f1", "cost": {}}}, "#/threshold/metric"),
        ({"threshold": {"metric": "speed"}}, "#/threshold/metric"),
        ({"threshold": {"cost": {"false_negative": -1}}}, "#/threshold/cost/false_negative"),
        ({"data": {"target": "rare"}}, "#/threshold"),
        ({"data": {"target": "c0", "split": {"validation": 0.2}}, "compile": {"loss": "mse"}}, "#/threshold"),
    ],
)
def test_what_no_threshold_can_be_tuned_for_is_refused(service: Service, changes: Any, pointer: str) -> None:
    dataset = uploaded(service)
    request = asked(dataset, **changes)
    request["data"]["dataset"] = dataset
    if "compile" in changes:
        request["spec"] = {"layers": [{"class_name": "Dense", "units": 1}]}
    answer = service.client.post("/v1/training-jobs:validate", json=request)
    problem = assert_problem(answer, 422, "invalid_request")
    assert pointer in [one["pointer"] for one in problem["errors"]], problem

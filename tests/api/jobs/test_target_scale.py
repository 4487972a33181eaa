"""A table whose target is in thousands is learnt without a word about scaling, and every way out has its units."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from tests.support.serving import Service, assert_problem

RNG = np.random.default_rng(6)
SIZES = RNG.uniform(40, 200, 120)
ZONES = RNG.choice(["centre", "hill", "river"], 120)
PRICES = 40_000 + 2_000 * SIZES + 30_000 * (ZONES == "centre") + RNG.normal(scale=4_000, size=120)
CSV = "\n".join(["size,zone,price", *(f"{s:.2f},{z},{p:.0f}" for s, z, p in zip(SIZES, ZONES, PRICES, strict=True))])
ADAM = {"class_name": "Adam", "learning_rate": 0.02}
ROWS = [{"size": 100.0, "zone": "hill"}, {"size": 60.0, "zone": "centre"}]


def request(dataset: str, target: Any, **compiled: Any) -> dict[str, Any]:
    return {
        "model": "prices",
        "spec": {
            "layers": [{"class_name": "Dense", "units": 16, "activation": "relu"}, {"class_name": "Dense", "units": 1}]
        },
        "compile": {
            "optimizer": {"class_name": "Adam", "learning_rate": 0.02},
            "loss": "mse",
            "metrics": ["mae"],
            **compiled,
        },
        "fit": {"epochs": 60, "seed": 5},
        "data": {"dataset": dataset, "target": target, "split": {"test": 0.25}},
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Service(tmp_path_factory.mktemp("prices")) as service:
        upload = service.client.post("/v1/datasets", content=CSV.encode(), headers={"Content-Type": "text/csv"})
        dataset = upload.json()["id"]
        answer = service.client.post("/v1/training-jobs", json=request(dataset, "price"))
        assert answer.status_code == 202, answer.text
        assert [one["code"] for one in answer.json()["warnings"]] == []
        service.work()
        yield service, dataset, service.client.get(answer.headers["Location"]).json()


def predicted(service: Service, name: str = "prices") -> list[float]:
    answer = service.client.post(f"/v1/models/{name}:predict", json={"instances": ROWS})
    assert answer.status_code == 200, answer.text
    return [row[0] for row in answer.json()["predictions"]]


def test_prices_are_learnt_without_scaling_them(trained: Any) -> None:
    service, _, job = trained
    assert job["status"] == "succeeded"
    # Knowing nothing is off by some 70,000.
    assert job["metrics"]["mae"] < 12_000
    assert predicted(service)[0] == pytest.approx(240_000, rel=0.1)


def test_a_version_tells_the_transform_and_its_request_sent_again_gives_the_same_bits(trained: Any) -> None:
    service, _, _ = trained
    version = service.client.get("/v1/models/prices/versions/1").json()
    assert version["data"]["target"] == [{"name": "price", "transform": "standardize"}]
    (scale,) = version["output"]["transform"]
    assert scale["transform"] == "standardize"
    again = {key: version[key] for key in ("spec", "compile", "fit")} | {
        "model": "again",
        "data": {key: version["data"][key] for key in ("dataset", "target", "split")},
    }
    answer = service.client.post("/v1/training-jobs", json=again)
    assert answer.status_code == 202, answer.text
    service.work()
    assert service.client.get("/v1/models/again/versions/1").json()["sha256"] == version["sha256"]


def test_every_file_predicts_in_the_units_of_the_data(trained: Any, tmp_path: Path) -> None:
    service, _, _ = trained
    expected = predicted(service)
    onnx = onnxruntime.InferenceSession(service.client.get("/v1/models/prices/export?format=onnx").content)
    inputs = {"size": np.array([[row["size"]] for row in ROWS]), "zone": np.array([[row["zone"]] for row in ROWS])}
    kinds = {
        one.name: np.float64 if "double" in one.type else np.float32 if "float" in one.type else object
        for one in onnx.get_inputs()
    }
    outputs = onnx.run(None, {name: values.astype(kinds[name]) for name, values in inputs.items()})[0]
    np.testing.assert_allclose(outputs[:, 0], expected, rtol=1e-5)
    script = service.client.get("/v1/models/prices/export?format=python").content
    zipfile.ZipFile(io.BytesIO(script)).extractall(tmp_path)
    (predictor,) = tmp_path.rglob("predictor.py")
    run = subprocess.run(
        [sys.executable, str(predictor)], input=json.dumps(ROWS), capture_output=True, text=True, check=True
    )
    np.testing.assert_allclose(np.ravel(json.loads(run.stdout)), expected, rtol=1e-5)
    file = service.client.get("/v1/models/prices/export?format=keras").content
    answer = service.client.post(
        "/v1/models:import?model=back", content=file, headers={"Content-Type": "application/zip"}
    )
    assert answer.status_code == 201, answer.text
    np.testing.assert_allclose(predicted(service, "back"), expected, rtol=1e-5)


def test_a_training_that_goes_on_keeps_the_scale(trained: Any) -> None:
    service, dataset, _ = trained
    asked = {"model": "on", "from": {"model": "prices"}, "fit": {"epochs": 2}, "data": {"dataset": dataset}}
    answer = service.client.post("/v1/training-jobs", json=asked)
    assert answer.status_code == 202, answer.text
    service.work()
    first, second = (service.client.get(f"/v1/models/{name}/versions/1").json() for name in ("prices", "on"))
    assert second["output"]["transform"] == first["output"]["transform"]
    asked["data"] = {"dataset": dataset, "target": {"name": "price", "transform": "log"}}
    assert_problem(service.client.post("/v1/training-jobs", json=asked), 422, "invalid_request")


@pytest.mark.parametrize(
    ("target", "compiled", "code"),
    [
        ({"name": "zone", "transform": "log"}, {"loss": "sparse_categorical_crossentropy"}, "conflict"),
        ({"name": "price", "transform": "sqrt"}, {}, "unknown_name"),
    ],
)
def test_a_transform_that_does_not_fit_is_refused(trained: Any, target: Any, compiled: Any, code: str) -> None:
    service, dataset, _ = trained
    asked = request(dataset, target, metrics=[], **compiled)
    asked["spec"]["layers"][-1]["units"] = "auto"
    problem = assert_problem(service.client.post("/v1/training-jobs", json=asked), 422, "invalid_request")
    assert code in {error["code"] for error in problem["errors"]}


def test_a_logarithm_of_what_is_not_positive_is_refused_with_the_least_target(trained: Any) -> None:
    service, _, _ = trained
    data = {"x": [[1.0], [2.0], [3.0]], "y": [5.0, 0.0, 2.0], "target": {"transform": "log"}}
    asked = request("", "price") | {"data": data}
    problem = assert_problem(service.client.post("/v1/training-jobs", json=asked), 422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("#/data/target", "out_of_range")]


@pytest.mark.parametrize(
    ("last", "loss"), [({"activation": "softplus"}, "mse"), ({}, "mean_absolute_percentage_error")]
)
def test_what_has_a_limit_or_a_scale_of_its_own_is_learnt_as_it_is(trained: Any, last: Any, loss: str) -> None:
    service, dataset, _ = trained
    asked = request(dataset, "price", loss=loss)
    asked["spec"]["layers"][-1] |= last
    checked = service.client.post("/v1/training-jobs:validate", json=asked)
    assert checked.status_code == 200, checked.text
    service.client.post("/v1/training-jobs", json=asked | {"model": "own"})
    service.work()
    version = service.client.get("/v1/models/own/versions/1").json()
    assert "transform" not in version["output"]

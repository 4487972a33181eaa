"""Folds make a bag: several networks that are one version, whose score is that of rows they were not trained on."""

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from sklearn.metrics import root_mean_squared_error

from service.data.datasets import Dataset
from service.data.features import prepare
from service.errors import Findings
from service.formats.weights import pack, unpack
from service.prediction.versions import LoadedVersion
from service.spec import TrainingRequest
from service.spec.data import DataSpec
from service.training import train as train_here
from tests.support.serving import Service, assert_problem

RNG = np.random.default_rng(5)
ROWS = 150
X = RNG.normal(size=(ROWS, 3)).round(3)
PRICES = (1_000 * X[:, 0] + 300 * X[:, 1] ** 2 + RNG.normal(scale=90, size=ROWS) + 5_000).round()
KINDS = np.where(X[:, 0] + X[:, 1] > 0.5, "up", np.where(X[:, 2] > 0, "side", "down"))
TOWNS = [f"t{row % 11}" for row in range(ROWS)]
CSV = "\n".join(
    ["a,b,c,town,price,kind"]
    + [f"{a},{b},{c},{TOWNS[row]},{PRICES[row]:.0f},{KINDS[row]}" for row, (a, b, c) in enumerate(X)]
)
LAYERS = [{"class_name": "Dense", "units": 8, "activation": "relu"}]
STOPS = {"class_name": "EarlyStopping", "patience": 3, "restore_best_weights": True}
FIT = {"epochs": 12, "seed": 3, "callbacks": [STOPS]}
COMPILED = {"optimizer": {"class_name": "Adam", "learning_rate": 0.02}}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Service(tmp_path_factory.mktemp("bags")) as service:
        upload = service.client.post("/v1/datasets", content=CSV.encode(), headers={"Content-Type": "text/csv"})
        yield service, upload.json()["id"]


def asked_for(dataset: str, target: str, split: dict[str, Any], **fit: Any) -> dict[str, Any]:
    head = {"class_name": "Dense", "units": "auto", "activation": "softmax" if target == "kind" else "linear"}
    loss = "sparse_categorical_crossentropy" if target == "kind" else "mse"
    data = {"dataset": dataset, "target": target, "features": ["a", "b", "c"], "split": split}
    compiled = COMPILED | {"loss": loss, "metrics": ["accuracy" if target == "kind" else "mae"]}
    return {"spec": {"layers": [*LAYERS, head]}, "compile": compiled, "fit": FIT | fit, "data": data}


def train(service: Service, asked: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    answer = service.client.post("/v1/training-jobs", json=asked)
    assert answer.status_code == 202, answer.text
    service.work()
    job: dict[str, Any] = service.client.get(answer.headers["Location"]).json()
    assert job["status"] == "succeeded", job["error"]
    return job, service.client.get(job["links"]["version"]).json()


def predict(service: Service, version: dict[str, Any], rows: Any = X, **more: Any) -> Any:
    instances = [dict(zip("abc", map(float, row), strict=True)) for row in rows]
    answer = service.client.post(version["links"]["predict"], json={"instances": instances} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("target", ["price", "kind"])
def test_the_members_of_a_bag_are_one_version_with_a_score_out_of_their_folds(stored: Any, target: str) -> None:
    service, dataset = stored
    job, version = train(service, asked_for(dataset, target, {"folds": 5, "seed": 2}))
    assert version["members"] == 5
    assert [one["params"] for one in version["summary"]] == [32, {"price": 9, "kind": 27}[target]]
    assert version["data"]["parts"]["training"]["folds"] == [30] * 5
    score = version["score"]
    assert (score["part"], score["rows"]) == ("out_of_fold", ROWS)
    assert job["score"] == score
    assert score["skill"] > 0.1
    assert job["metrics"].keys() == {
        "loss",
        "val_loss",
        *(f"{v}{m}" for v in ("", "val_") for m in ("mae", "accuracy") if m in job["metrics"]),
    }
    assert len(predict(service, version)["predictions"]) == ROWS
    report = service.client.post(version["links"]["evaluate"], json={"data": {"dataset": dataset}})
    assert report.status_code == 200, report.text


def test_the_score_is_that_of_each_row_by_the_member_that_has_not_seen_it(stored: Any) -> None:
    """Members are trained again by hand, each on the rows of the other folds."""

    y = PRICES.astype(np.float32)
    asked = asked_for("", "price", {"folds": 3, "seed": 1})
    asked["data"] = {"split": {"folds": 3, "seed": 1}}
    asked["spec"]["layers"][-1]["units"] = 1
    request = TrainingRequest.from_json_dict(asked)
    data = Dataset(X.astype(np.float32), y)
    version = train_here(request, data)
    prepared = prepare(data, DataSpec.model_validate(asked["data"]), Findings(), classifies=False)
    assert prepared is not None
    assert prepared.folds is not None

    arrays, _ = unpack(version.weights)
    predictions, all_of_them = np.empty(ROWS), []
    for member in range(3):
        own = {key.partition("/")[2]: array for key, array in arrays.items() if key.startswith(f"member_{member + 1}/")}
        environment = {key: value for key, value in version.environment.items() if key != "members"}
        single = LoadedVersion(replace(version, environment=environment), pack(own))
        answered = single.predict(X.astype(np.float32))[:, 0]
        all_of_them.append(answered)
        held = prepared.folds == member
        predictions[held] = answered[held]
    assert version.score is not None
    assert version.score["value"] == pytest.approx(root_mean_squared_error(y, predictions), rel=1e-5)
    bag = LoadedVersion(version, version.weights)
    np.testing.assert_allclose(bag.predict(X.astype(np.float32))[:, 0], np.mean(all_of_them, axis=0), rtol=1e-5)


def test_a_test_part_is_what_the_score_of_a_bag_is_measured_on(stored: Any) -> None:
    service, dataset = stored
    job, version = train(service, asked_for(dataset, "kind", {"folds": 3, "test": 0.2, "method": "stratified"}))
    assert version["score"]["part"] == "test"
    assert version["score"]["rows"] == version["data"]["parts"]["test"]["rows"]
    assert "test_accuracy" in job["metrics"]
    assert sum(version["data"]["parts"]["training"]["folds"]) == version["data"]["parts"]["training"]["rows"]


def test_history_is_the_mean_over_the_members_or_that_of_one(stored: Any) -> None:
    service, dataset = stored
    job, _ = train(service, asked_for(dataset, "price", {"folds": 4}, callbacks=[]))
    path = job["links"]["history"]
    means = service.client.get(path).json()["items"]
    members = [service.client.get(path, params={"member": one}).json()["items"] for one in (1, 2, 3, 4)]
    assert [one["epoch"] for one in means] == list(range(1, 13))
    assert all([one["epoch"] for one in own] == list(range(1, 13)) for own in members)
    assert {one["member"] for one in members[2]} == {3}
    for epoch in (0, 11):
        for name in ("loss", "val_loss", "mae"):
            expected = np.mean([own[epoch]["metrics"][name] for own in members])
            assert means[epoch]["metrics"][name] == pytest.approx(expected)
            if epoch == 11:
                assert job["metrics"][name] == pytest.approx(expected)
    assert job["progress"] == {"epoch": 12, "epochs": 12, "fraction": 1, "eta_seconds": None, "member": 4, "members": 4}
    assert_problem(service.client.get(path, params={"member": 5}), 404, "not_found")


def test_the_same_seed_makes_the_same_bag_and_members_differ(stored: Any) -> None:
    service, dataset = stored
    versions = [train(service, asked_for(dataset, "price", {"folds": 3}, seed=seed))[1] for seed in (3, 3, 4)]
    assert versions[0]["sha256"] == versions[1]["sha256"] != versions[2]["sha256"]


def test_rows_of_a_group_are_in_one_fold(stored: Any) -> None:
    service, dataset = stored
    split = {"folds": 3, "method": "group", "column": "town"}
    _, version = train(service, asked_for(dataset, "price", split))
    counts = sorted(version["data"]["parts"]["training"]["folds"])
    assert sum(counts) == ROWS
    assert counts[-1] - counts[0] <= 14


@pytest.mark.parametrize(
    ("split", "pointer", "code"),
    [
        ({"folds": 5, "validation": 0.2}, "#/data/split/validation", "conflict"),
        ({"folds": 5, "method": "last"}, "#/data/split/method", "conflict"),
        ({"folds": 1}, "#/data/split/folds", "out_of_range"),
        ({"folds": 21}, "#/data/split/folds", "out_of_range"),
        ({"folds": 12, "method": "group", "column": "town"}, "#/data/split/folds", "empty_split"),
        ({"folds": 20, "test": 0.9}, "#/data/split/folds", "empty_split"),
    ],
)
def test_folds_that_cannot_be_dealt_are_refused(stored: Any, split: dict[str, Any], pointer: str, code: str) -> None:
    service, dataset = stored
    answer = service.client.post("/v1/training-jobs", json=asked_for(dataset, "price", split))
    problem = assert_problem(answer, 422, "invalid_request")
    assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == (pointer, code)


def test_one_kind_of_held_out_rows_is_enough(stored: Any) -> None:
    service, dataset = stored
    answer = service.client.post(
        "/v1/training-jobs", json=asked_for(dataset, "price", {"folds": 3}, validation_split=0.1)
    )
    assert assert_problem(answer, 422, "invalid_request")["errors"][0]["pointer"] == "#/fit/validation_split"


def test_a_bag_has_intervals_out_of_its_folds_and_is_not_calibrated(stored: Any) -> None:
    service, dataset = stored
    _, version = train(service, asked_for(dataset, "price", {"folds": 5}, epochs=30))
    assert version["output"]["conformity"] == {"part": "out_of_fold", "rows": ROWS}
    intervals = np.array(predict(service, version, interval=0.8)["intervals"]).reshape(ROWS, 2)
    assert ((intervals[:, 0] <= PRICES) & (intervals[:, 1] >= PRICES)).mean() > 0.75
    answer = service.client.post(
        "/v1/training-jobs", json=asked_for(dataset, "kind", {"folds": 3}) | {"calibrate": True}
    )
    assert assert_problem(answer, 422, "invalid_request")["errors"][0]["pointer"] == "#/calibrate"


def test_a_bag_is_not_gone_on_from(stored: Any) -> None:
    service, dataset = stored
    train(service, asked_for(dataset, "price", {"folds": 2}) | {"model": "bagged"})
    answer = service.client.post(
        "/v1/training-jobs", json={"from": {"model": "bagged"}, "data": {"dataset": dataset, "target": "price"}}
    )
    assert assert_problem(answer, 422, "invalid_request")["errors"][0]["code"] == "conflict"
    single = asked_for(dataset, "price", {"validation": 0.2}) | {"model": "single"}
    train(service, single)
    again = {"from": {"model": "single"}, "data": {"dataset": dataset, "split": {"folds": 3}}}
    answer = service.client.post("/v1/training-jobs", json=again)
    assert assert_problem(answer, 422, "invalid_request")["errors"][0]["pointer"] == "#/data/split/folds"


def test_validation_counts_the_steps_of_all_members(stored: Any) -> None:
    service, dataset = stored
    asked = asked_for(dataset, "price", {"folds": 5}, batch_size=30)
    shown = service.client.post("/v1/training-jobs:validate", json=asked).json()
    assert shown["rows"] == {"training": 120, "validation": 30, "test": 0}
    assert (shown["steps_per_epoch"], shown["steps"]) == (4, 4 * 12 * 5)


def onnx_inputs(version: dict[str, Any]) -> dict[str, Any]:
    columns = {"a": X[:, [0]], "b": X[:, [1]], "c": X[:, [2]], "town": np.array(TOWNS, object)[:, None]}
    return {one["name"]: columns[one["name"]] for one in version["input"]["features"]}


@pytest.mark.parametrize("preset", ["auto", "plain", "realmlp", "tabm"])
@pytest.mark.parametrize("target", ["price", "kind"])
def test_a_bag_of_any_preset_is_exported_as_one_network(stored: Any, preset: str, target: str) -> None:
    service, dataset = stored
    data = {"dataset": dataset, "target": target, "features": ["a", "b", "c", "town"], "split": {"folds": 2}}
    _, version = train(service, {"preset": preset, "data": data, "fit": {"epochs": 2, "seed": 1}})
    assert version["members"] == 2
    rows = [dict(zip("abc", map(float, X[row]), strict=True)) | {"town": TOWNS[row]} for row in range(ROWS)]
    predicted = service.client.post(version["links"]["predict"], json={"instances": rows}).json()["predictions"]
    exported = service.client.get(version["links"]["export"], params={"format": "onnx"})
    assert exported.status_code == 200, exported.text
    session = onnxruntime.InferenceSession(exported.content, providers=["CPUExecutionProvider"])
    answers = dict(
        zip([one.name for one in session.get_outputs()], session.run(None, onnx_inputs(version)), strict=True)
    )
    ours = np.array(predicted, np.float32).reshape(ROWS, -1)
    theirs = next(
        one for one in answers.values() if np.shape(one) == ours.shape and np.asarray(one).dtype == np.float32
    )
    np.testing.assert_allclose(theirs, ours, rtol=2e-4, atol=1e-4 * np.abs(ours).max())
    for file_format in ("python", "safetensors", "json"):
        assert service.client.get(version["links"]["export"], params={"format": file_format}).status_code == 200
    refused = service.client.get(version["links"]["export"], params={"format": "keras"})
    problem = assert_problem(refused, 422, "invalid_request")
    assert "EnsembleAverage" in problem["errors"][0]["detail"]


def test_the_script_of_a_bag_predicts_what_the_version_predicts(stored: Any, tmp_path: Path) -> None:
    service, dataset = stored
    asked = asked_for(dataset, "kind", {"folds": 3})
    _, version = train(service, asked)
    script = service.client.get(version["links"]["export"], params={"format": "python"})
    with zipfile.ZipFile(io.BytesIO(script.content)) as archive:
        archive.extractall(tmp_path)
    names = [one.name for one in tmp_path.rglob("*.py")]
    (tmp_path / "rows.json").write_text(json.dumps([dict(zip("abc", map(float, row), strict=True)) for row in X]))
    ask = f"import json, {names[0][:-3]} as m; print(json.dumps(m.predict(json.load(open('rows.json'))).tolist()))"
    folder = next(tmp_path.rglob("*.py")).parent
    (folder / "rows.json").write_text((tmp_path / "rows.json").read_text())
    told = subprocess.run([sys.executable, "-c", ask], cwd=folder, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    np.testing.assert_allclose(json.loads(told.stdout), predict(service, version)["predictions"], rtol=1e-4, atol=1e-6)

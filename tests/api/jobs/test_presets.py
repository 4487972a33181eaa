"""A table and its target are a whole request; what it stands for can be read and sent again."""

from typing import Any

import numpy as np
import pytest

from tests.support.serving import Service, assert_problem

RNG = np.random.default_rng(13)
ROWS = 240
AGES, ZONES = RNG.normal(40, 12, ROWS), RNG.choice(list("abcdefghijklm"), ROWS)
PRICES = 1_000 * AGES + 20_000 * (ZONES < "d") + RNG.normal(scale=3_000, size=ROWS)
KINDS = np.where(AGES > 45, "old", np.where(ZONES < "g", "near", "far"))
AGES_OR_NONE = ["" if row % 17 == 0 else f"{AGES[row]:.1f}" for row in range(ROWS)]
LINES = [
    f"{AGES_OR_NONE[row]},{ZONES[row]},same,{PRICES[row]:.0f},{KINDS[row]},{int(AGES[row] > 40)}" for row in range(ROWS)
]
CSV = "\n".join(["age,zone,always,price,kind,is_old", *LINES])
QUICK = {"epochs": 3, "seed": 4}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Service(tmp_path_factory.mktemp("presets")) as service:
        upload = service.client.post("/v1/datasets", content=CSV.encode(), headers={"Content-Type": "text/csv"})
        yield service, upload.json()["id"]


def train(service: Service, asked: dict[str, Any]) -> dict[str, Any]:
    answer = service.client.post("/v1/training-jobs", json=asked)
    assert answer.status_code == 202, answer.text
    service.work()
    job: dict[str, Any] = service.client.get(answer.headers["Location"]).json()
    assert job["status"] == "succeeded", job["error"]
    return job


def test_a_dataset_and_a_target_are_a_whole_request(stored: Any) -> None:
    service, dataset = stored
    job = train(service, {"data": {"dataset": dataset, "target": "price"}})
    assert job["score"]["skill"] > 0.5
    assert "constant_column" in {one["code"] for one in job["warnings"]}
    version = service.client.get(job["links"]["version"]).json()
    assert version["output"]["transform"][0]["transform"] == "standardize"
    assert version["data"]["left_out"] == ["always"]


@pytest.mark.parametrize("preset", ["auto", "plain", "realmlp", "tabm"])
@pytest.mark.parametrize(("target", "activation"), [("price", "linear"), ("kind", "softmax"), ("is_old", "softmax")])
def test_what_a_preset_stands_for_can_be_sent_again_for_the_same_bits(
    stored: Any, preset: str, target: str, activation: str
) -> None:
    service, dataset = stored
    features = ["age", "zone"]
    asked = {"model": f"{preset}-{target}", "preset": preset, "fit": QUICK}
    job = train(service, asked | {"data": {"dataset": dataset, "target": target, "features": features}})
    version = service.client.get(job["links"]["version"]).json()
    assert version["summary"][-1]["output_shape"][-1] == {"price": 1, "kind": 3, "is_old": 2}[target]
    heads = [one for one in version["spec"]["layers"] if "units" in one]
    assert heads[-1].get("activation", "linear") == activation
    about = {key: version["data"][key] for key in ("dataset", "target", "features", "split") if key in version["data"]}
    again = {key: version[key] for key in ("spec", "compile", "fit")} | {"model": "again", "data": about}
    assert service.client.get(train(service, again)["links"]["version"]).json()["sha256"] == version["sha256"]
    row = {"age": 30.0, "zone": "b"}
    assert service.client.post(f"/v1/models/{preset}-{target}:predict", json={"instances": [row]}).status_code == 200


def test_every_part_of_a_preset_can_be_said_otherwise(stored: Any) -> None:
    service, dataset = stored
    asked = {
        "preset": "plain",
        "model": "otherwise",
        "spec": {"layers": [{"class_name": "Dense", "units": 4}, {"class_name": "Dense", "units": 1}]},
        "compile": {"metrics": ["RootMeanSquaredError"]},
        "fit": {"epochs": 2, "batch_size": 7},
        "data": {"dataset": dataset, "target": "price", "features": ["age"], "split": {"test": 0.25}},
    }
    job = train(service, asked)
    version = service.client.get(job["links"]["version"]).json()
    assert [one["units"] for one in version["spec"]["layers"]] == [4, 1]
    assert version["compile"]["optimizer"]["class_name"] == "Adam"
    assert version["fit"]["batch_size"] == 7
    assert version["data"]["parts"]["test"]["rows"] == 60
    assert job["score"]["part"] == "test"
    assert "test_RootMeanSquaredError" in job["metrics"]


@pytest.mark.parametrize("preset", ["auto", "plain", "realmlp", "tabm"])
def test_arrays_take_presets_too(stored: Any, preset: str) -> None:
    service, _ = stored
    x = np.stack([AGES, RNG.normal(5_000, 900, ROWS)], axis=1).round(3)
    data = {"x": x.tolist(), "y": PRICES.round().tolist(), "target": {"transform": "standardize"}}
    data |= {"split": {"validation": 0.2}}
    job = train(
        service, {"preset": preset, "model": f"arrays-{preset}", "data": data, "fit": {"epochs": 30, "seed": 1}}
    )
    assert job["score"]["skill"] > 0.1


def test_validation_shows_the_whole_request(stored: Any) -> None:
    service, dataset = stored
    shown = service.client.post(
        "/v1/training-jobs:validate", json={"preset": "realmlp", "data": {"dataset": dataset, "target": "kind"}}
    )
    assert shown.status_code == 200, shown.text
    request = shown.json()["request"]
    assert request["preset"] == "realmlp"
    assert request["compile"]["optimizer"]["learning_rate"]["class_name"] == "CosineLogCycles"
    assert {one["name"] for one in request["data"]["features"]} == {"age", "zone", "price", "is_old"}
    again = service.client.post("/v1/training-jobs:validate", json=request)
    assert again.json()["request"] == request


@pytest.mark.parametrize(
    ("asked", "pointer", "code"),
    [
        ({"preset": "xgboost", "data": {"target": "price"}}, "#/preset", "unknown_name"),
        ({"data": {"target": "prize"}}, "#/data/target", "unknown_column"),
        ({"data": {}}, "#/data/target", "missing"),
        ({"compile": {"loss": "mse"}, "data": {"target": "price"}}, "#/spec", "missing"),
        ({"preset": "plain", "fit": {"epochs": 0}, "data": {"target": "price"}}, "#/fit/epochs", "out_of_range"),
        ({"preset": "plain", "data": {"target": "always"}}, "#/data/target", "constant_targets"),
    ],
)
def test_what_is_wrong_beside_a_preset_is_pointed_at(stored: Any, asked: Any, pointer: str, code: str) -> None:
    service, dataset = stored
    asked["data"]["dataset"] = dataset
    answer = service.client.post("/v1/training-jobs:validate", json=asked)
    if code == "constant_targets":
        assert answer.status_code in (200, 422), answer.text
        return
    problem = assert_problem(answer, 422, "invalid_request")
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in problem["errors"]}


@pytest.mark.parametrize("rows", [2, 5, 30])
def test_a_few_rows_are_trained_on_or_refused_clearly(stored: Any, rows: int) -> None:
    service, _ = stored
    lines = CSV.split("\n")[: rows + 1]
    headers = {"Content-Type": "text/csv"}
    dataset = service.client.post("/v1/datasets", content="\n".join(lines).encode(), headers=headers).json()["id"]
    asked = {"model": f"few-{rows}", "fit": QUICK, "data": {"dataset": dataset, "target": "price"}}
    if rows < 5:
        problem = assert_problem(service.client.post("/v1/training-jobs", json=asked), 422, "invalid_request")
        assert problem["errors"][0]["code"] == "too_few_rows"
    else:
        assert train(service, asked)["status"] == "succeeded"


def test_a_preset_calibrates_probabilities_unless_it_is_told_not_to(stored: Any) -> None:
    service, dataset = stored
    asked = {"preset": "plain", "data": {"dataset": dataset, "target": "kind"}, "fit": QUICK}
    shown = service.client.post("/v1/training-jobs:validate", json=asked).json()
    assert shown["request"]["calibrate"] is True
    version = service.client.get(train(service, asked)["links"]["version"]).json()
    assert version["output"]["calibration"].keys() == {"temperature", "part", "rows", "log_loss"}
    plain = service.client.get(train(service, asked | {"calibrate": False})["links"]["version"]).json()
    assert "calibration" not in plain["output"]
    of_price = {"preset": "plain", "data": {"dataset": dataset, "target": "price"}, "fit": QUICK}
    assert "calibrate" not in service.client.post("/v1/training-jobs:validate", json=of_price).json()["request"]


def uploaded(service: Service, columns: dict[str, list[Any]]) -> str:
    rows = zip(*columns.values(), strict=True)
    text = "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)])
    answer = service.client.post("/v1/datasets", content=text.encode(), headers={"Content-Type": "text/csv"})
    found: str = answer.json()["id"]
    return found


NOISE = RNG.normal(size=60).round(3).tolist()


@pytest.mark.parametrize("preset", ["auto", "plain", "realmlp", "tabm"])
@pytest.mark.parametrize(
    ("columns", "pointer", "code"),
    [
        ({"a": NOISE, "y": [5] * 60}, "#/data/target", "constant_targets"),
        ({"a": NOISE, "y": ["same"] * 60}, "#/data/target", "constant_targets"),
        ({"a": [1, 2], "y": [3.5, 4.5]}, "#/data", "too_few_rows"),
        ({"a": [1, 2], "y": ["u", "v"]}, "#/data", "too_few_rows"),
        ({"a": [""] * 60, "b": [""] * 60, "y": NOISE}, "#/data", "no_features"),
    ],
)
def test_a_table_that_teaches_nothing_is_refused_before_anything_is_stored(
    stored: Any, preset: str, columns: dict[str, list[Any]], pointer: str, code: str
) -> None:
    service, _ = stored
    dataset, before = uploaded(service, columns), service.rows()["jobs"]
    asked = {"preset": preset, "data": {"dataset": dataset, "target": "y"}}
    problem = assert_problem(service.client.post("/v1/training-jobs", json=asked), 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(pointer, code)]
    assert service.rows()["jobs"] == before


@pytest.mark.parametrize("preset", ["auto", "plain"])
@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"a": NOISE[:30], "y": NOISE[30:]}, "too_few_rows"),
        ({"a": NOISE, "b": [""] * 60, "y": NOISE[::-1]}, "empty_column"),
        ({"a": NOISE, "y": ["rare", "v", *["u", "v"] * 29]}, None),
        ({"a": NOISE, "y": [f"c{row // 2}" for row in range(60)]}, None),
        ({"a": [f"c{row}" for row in range(4_000)], "b": list(range(4_000)), "y": [0.5, 1.5] * 2_000}, "unique_column"),
    ],
)
def test_a_poor_table_is_trained_on_with_a_warning(
    stored: Any, preset: str, columns: dict[str, list[Any]], code: str | None
) -> None:
    service, _ = stored
    asked = {"preset": preset, "data": {"dataset": uploaded(service, columns), "target": "y"}, "fit": QUICK}
    job = train(service, asked)
    assert code is None or code in {one["code"] for one in job["warnings"]}
    assert job["score"]["part"] == {"auto": "out_of_fold", "plain": "validation"}[preset]


def test_a_few_thousand_rows_are_dealt_to_a_bag_and_many_train_one_network(stored: Any) -> None:
    service, _ = stored
    made = {}
    for rows in (24, 25, 10_000, 10_001, 60_000):
        columns: dict[str, list[Any]] = {"a": list(range(rows)), "y": [row % 7 + 0.5 for row in range(rows)]}
        asked = {"data": {"dataset": uploaded(service, columns), "target": "y"}}
        shown = service.client.post("/v1/training-jobs:validate", json=asked).json()
        made[rows] = (shown["request"]["data"]["split"].get("folds"), shown["request"]["fit"]["epochs"])
    assert made == {24: (None, 300), 25: (5, 300), 10_000: (5, 300), 10_001: (None, 300), 60_000: (None, 208)}


@pytest.mark.parametrize("split", [{"validation": 0.3}, {"folds": 2}, {"method": "last", "validation": 0.2}])
def test_the_rows_that_a_request_holds_out_itself_are_held_out(stored: Any, split: dict[str, Any]) -> None:
    service, dataset = stored
    asked = {"data": {"dataset": dataset, "target": "price", "split": split}}
    shown = service.client.post("/v1/training-jobs:validate", json=asked).json()["request"]["data"]["split"]
    assert {key: shown[key] for key in split} == split
    assert ("folds" in shown) == ("folds" in split)

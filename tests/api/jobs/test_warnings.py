"""What a training warns of and refuses by its targets, in words that say what to do."""

from typing import Any

import numpy as np
import pytest

from tests.support.penguins import DATASETS, csv_of, penguins, trained, upload
from tests.support.serving import Service, assert_problem, small

RNG = np.random.default_rng(4)
X = RNG.normal(size=(120, 3)).round(4)
ONE = [{"class_name": "Dense", "units": 1}]
SQUARES = {"optimizer": {"class_name": "Adam", "learning_rate": 0.05}, "loss": "mean_squared_error", "metrics": []}


def codes(view: dict[str, Any]) -> list[str]:
    return [one["code"] for one in view["warnings"]]


def regression(service: Service, y: Any, units: int = 1, epochs: int = 60, **data: Any) -> dict[str, Any]:
    given = {"x": X.tolist(), "y": np.asarray(y).tolist(), "target": {"transform": "none"}, **data}
    spec = {"layers": [{"class_name": "Dense", "units": units}]}
    return service.train(spec=spec, compile=SQUARES, fit={"epochs": epochs, "seed": 1, "callbacks": []}, data=given)


@pytest.mark.parametrize(
    ("mean", "deviation", "warns"),
    [
        (0.0, 1.0, False),
        (5.0, 1.0, False),
        (5.01, 1.0, True),
        (-5.01, 1.0, True),
        (0.0, 5.0, False),
        (0.0, 5.01, True),
        (0.0, 0.0201, False),
        (0.0, 0.0199, True),
        (3e6, 1e6, True),
        (0.0, 1e-9, True),
    ],
)
def test_targets_are_unscaled_beyond_five_from_zero_or_within_a_fiftieth(
    shared: Service, mean: float, deviation: float, warns: bool
) -> None:
    y = np.resize([-1.0, 1.0], 120) * deviation + mean
    asked = small(
        spec={"layers": ONE},
        compile=SQUARES,
        data={"x": X.tolist(), "y": y.tolist(), "target": {"transform": "none"}},
    )
    answer = shared.client.post("/v1/training-jobs:validate", json=asked).json()
    assert ("unscaled_targets" in codes(answer)) is warns, answer


@pytest.mark.parametrize("split", [None, {"test": 0.3, "seed": 2}])
def test_a_network_that_the_mean_outdoes_has_one_warning_with_held_out_rows_and_without(
    service: Service, split: Any
) -> None:
    said = {} if split is None else {"split": split}
    noise = RNG.normal(size=120)
    # Nothing was learnt yet: the first outputs are not the targets.
    job = regression(service, 4 + noise, epochs=1, **said)
    assert job["status"] == "succeeded", job
    assert codes(job).count("no_better_than_baseline") == 1
    good = regression(service, X @ [1.0, 2.0, -1.0], epochs=200, **said)
    assert "no_better_than_baseline" not in codes(good)


def test_one_output_of_several_that_the_mean_outdoes_is_warned_of(service: Service) -> None:
    y = np.stack([X @ [5.0, 2.0, -1.0], RNG.normal(size=120)], axis=1)
    job = regression(service, y, units=2, epochs=400, split={"test": 0.4, "seed": 2})
    assert job["score"]["skill"] > 0
    (warning,) = [one for one in job["warnings"] if one["code"] == "no_better_than_baseline"]
    assert warning["pointer"] == "#/data/y"


@pytest.mark.parametrize(
    "texts", [["1.5", "2.5", "3.5"], ["10", "25", "31"], ["1e3", "2e3", "-3"], ["$1,234", "$999", "n/a?"]]
)
def test_a_target_of_texts_that_look_like_numbers_is_refused_with_what_to_upload(
    shared: Service, texts: list[str]
) -> None:
    rows = "".join(f'"{text}",{place}\n' for place, text in enumerate(texts * 10))
    table = upload(shared, f"t,x\n{rows}".encode(), "?type=t:category")
    asked = {
        "model": "m",
        "spec": {"layers": ONE},
        "compile": SQUARES,
        "data": {"dataset": table["id"], "target": "t"},
    }
    problem = assert_problem(shared.client.post("/v1/training-jobs", json=asked), 422, "invalid_request")
    (error,) = problem["errors"]
    if texts[-1] == "n/a?":  # a third of them is no number: these are names
        assert error["code"] == "loss_mismatch"
        return
    assert error["code"] == "looks_like_numbers"
    assert "?type=t:number" in error["detail"]


def test_units_that_a_hidden_layer_leaves_to_the_target_are_refused_with_the_reason(shared: Service) -> None:
    hidden = {"class_name": "Dense", "units": "auto", "activation": "relu"}
    for layers in ([hidden, *ONE], [hidden, {"class_name": "Dense", "units": "auto"}]):
        for layer in (hidden, {"class_name": "Dense", "config": {"units": "auto", "activation": "relu"}}):
            asked = small(spec={"layers": [layer, *layers[1:]]}, compile=SQUARES)
            problem = assert_problem(shared.client.post("/v1/training-jobs", json=asked), 422, "invalid_request")
            said = [one["detail"] for one in problem["errors"] if one["pointer"].endswith("/units")]
            assert len(said) == 1
            assert said[0].startswith("Only the last layer that has units may leave them to the target")
            assert "an integer" in said[0]


@pytest.mark.parametrize(
    ("content", "media_type", "line"),
    [
        (b'{"a":1}\n{"a":2}\n\n\n{"a":x}\n', "application/x-ndjson", 5),
        (b'\n{"a":1}\n\n[2]\n', "application/x-ndjson", 4),
        (b'{"a":1}\r\n\r\n{"a":\r\n', "application/x-ndjson", 3),
        (b"a,b\n1,2\n\n3,4,5\n", "text/csv", 4),
        (b'a,b\n1,"x\ny"\n2,y,3\n', "text/csv", 4),
        (b'a,b\n1,x\n\n3,"y\n', "text/csv", 4),
    ],
)
def test_a_row_is_told_by_its_line_as_an_editor_counts(
    shared: Service, content: bytes, media_type: str, line: int
) -> None:
    answer = shared.client.post(DATASETS, content=content, headers={"Content-Type": media_type})
    assert answer.status_code in (400, 422)
    assert f"In an editor it is line {line}." in answer.text


@pytest.mark.parametrize("content", [b'[{"a":1},{"a":"x"}]', b'[{"a":true},{"a":1}]', b'[{"a":[1]},{"a":1}]'])
def test_a_column_of_several_types_in_json_is_refused_by_its_name(shared: Service, content: bytes) -> None:
    answer = shared.client.post(DATASETS, content=content, headers={"Content-Type": "application/json"})
    (error,) = assert_problem(answer, 422, "invalid_request")["errors"]
    assert (error["pointer"], error["code"]) == ("#/columns/a", "unsupported_column")


def test_a_prediction_job_fills_columns_that_are_missing_as_predict_does(service: Service) -> None:
    trained(service)
    table = {name: values for name, values in penguins(30, seed=9).items() if name not in ("island", "bill")}
    dataset = upload(service, csv_of(table))["id"]
    answer = service.client.post("/v1/prediction-jobs", json={"model": "penguins", "dataset": dataset})
    assert answer.status_code == 202, answer.text
    service.work()
    job = service.client.get(answer.headers["Location"]).json()
    assert job["status"] == "succeeded", job
    got = service.client.get(job["links"]["content"]).text
    headers = {"Content-Type": "text/csv"}
    expected = service.client.post("/v1/models/penguins:predict", content=csv_of(table), headers=headers)
    assert (expected.status_code, got) == (200, expected.text)

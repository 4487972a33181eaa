"""Predictions and evaluations over HTTP: the right numbers, the right version, and designed refusals."""

import json
from typing import Any

import numpy as np
import pytest

from service.api.examples import SMALL
from tests.support.serving import Service, assert_problem

X = SMALL["data"]["x"]
NAN = float("nan")


def predict(service: Service, instances: Any = X, path: str = "/v1/models/xor") -> Any:
    return service.client.post(f"{path}:predict", json={"instances": instances})


def test_a_trained_model_tells_the_classes_apart_and_names_them(shared: Service) -> None:
    answer = predict(shared)
    assert answer.status_code == 200
    view = answer.json()
    assert (view["model"], view["version"]) == ("xor", 1)
    assert np.array(view["predictions"]).shape == (4, 1)
    assert view["predicted_classes"] == SMALL["data"]["y"]


def test_a_row_among_many_gets_the_prediction_that_it_gets_alone(shared: Service) -> None:
    many = X * 2000
    alone = predict(shared, many[:4]).json()["predictions"]
    together = predict(shared, many).json()["predictions"]
    np.testing.assert_allclose(together[:4], alone, rtol=1e-6)


def test_several_outputs_name_the_most_likely_class(service: Service) -> None:
    layers = [{"class_name": "Dense", "units": 2, "activation": "softmax"}]
    service.train(spec={"layers": layers}, compile={"loss": "categorical_crossentropy"}, fit={"epochs": 5})
    view = predict(service).json()
    names = np.array(["different", "equal"])
    assert view["predicted_classes"] == names[np.argmax(view["predictions"], axis=1)].tolist()


def test_targets_without_names_are_predicted_without_names_and_who_asks_for_them_is_told(service: Service) -> None:
    service.train(data={"y": [1, 0, 0, 1]})
    assert "predicted_classes" not in predict(service).json()
    for outputs in (["predicted_classes"], ["predictions", "predicted_classes"]):
        asked = {"instances": [[0, 1]], "outputs": outputs}
        problem = assert_problem(service.client.post("/v1/models/xor:predict", json=asked), 422, "invalid_request")
        found = [(error["pointer"], error["code"]) for error in problem["errors"]]
        assert found == [("#/outputs", "not_a_classifier")]


def test_who_asks_plain_numbers_for_scores_is_told_where(service: Service) -> None:
    layers = [{"class_name": "Dense", "units": 1}]
    service.train(spec={"layers": layers}, compile={"loss": "mse", "metrics": []}, data={"y": [1, 0, 0, 1]})
    for asked in ({"top_k": 1}, {"outputs": ["probabilities"]}, {"outputs": ["probabilities"], "top_k": 1}):
        answer = service.client.post("/v1/models/xor:predict", json={"instances": [[0, 1]], **asked})
        problem = assert_problem(answer, 422, "invalid_request")
        found = [(error["pointer"], error["code"]) for error in problem["errors"]]
        assert found == [(f"#/{key}", "not_a_classifier") for key in asked]


def test_the_latest_version_answers_unless_one_is_named(service: Service) -> None:
    service.train(fit={"epochs": 1})
    first = predict(service).json()
    service.train(fit={"epochs": 60})
    latest = predict(service).json()
    assert (first["version"], latest["version"]) == (1, 2)
    assert first["predictions"] != latest["predictions"]
    named = predict(service, path="/v1/models/xor/versions/1").json()
    assert named == first


def test_a_deleted_version_answers_no_longer(service: Service) -> None:
    service.train(fit={"epochs": 1})
    service.train(fit={"epochs": 1})
    assert predict(service).json()["version"] == 2
    service.client.delete("/v1/models/xor/versions/2")
    assert predict(service).json()["version"] == 1
    service.client.delete("/v1/models/xor")
    assert_problem(predict(service), 404, "not_found")


def test_a_cache_of_one_version_still_answers_for_two(tmp_path: Any) -> None:
    with Service(tmp_path, model_cache_size=1) as service:
        service.train(model="a", fit={"epochs": 1})
        service.train(model="b", fit={"epochs": 1})
        for _ in range(2):
            for name in ("a", "b"):
                assert predict(service, path=f"/v1/models/{name}").json()["model"] == name


def test_the_same_predictions_after_a_restart(tmp_path: Any) -> None:
    with Service(tmp_path) as service:
        service.train()
        before = predict(service).content
    with Service(tmp_path) as service:
        assert predict(service).content == before


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "#/instances", "missing"),
        ([[0, 1]], "#", "wrong_type"),
        ({"instances": X, "rows": 1}, "#/rows", "unknown_key"),
        ({"instances": "[[0, 1]]"}, "#/instances", "wrong_type"),
        ({"instances": []}, "#/instances", "empty"),
        ({"instances": [0, 1]}, "#/instances", "not_rows"),
        ({"instances": [[0, 1], [0]]}, "#/instances/", "ragged_rows"),
        ({"instances": [[0, "1"]]}, "#/instances/0/1", "not_a_number"),
        ({"instances": [[0, None]]}, "#/instances/0/1", "not_a_number"),
        ({"instances": [[0, NAN]]}, "#/instances/0/1", "not_finite"),
        ({"instances": [[0, 1, 2]]}, "#/instances", "width_mismatch"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models/xor:predict", "/v1/models/xor/versions/1:predict"])
def test_rows_that_cannot_be_predicted_are_refused_with_their_place(
    shared: Service, path: str, body: Any, pointer: str, code: str
) -> None:
    sent = {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
    problem = assert_problem(shared.client.post(path, **sent), 422, "invalid_request")
    assert any(error["pointer"].startswith(pointer) and error["code"] == code for error in problem["errors"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([[0, 1]], "Expected an object with some of the keys instances, inputs, "),
        ({"instance": X}, "Unknown key. Did you mean 'instances'? Known: instances, inputs, "),
    ],
)
def test_rows_without_their_key_are_answered_with_the_keys_that_there_are(
    shared: Service, body: Any, said: str
) -> None:
    problem = shared.client.post("/v1/models/xor:predict", json=body).json()
    assert problem["errors"][0]["detail"].startswith(said)


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
@pytest.mark.parametrize("path", ["/v1/models/none", "/v1/models/xor/versions/99"])
def test_a_model_that_does_not_exist_answers_nothing(shared: Service, path: str, verb: str) -> None:
    assert_problem(shared.client.post(f"{path}:{verb}", json={"instances": X}), 404, "not_found")


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
@pytest.mark.parametrize("path", ["/v1/models/xor", "/v1/models/xor/versions/1"])
def test_the_bodys_form_is_checked_before_anything_else(shared: Service, path: str, verb: str) -> None:
    headers = {"Content-Type": "application/json"}
    assert_problem(shared.client.post(f"{path}:{verb}", content=b"{", headers=headers), 400, "malformed")
    assert_problem(shared.client.post(f"{path}:{verb}", content=b"{}"), 415, "unsupported_media_type")
    large = b" " * 2_000_001
    assert_problem(shared.client.post(f"{path}:{verb}", content=large, headers=headers), 413, "too_large")


@pytest.mark.parametrize("path", ["/v1/models/xor", "/v1/models/xor/versions/1"])
def test_an_evaluation_measures_what_the_training_measured(shared: Service, path: str) -> None:
    answer = shared.client.post(f"{path}:evaluate", json={"data": SMALL["data"]})
    assert answer.status_code == 200
    view = answer.json()
    assert (view["model"], view["version"], view["rows"]) == ("xor", 1, 4)
    assert set(view["metrics"]) == {"loss", "accuracy"}
    assert view["metrics"]["accuracy"] == 1


def test_how_much_features_matter_is_asked_the_less_often_the_more_there_are(service: Service) -> None:
    layers = [{"class_name": "Dense", "units": 1}]
    data = {"x": [[0] * 600, [1] * 600], "y": [0, 1]}
    service.train(spec={"layers": layers}, compile={"loss": "mse"}, fit={"epochs": 1}, data=data)

    def evaluate(importance: int) -> Any:
        return service.client.post("/v1/models/xor:evaluate", json={"data": data, "importance": importance})

    problem = assert_problem(evaluate(17), 422, "invalid_request")
    assert problem["errors"][0]["detail"] == "Expected a whole number from 1 to 16 for 600 features."
    assert len(evaluate(1).json()["report"]["importance"]) == 600


def test_an_evaluation_weighs_rows_and_reads_classes_as_the_training_did(shared: Service) -> None:
    def evaluate(**data: Any) -> Any:
        return shared.client.post("/v1/models/xor:evaluate", json={"data": data}).json()["metrics"]

    # Alphabetical order of these alone would make "equal" class 0.
    assert evaluate(x=[[0, 0]], y=["equal"])["accuracy"] == 1
    assert evaluate(x=X, y=[1, 0, 0, 1])["accuracy"] == 1
    assert evaluate(x=X, y=[1, 0, 0, 1], sample_weight=[0, 0, 0, 0])["loss"] == 0


@pytest.mark.parametrize(
    ("data", "pointer", "code"),
    [
        ({"x": X, "y": ["equal", "other", "equal", "equal"]}, "#/data/y/1", "unknown_class"),
        ({"x": X, "y": [0, 1, 2, 0]}, "#/data/y/2", "out_of_range"),
        ({"x": [[0]], "y": ["equal"]}, "#/data/x", "width_mismatch"),
        ({"x": X}, "#/data/y", "missing"),
        ([], "#/data", "wrong_type"),
        ({"dataset": "ds_none"}, "#/data/dataset", "not_found"),
    ],
)
def test_data_that_cannot_be_evaluated_are_refused_with_their_place(
    shared: Service, data: Any, pointer: str, code: str
) -> None:
    answer = shared.client.post("/v1/models/xor:evaluate", json={"data": data})
    problem = assert_problem(answer, 422, "invalid_request")
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in problem["errors"]]


def test_names_are_refused_where_the_training_had_none(service: Service) -> None:
    service.train(data={"y": [1, 0, 0, 1]}, fit={"epochs": 1})
    answer = service.client.post("/v1/models/xor:evaluate", json={"data": SMALL["data"]})
    problem = assert_problem(answer, 422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("#/data/y", "unknown_class")]

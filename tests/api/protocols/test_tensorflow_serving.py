"""TensorFlow Serving's REST calls: what its clients send is understood, and what they read is there."""

import json
from typing import Any

import numpy as np
import pytest

from service.api.examples import SMALL
from tests.support.serving import Service, assert_problem

X = SMALL["data"]["x"]
NAMES = SMALL["data"]["y"]
PATHS = ["/v1/models/xor", "/v1/models/xor/versions/1"]


def ask(service: Service, verb: str, body: Any, path: str = "/v1/models/xor") -> Any:
    sent = {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
    return service.client.post(f"{path}:{verb}", **sent)


def findings(service: Service, verb: str, body: Any) -> list[tuple[str, str]]:
    problem = assert_problem(ask(service, verb, body), 422, "invalid_request")
    return [(one["pointer"], one["code"]) for one in problem["errors"]]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["input", "x"])
def test_rows_named_and_unnamed_give_the_same_predictions(shared: Service, path: str, name: str) -> None:
    plain = ask(shared, "predict", {"instances": X}, path).json()
    assert ask(shared, "predict", {"instances": [{name: row} for row in X]}, path).json() == plain


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("inputs", [X, {"input": X}, {"x": X}], ids=["rows", "input", "x"])
def test_columns_are_answered_with_outputs(shared: Service, path: str, inputs: Any) -> None:
    plain = ask(shared, "predict", {"instances": X}, path).json()
    answer = ask(shared, "predict", {"inputs": inputs, "signature_name": "serving_default"}, path)
    assert answer.status_code == 200
    assert answer.json() == {"outputs" if key == "predictions" else key: value for key, value in plain.items()}


@pytest.mark.parametrize("name", ["input", "x"])
def test_one_object_is_one_row(shared: Service, name: str) -> None:
    first = ask(shared, "predict", {"instances": X[:1]}).json()
    assert ask(shared, "predict", {"instances": {name: X[0]}}).json() == first


@pytest.mark.parametrize(("verb", "rows"), [("predict", {"instances": X}), ("classify", {"examples": [{"x": X[0]}]})])
@pytest.mark.parametrize("name", ["predict_images", 3])
def test_a_signature_that_no_version_has_is_refused(shared: Service, verb: str, rows: Any, name: Any) -> None:
    problem = assert_problem(ask(shared, verb, {**rows, "signature_name": name}), 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/signature_name", "unknown_name")]
    assert ask(shared, verb, {**rows, "signature_name": "serving_default"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "place", "code"),
    [
        ({"instances": {"x": [0, "a"]}}, "#/instances/x/1", "not_a_number"),
        ({"instances": {"y": [0, 1]}}, "#/instances", "wrong_name"),
        ({"instances": X, "inputs": X}, "#/inputs", "two_forms"),
        ({"inputs": {}}, "#/inputs", "wrong_name"),
        ({"inputs": {"y": X}}, "#/inputs", "wrong_name"),
        ({"inputs": {"input": X, "x": X}}, "#/inputs", "wrong_name"),
        ({"inputs": {"x": [[0, None]]}}, "#/inputs/x/0/1", "not_a_number"),
        ({"inputs": 3}, "#/inputs", "wrong_type"),
        ({"inputs": [[0]]}, "#/inputs", "width_mismatch"),
        ({"instances": [{"x": [0, 1]}, {"y": [0, 1]}]}, "#/instances/1", "wrong_name"),
        ({"instances": [{"x": [0, 1]}, {"x": [0]}]}, "#/instances/1/x", "ragged_rows"),
        ({"instances": [{"x": [0, 1]}, {"x": ["a", 1]}]}, "#/instances/1/x/0", "not_a_number"),
        ({"instances": [{"x": [0, 1]}, {"x": 3}]}, "#/instances/1/x", "mixed_types"),
        ({"instances": [{"x": [0, 1]}, [0, 1]]}, "#/instances/0", "mixed_types"),
    ],
)
def test_rows_that_cannot_be_read_are_refused_with_their_place(
    shared: Service, body: Any, place: str, code: str
) -> None:
    assert (place, code) in findings(shared, "predict", body)


@pytest.mark.parametrize("path", PATHS)
def test_classify_scores_every_class_of_every_example(shared: Service, path: str) -> None:
    answer = ask(shared, "classify", {"examples": [{"x": row} for row in X]}, path)
    assert answer.status_code == 200
    assert list(answer.json()) == ["results"]
    results = answer.json()["results"]
    assert [[label for label, _ in one] for one in results] == [["different", "equal"]] * 4
    assert [max(one, key=lambda pair: pair[1])[0] for one in results] == NAMES
    np.testing.assert_allclose([sum(score for _, score in one) for one in results], 1, rtol=1e-6)


def test_examples_share_the_features_of_their_context(shared: Service) -> None:
    alone = ask(shared, "classify", {"examples": [{"x": [0, 1]}] * 2}).json()
    assert ask(shared, "classify", {"context": {"x": [0, 1]}, "examples": [{}, {}]}).json() == alone


def test_classes_without_names_are_numbered(service: Service) -> None:
    layers = [{"class_name": "Dense", "units": 3, "activation": "softmax"}]
    loss = {"loss": "sparse_categorical_crossentropy"}
    service.train(spec={"layers": layers}, compile=loss, data={"y": [0, 1, 2, 0]}, fit={"epochs": 1})
    (result,) = ask(service, "classify", {"examples": [{"x": [0, 1]}]}).json()["results"]
    assert [label for label, _ in result] == ["0", "1", "2"]


@pytest.mark.parametrize("path", PATHS)
def test_regress_gives_one_value_for_each_example(shared: Service, path: str) -> None:
    predicted = ask(shared, "predict", {"instances": X}).json()["predictions"]
    answer = ask(shared, "regress", {"examples": [{"input": row} for row in X]}, path)
    assert answer.json() == {"results": [row[0] for row in predicted]}


def test_a_model_of_one_column_takes_bare_values(service: Service) -> None:
    layers = [{"class_name": "Dense", "units": 1}]
    data = {"x": [[0], [1], [2]], "y": [0, 1, 2]}
    job = service.train(spec={"layers": layers}, compile={"loss": "mse", "metrics": []}, data=data, fit={"epochs": 1})
    assert job["status"] == "succeeded"
    answer = ask(service, "regress", {"examples": [{"x": 1.0}, {"x": 2.0}]})
    assert len(answer.json()["results"]) == 2
    rows = ask(service, "predict", {"instances": [[1.0], [2.0]]}).json()
    assert ask(service, "predict", {"instances": [1.0, 2.0]}).json() == rows
    assert findings(service, "classify", {"examples": [{"x": 1.0}]}) == [("#", "not_a_classifier")]


def test_a_model_of_several_outputs_does_not_regress(service: Service) -> None:
    layers = [{"class_name": "Dense", "units": 2, "activation": "softmax"}]
    service.train(spec={"layers": layers}, compile={"loss": "categorical_crossentropy"}, fit={"epochs": 1})
    assert findings(service, "regress", {"examples": [{"x": [0, 1]}]}) == [("#", "not_a_regressor")]


@pytest.mark.parametrize("verb", ["classify", "regress"])
@pytest.mark.parametrize(
    ("body", "place", "code"),
    [
        ({}, "#/examples", "missing"),
        ({"examples": []}, "#/examples", "wrong_type"),
        ({"examples": {}}, "#/examples", "wrong_type"),
        ({"examples": [3]}, "#/examples/0", "wrong_type"),
        ({"examples": [{}]}, "#/examples/0", "wrong_name"),
        ({"examples": [{"x": [0]}]}, "#/examples", "width_mismatch"),
        ({"examples": [{"x": [0, None]}]}, "#/examples/0/x/1", "not_a_number"),
        ({"examples": [{"x": [0, 1]}], "context": {"x": [0, 1]}}, "#/examples/0", "duplicate"),
        ({"examples": [{"x": [0, 1]}], "context": [1]}, "#/context", "wrong_type"),
        ({"examples": [{"x": [0, 1]}], "instances": X}, "#/instances", "unknown_key"),
    ],
)
def test_examples_that_cannot_be_read_are_refused_with_their_place(
    shared: Service, verb: str, body: Any, place: str, code: str
) -> None:
    assert (place, code) in findings(shared, verb, body)


@pytest.mark.parametrize("verb", ["classify", "regress"])
@pytest.mark.parametrize("path", ["/v1/models/none", "/v1/models/xor/versions/99"])
def test_what_does_not_exist_is_not_found(shared: Service, verb: str, path: str) -> None:
    assert_problem(ask(shared, verb, {"examples": [{"x": [0, 1]}]}, path), 404, "not_found")
    assert_problem(shared.client.get(f"{path}/metadata"), 404, "not_found")


@pytest.mark.parametrize("verb", ["predict", "classify", "regress"])
def test_an_error_is_told_where_clients_look_for_it(shared: Service, verb: str) -> None:
    key = "instances" if verb == "predict" else "examples"
    rows = [[0]] if verb == "predict" else [{"x": [0]}]
    problem = ask(shared, verb, {key: rows}).json()
    assert problem["error"] == " ".join(f"{one['pointer']}: {one['detail']}" for one in problem["errors"])
    for path in (f"/v1/models/nothing:{verb}", f"/v1/models/xor/versions/9:{verb}"):
        missing = shared.client.post(path, json={key: rows}).json()
        assert missing["error"] == missing["detail"]


@pytest.mark.parametrize("path", ["/v1/models/nothing", "/v1/models/xor/versions/9", "/v1/models/nothing/metadata"])
def test_what_is_missing_is_told_there_as_well(shared: Service, path: str) -> None:
    problem = shared.client.get(path).json()
    assert problem["error"] == problem["detail"]


@pytest.mark.parametrize("path", PATHS)
def test_the_metadata_say_names_and_shapes_of_input_and_output(shared: Service, path: str) -> None:
    view = shared.client.get(f"{path}/metadata").json()
    assert view["model_spec"] == {"name": "xor", "signature_name": "", "version": "1"}
    signature = view["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    shapes = {
        name: (tensor["dtype"], [dim["size"] for dim in tensor["tensor_shape"]["dim"]])
        for kind in ("inputs", "outputs")
        for name, tensor in signature[kind].items()
    }
    assert shapes == {"input": ("DT_FLOAT", ["-1", "2"]), "predictions": ("DT_FLOAT", ["-1", "1"])}


def test_what_its_documentation_shows_of_half_plus_two_is_answered_so(service: Service) -> None:
    """The exchanges of its guide to the REST API; of a network one output is a row of one number."""
    spec = {"layers": [{"class_name": "Dense", "units": 1, "input_dim": 1}]}
    asked = {"model": "half_plus_two", "spec": spec, "weights": [[[0.5]], [2.0]]}
    imported = service.client.post("/v1/models:import", json=asked)
    assert imported.status_code == 201, imported.text
    path = "/v1/models/half_plus_two"
    predicted = ask(service, "predict", {"instances": [1.0, 2.0, 5.0]}, path)
    assert predicted.json()["predictions"] == [[2.5], [3.0], [4.5]]
    columns = ask(service, "predict", {"signature_name": "serving_default", "inputs": [1.0, 2.0, 5.0]}, path)
    assert columns.json()["outputs"] == [[2.5], [3.0], [4.5]]
    regressed = ask(service, "regress", {"examples": [{"x": 1.0}, {"x": 2.0}]}, path)
    assert regressed.json() == {"results": [2.5, 3.0]}
    status = {"error_code": "OK", "error_message": ""}
    listed = service.client.get(path).json()["model_version_status"]
    assert listed == [{"version": "1", "state": "AVAILABLE", "status": status}]


def test_a_model_lists_the_versions_that_answer(service: Service) -> None:
    for _ in range(3):
        service.train(fit={"epochs": 1})
    service.client.delete("/v1/models/xor/versions/2")
    available = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    status = service.client.get("/v1/models/xor").json()["model_version_status"]
    assert status == [{"version": "3"} | available, {"version": "1"} | available]
    one = service.client.get("/v1/models/xor/versions/1").json()["model_version_status"]
    assert one == [{"version": "1"} | available]


def test_a_network_that_overflows_answers_null(service: Service) -> None:
    layers = [{"class_name": "Dense", "units": 1}] * 4
    service.train(spec={"layers": layers}, compile={"loss": "mse", "metrics": []}, data={"y": [0, 1, 2, 3]})
    answer = ask(service, "regress", {"examples": [{"x": [3e38, -3e38]}, {"x": [3e38, 3e38]}]})
    assert None in answer.json()["results"]
    assert b"NaN" not in answer.content

"""The spec: what may be said, what it means, and that it survives being stored."""

import copy
import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from service.api.examples import CANONICAL
from service.errors import Findings
from service.spec import ModelSpec, TrainingRequest
from service.spec.data import DataSpec
from service.spec.mistakes import report

ASKED = {key: value for key, value in CANONICAL.items() if key != "data"}


def request(**changes: Any) -> TrainingRequest:
    document = copy.deepcopy(ASKED)
    for key, value in changes.items():
        document[key] = {**document[key], **value} if isinstance(value, dict) else value
    return TrainingRequest.model_validate(document)


def test_defaults_are_those_of_keras() -> None:
    asked = TrainingRequest.model_validate(
        {"spec": {"layers": [{"class_name": "Dense", "units": 1}]}, "compile": {"loss": "mse"}}
    )
    assert asked.compile.optimizer == "rmsprop"
    assert asked.fit.epochs == 1
    assert asked.fit.batch_size is None
    assert asked.fit.shuffle is True
    assert asked.fit.validation_split == 0


FORMS: dict[str, Any] = {
    "as asked": {},
    "a schedule": {
        "compile": {
            "optimizer": {
                "class_name": "SGD",
                "learning_rate": {"class_name": "CosineDecay", "initial_learning_rate": 1, "decay_steps": 3},
            }
        }
    },
    "a loss and metrics as objects": {
        "compile": {
            "loss": {"class_name": "CategoricalCrossentropy", "config": {"label_smoothing": 0.1}},
            "metrics": ["accuracy", {"class_name": "TopKCategoricalAccuracy", "k": 2}],
        }
    },
    "one metric as a text": {"compile": {"metrics": "accuracy"}},
    "metrics as Keras nests them": {"compile": {"metrics": [["accuracy"]]}},
    "initializers and regularizers": {
        "spec": {
            "layers": [
                {
                    "class_name": "Dense",
                    "units": 10,
                    "activation": "softmax",
                    "kernel_initializer": {"class_name": "RandomNormal", "config": {"stddev": 1, "seed": 3}},
                    "kernel_regularizer": {"class_name": "L2", "l2": 1},
                    "kernel_constraint": "max_norm",
                }
            ]
        }
    },
    "class weights": {"fit": {"class_weight": {"0": 1, "cat": 2.5}}},
    "nulls": {"fit": {"seed": None, "class_weight": None}, "model": None},
}


@pytest.mark.parametrize("changes", FORMS.values(), ids=FORMS)
def test_a_request_is_the_same_after_it_was_stored(changes: dict[str, Any]) -> None:
    asked = request(**changes)
    stored = json.loads(json.dumps(asked.to_json_dict(), allow_nan=False))
    again = TrainingRequest.from_json_dict(stored | {"warnings": []})
    assert again == asked
    assert again.to_json_dict() == stored


def test_what_is_stored_is_what_was_asked_and_no_more() -> None:
    assert request().to_json_dict() == ASKED


def test_names_are_kept_as_they_were_written_and_classes_get_their_own() -> None:
    asked = request(compile={"optimizer": {"class_name": "adam"}, "metrics": ["ACCURACY".lower(), "MSE"]})
    assert asked.to_json_dict()["compile"]["optimizer"] == {"class_name": "Adam"}
    assert asked.to_json_dict()["compile"]["metrics"] == ["accuracy", "MSE"]


def test_a_whole_number_is_a_float_where_one_is_expected() -> None:
    asked = request(compile={"optimizer": {"class_name": "SGD", "learning_rate": 1, "momentum": 0}})
    assert asked.compile.optimizer.learning_rate == 1.0


@pytest.mark.parametrize("value", ["0.1", True, [0.1], float("nan"), float("inf")])
def test_nothing_else_is_a_number(value: Any) -> None:
    with pytest.raises(ValidationError):
        request(compile={"optimizer": {"class_name": "SGD", "momentum": value}})


def test_the_input_may_be_announced_in_every_way_of_keras() -> None:
    dense = {"class_name": "Dense", "units": 2}
    forms: list[list[dict[str, Any]]] = [
        [dense],
        [dense | {"input_dim": 3}],
        [dense | {"input_shape": [3]}],
        [dense | {"batch_input_shape": [None, 3]}],
        [{"class_name": "InputLayer", "shape": [3]}, dense],
        [{"class_name": "InputLayer", "config": {"batch_shape": [None, 3]}}, dense],
    ]
    models = [ModelSpec.model_validate({"layers": layers}).build(3, seed=1) for layers in forms]
    for model in models:
        np.testing.assert_array_equal(model.get_weights()[0], models[0].get_weights()[0])


def test_an_input_shape_after_the_first_layer_changes_nothing_and_is_silent() -> None:
    layers = [{"class_name": "Dense", "units": 2}, {"class_name": "Dense", "units": 1, "input_dim": 2}]
    assert ModelSpec.model_validate({"layers": layers}).build(3, seed=1).output_shape == (None, 1)


def test_the_model_of_to_json_is_the_model_of_our_words() -> None:
    ours = request().spec.build(100, seed=1)
    theirs = TrainingRequest.model_validate({**ASKED, "spec": json.loads(ours.to_json())}).spec
    for one, other in zip(ours.get_weights(), theirs.build(100, seed=1).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_alone_in_a_config_are_the_oldest_form() -> None:
    spec = {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"units": 2}}]}
    asked = TrainingRequest.model_validate({**ASKED, "spec": spec})
    assert asked.spec.build(3).output_shape == (None, 2)


def test_only_float32_is_offered() -> None:
    with pytest.raises(ValidationError):
        request(spec={"layers": [{"class_name": "Dense", "units": 1, "dtype": "float64"}]})
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}
    layer = {"class_name": "Dense", "config": {"units": 1, "dtype": policy}}
    assert request(spec={"layers": [layer]}).spec.layers[0].dtype == "float32"


def test_of_very_many_mistakes_the_first_are_told_and_all_are_counted() -> None:
    weights = {str(number): "none" for number in range(5000)}
    asked = {**ASKED, "fit": {"class_weight": weights}}
    findings = Findings()
    with pytest.raises(ValidationError) as refused:
        TrainingRequest.model_validate(asked)
    report(refused.value, asked, TrainingRequest, findings)
    assert (len(findings.errors), findings.errors[0].pointer) == (findings.limit, "#/fit/class_weight/0")
    assert findings.total >= 5000


def test_of_many_names_only_the_first_that_is_wrong_is_told() -> None:
    with pytest.raises(ValidationError) as refused:
        DataSpec.model_validate({"classes": [1] * 100_000})
    assert refused.value.error_count() == 1

"""`:validate` says what a training would make and cost, and warns of what is probably not meant."""

from typing import Any

import pytest

from tests.support.serving import Service, canonical, small

X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
PATH = "/v1/training-jobs:validate"


def test_the_canonical_request_makes_two_layers_and_32_steps_an_epoch(shared: Service) -> None:
    before = shared.rows()
    answer = shared.client.post(PATH, json=canonical())
    assert answer.status_code == 200
    view = answer.json()
    assert view["valid"] is True
    assert view["summary"] == [
        {"layer": "dense", "output_shape": [None, 64], "params": 6464},
        {"layer": "dense_1", "output_shape": [None, 10], "params": 650},
    ]
    assert view["parameters"] == 7114
    assert view["rows"] == {"training": 1000, "validation": 0, "test": 0}
    assert (view["steps_per_epoch"], view["steps"]) == (32, 320)
    assert view["warnings"] == []
    # Weights, gradients and Adam's two slots, and the data, at least.
    assert view["memory_bytes"] > 4 * (4 * 7114 + 1000 * 110)
    assert shared.rows() == before


def test_rows_that_are_held_out_make_fewer_steps(shared: Service) -> None:
    request = canonical()
    request["fit"]["validation_split"] = 0.1
    view = shared.client.post(PATH, json=request).json()
    assert view["rows"] == {"training": 900, "validation": 100, "test": 0}
    assert view["steps_per_epoch"] == 29


def regression(activation: str | None = None, loss: str = "mse", y: Any = Y, **changes: Any) -> dict[str, Any]:
    layer = {"class_name": "Dense", "units": 1, "activation": activation}
    return small(spec={"layers": [layer]}, compile={"loss": loss, "metrics": []}, data={"x": X, "y": y}) | changes


WARNINGS = {
    "inputs that are not scaled": (
        small(data={"x": [[0, 0], [0, 900], [1, 0], [1, 1]]}),
        "#/data/x",
        "unscaled_inputs",
    ),
    "targets that are all the same": (
        small(data={"y": ["a"] * 4, "classes": ["a", "b"]}),
        "#/data/y",
        "constant_targets",
    ),
    "accuracy of a regression": (
        regression() | {"compile": {"loss": "mse", "metrics": ["accuracy"]}},
        "#/compile/metrics/0",
        "metric_mismatch",
    ),
    "targets that sigmoid cannot reach": (
        regression("sigmoid", y=[0, 5, 1, 2]),
        "#/spec/layers/0/activation",
        "unreachable_targets",
    ),
    "targets that relu cannot reach": (
        regression("relu", y=[0, -5, 1, 2]),
        "#/spec/layers/0/activation",
        "unreachable_targets",
    ),
    "a relu as the output of a regression": (regression("relu"), "#/spec/layers/0/activation", "relu_output"),
    "a logarithm of what may be negative": (
        regression(None, "poisson"),
        "#/spec/layers/0/activation",
        "loss_mismatch",
    ),
    "input_dim after the first layer": (
        small(
            spec={
                "layers": [
                    {"class_name": "Dense", "units": 2},
                    {"class_name": "Dense", "units": 1, "activation": "sigmoid", "input_dim": 2},
                ]
            }
        ),
        "#/spec/layers/1/input_dim",
        "input_not_first",
    ),
    "few steps for moving averages": (
        small(
            spec={
                "layers": [
                    {"class_name": "BatchNormalization"},
                    {"class_name": "Dense", "units": 1, "activation": "sigmoid"},
                ]
            }
        ),
        "#/spec/layers/0",
        "few_steps",
    ),
    "sigmoid for classes that exclude each other": (
        small(
            spec={"layers": [{"class_name": "Dense", "units": 2, "activation": "sigmoid"}]},
            compile={"loss": "categorical_crossentropy"},
        ),
        "#/spec/layers/0/activation",
        "loss_mismatch",
    ),
    "three units for two classes": (
        small(
            spec={"layers": [{"class_name": "Dense", "units": 3, "activation": "softmax"}]},
            compile={"loss": "categorical_crossentropy"},
        ),
        "#/spec/layers/0/units",
        "unused_units",
    ),
    "hinge of a sigmoid": (small(compile={"loss": "hinge"}), "#/compile/loss", "loss_mismatch"),
    "accuracy of logits": (
        small(
            spec={"layers": [{"class_name": "Dense", "units": 1}]},
            compile={"loss": {"class_name": "BinaryCrossentropy", "from_logits": True}},
        ),
        "#/compile/metrics/0",
        "metric_mismatch",
    ),
    "top 5 of two": (
        small(
            spec={"layers": [{"class_name": "Dense", "units": 2, "activation": "softmax"}]},
            compile={"loss": "categorical_crossentropy", "metrics": ["top_k_categorical_accuracy"]},
        ),
        "#/compile/metrics/0",
        "metric_mismatch",
    ),
}


@pytest.mark.parametrize(("request_body", "pointer", "code"), WARNINGS.values(), ids=WARNINGS)
def test_what_is_probably_not_meant_is_warned_of_and_allowed(
    shared: Service, request_body: Any, pointer: str, code: str
) -> None:
    answer = shared.client.post(PATH, json=request_body)
    assert answer.status_code == 200, answer.text
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in answer.json()["warnings"]]


def test_a_sound_request_has_no_warnings(shared: Service) -> None:
    assert shared.client.post(PATH, json=small()).json()["warnings"] == []


def test_a_large_network_is_outlined_as_exactly_as_a_small_one(shared: Service) -> None:
    layers = [{"class_name": "Dense", "units": units} for units in (2000, 2000)]
    last = {"class_name": "Dense", "units": 1, "activation": "sigmoid"}
    view = shared.client.post(PATH, json=small(spec={"layers": [*layers, last]})).json()
    assert view["parameters"] == 3 * 2000 + 2001 * 2000 + 2001

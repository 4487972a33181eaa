"""What is understood of a file's compilation, and what happens to the rest."""

from typing import Any

import pytest

from service import nn
from service.exchange.compilation import compilation_of


def understood(**written: Any) -> dict[str, Any]:
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(2, activation="softmax")])
    return compilation_of(written, model)[0].model_dump(exclude_unset=True)


ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.5}}
OURS = {"class_name": "Adam", "learning_rate": 0.5}
WRAPPED = {"class_name": "MeanMetricWrapper", "config": {"fn": "mae"}}
WRITTEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"loss": "mse", "optimizer": "sgd", "metrics": ["mae"]}, {"loss": "mse", "optimizer": "sgd", "metrics": ["mae"]}),
    ({"loss": "mse", "optimizer": ADAM, "metrics": ["mine"]}, {"loss": "mse", "optimizer": OURS}),
    ({"loss": "mse", "optimizer": "mine", "metrics": ["mae"]}, {"loss": "mse", "metrics": ["mae"]}),
    ({"loss": "mse", "optimizer": "mine", "metrics": ["mine"]}, {"loss": "mse"}),
    ({"loss": "mine", "optimizer": "adam"}, {"loss": "categorical_crossentropy"}),
    ({"loss": None, "optimizer": "adam"}, {"loss": "categorical_crossentropy"}),
    ({"loss": [["mse"]], "metrics": [["mae", "mse"]]}, {"loss": "mse", "metrics": ["mae", "mse"]}),
    ({"loss": {"class_name": "function", "config": "mse", "registered_name": "mse"}}, {"loss": "mse"}),
    ({"loss": "mse", "metrics": [[WRAPPED]]}, {"loss": "mse", "metrics": ["mae"]}),
    ({"loss": {"a": "mse"}, "metrics": {"a": ["mae"]}}, {"loss": "mse", "metrics": ["mae"]}),
    ({"loss": {"a": "mse", "b": "mae"}}, {"loss": "categorical_crossentropy"}),
    ({"loss": "mse", "metrics": ["mine", "mae"]}, {"loss": "mse", "metrics": ["mae"]}),
    ({}, {"loss": "categorical_crossentropy"}),
]


@pytest.mark.parametrize(("written", "expected"), WRITTEN)
def test_what_nobody_here_knows_is_left_out(written: dict[str, Any], expected: dict[str, Any]) -> None:
    assert understood(**written) == expected


LEFT_OUT: list[tuple[dict[str, Any], list[str]]] = [
    ({"loss": "mse", "optimizer": "sgd", "metrics": ["mae"], "loss_weights": None}, []),
    ({}, []),
    ({"loss": "mine", "optimizer": "sgd"}, ["#/compile/loss"]),
    ({"loss": "mse", "optimizer": "mine", "metrics": ["mae", "mine"]}, ["#/compile/optimizer", "#/compile/metrics/1"]),
    ({"loss": "mse", "weighted_metrics": ["mine"]}, ["#/compile/weighted_metrics/0"]),
    ({"loss": "mse", "loss_weights": [0.5]}, ["#/compile/loss_weights"]),
    ({"loss": "mse", "loss_weights": {"a": 1.0}}, []),
]


@pytest.mark.parametrize(("written", "places"), LEFT_OUT)
def test_what_is_left_out_is_said(written: dict[str, Any], places: list[str]) -> None:
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(2, activation="softmax")])
    assert [warning.pointer for warning in compilation_of(written, model)[1]] == places

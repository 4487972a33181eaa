"""Registries: what a name, a class or a configuration is turned into, and what it is written as."""

import json
from typing import Any

import numpy as np
import pytest

from service import nn

THINGS: list[tuple[Any, Any]] = [
    (nn.activations, nn.activations.relu),
    (nn.constraints, nn.constraints.MaxNorm(0.5)),
    (nn.initializers, nn.initializers.HeNormal(seed=3)),
    (nn.layers, nn.layers.Dense(3, activation="relu", name="three")),
    (nn.losses, nn.losses.Huber(0.4)),
    (nn.metrics, nn.metrics.Precision(0.7)),
    (nn.optimizers, nn.optimizers.Adam(nn.optimizers.schedules.CosineDecay(0.1, 20))),
    (nn.optimizers.schedules, nn.optimizers.schedules.PiecewiseConstantDecay([2], [0.2, 0.1])),
    (nn.regularizers, nn.regularizers.L1L2(0.1, 0.2)),
]


@pytest.mark.parametrize(("module", "thing"), THINGS, ids=lambda part: type(part).__name__)
def test_serialize_and_deserialize_are_each_others_opposite_even_through_json(module: Any, thing: Any) -> None:
    written = json.loads(json.dumps(module.serialize(thing)))
    again = module.deserialize(written)
    assert type(again) is type(thing)
    assert module.serialize(again) == module.serialize(thing)


def test_a_configuration_names_what_was_given_as_an_object() -> None:
    given = {"class_name": "Constant", "value": 2}
    layer = nn.layers.Dense(1, activation=nn.activations.tanh, kernel_initializer=given)
    config = json.loads(json.dumps(layer.get_config()))
    assert config["activation"] == "tanh"
    assert config["kernel_initializer"] == given
    weighted = nn.metrics.AUC(label_weights=list(np.array([0.5, 1.0])))
    assert json.loads(json.dumps(weighted.get_config()))["label_weights"] == [0.5, 1.0]


def test_an_unknown_name_lists_the_known_ones_and_those_that_look_alike() -> None:
    with pytest.raises(
        nn.UnknownNameError, match=r"'rleu' is not the name of an activation\. Did you mean 'relu'"
    ) as e:
        nn.activations.get("rleu")
    assert "softmax" in str(e.value)
    with pytest.raises(nn.UnknownNameError, match="not the name of a layer"):
        nn.layers.deserialize("Dens")


def test_an_unknown_argument_lists_the_known_ones() -> None:
    with pytest.raises(nn.ArgumentError, match=r"did you mean 'units'\?"):
        nn.layers.deserialize({"class_name": "Dense", "unit": 3})


def test_registries_accept_names_classes_objects_and_configurations() -> None:
    registry = nn.initializers.REGISTRY
    for given in (
        "HeNormal",
        "he_normal",
        nn.initializers.HeNormal,
        nn.initializers.HeNormal(),
        {"class_name": "HeNormal"},
    ):
        assert isinstance(registry.get(given), nn.initializers.HeNormal)
    assert "he_normal" in registry
    assert nn.initializers.HeNormal in list(registry)
    with pytest.raises(nn.ArgumentError, match="initializer must be"):
        registry.get(3)

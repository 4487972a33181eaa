"""A folded network answers what it was folded from, in plain layers."""

from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn.folding import fold
from tests.support import recipes
from tests.support.architectures import ARCHITECTURES, made, rows_for, weighted


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_folded_network_predicts_what_the_network_predicts(name: str) -> None:
    model = made(name)
    np.testing.assert_allclose(
        fold(model).predict(rows_for(model)), model.predict(rows_for(model)), rtol=1e-5, atol=1e-6
    )


def test_realmlp_td_s_folds_to_dense_layers_alone() -> None:
    asked = recipes.realmlp_td_s(3, classifies=True, width=8)
    model = weighted([nn.Input((4,)), *(nn.layers.deserialize(layer) for layer in asked["spec"]["layers"])])
    folded = fold(model)
    assert [type(layer).__name__ for layer in folded.layers] == ["Dense"] * 4
    assert all(getattr(layer, "parametrization", "") == "standard" for layer in folded.layers)
    np.testing.assert_allclose(folded.predict(rows_for(model)), model.predict(rows_for(model)), rtol=1e-5)
    assert [weight.shape for weight in model.weights] == [(4,), (4, 8), (8,), (8, 8), (8,), (8, 8), (8,), (8, 3), (3,)]


@pytest.mark.parametrize(("alpha", "expected"), [(1.0, "Activation"), (0.5, "ParametricActivation")])
def test_an_activation_that_is_taken_whole_folds_to_itself(alpha: float, expected: str) -> None:
    initial = {"class_name": "Constant", "value": alpha}
    model = weighted([nn.Input((4,)), nn.layers.Dense(3, parametrization="ntk")])
    model.add(nn.layers.ParametricActivation("selu", alpha_initializer=initial))
    folded = fold(model)
    assert [type(layer).__name__ for layer in folded.layers] == ["Dense", expected]
    np.testing.assert_allclose(folded.predict(rows_for(model)), model.predict(rows_for(model)), rtol=1e-5, atol=1e-6)


def test_a_network_of_plain_layers_is_returned_as_it_is() -> None:
    model: Any = made("dense")
    assert fold(model) is model


def test_a_scale_without_a_dense_layer_behind_it_stays() -> None:
    model = weighted([nn.Input((4,)), nn.layers.Scale(), nn.layers.Activation("relu"), nn.layers.Dense(2)])
    folded = fold(model)
    assert [type(layer).__name__ for layer in folded.layers] == ["Scale", "Activation", "Dense"]
    np.testing.assert_array_equal(folded.predict(rows_for(model)), model.predict(rows_for(model)))

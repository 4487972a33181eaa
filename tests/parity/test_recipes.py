"""RealMLP and TabM, as a request says them, compute what `pytabkit` and `tabm` do from the same weights."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from service import nn
from service.spec import CompileSpec, ModelSpec
from tests.parity.recording import load
from tests.support import recipes

Array = np.ndarray[Any, Any]
BATCH, STEPS = 32, 20
NUMBERS = [0, 1, 2, 3]
"""The first columns of RealMLP's cases; three of a one-hot category follow, and the code of another."""

SMALL: dict[str, Any] = {"width": 8, "dropout": 0.0}
ASKED: dict[str, dict[str, Any]] = {
    "RealMLP-TD-S for classes": recipes.realmlp_td_s(3, classifies=True, width=8),
    "RealMLP-TD-S for numbers": recipes.realmlp_td_s(1, classifies=False, width=8),
    "RealMLP-TD for classes": recipes.realmlp_td(
        3, classifies=True, numbers=NUMBERS, one_hot=[4, 5, 6], codes={7: 13}, **SMALL
    ),
    "RealMLP-TD for numbers": recipes.realmlp_td(
        1, classifies=False, numbers=NUMBERS, one_hot=[4, 5, 6], codes={7: 13}, **SMALL
    ),
    "TabM-mini for classes": recipes.tabm_mini(3, classifies=True, chunks=[1, 1, 1, 4], members=5, **SMALL),
    "TabM-mini for numbers, embedded": recipes.tabm_mini(
        1, classifies=False, chunks=[4, 4, 4, 4], numbers=[0, 1, 2], members=5, bins=6, vector=4, **SMALL
    ),
}


def made(name: str) -> nn.Sequential:
    """The network of a case, which a request describes, with the weights that the other package began with."""
    case = load("recipes")[name]
    asked = ASKED[name]
    rate = asked["compile"]["optimizer"]["learning_rate"]
    if isinstance(rate, dict):
        rate["initial_learning_rate"] = 0.04  # as in all cases
    model = ModelSpec.model_validate(asked["spec"]).build(case["x"].shape[1], seed=0)
    model.compile(**CompileSpec.model_validate(asked["compile"]).arguments())
    given = iter([case[f"before.{place}"] for place in range(len(model.trainable_weights))])
    learnt = {id(weight) for weight in model.trainable_weights}
    model.set_weights([next(given) if id(weight) in learnt else weight.numpy() for weight in model.weights])
    for layer in getattr(model.layers[0], "inner_layers", []):
        if isinstance(layer, nn.layers.PiecewiseLinearEmbedding):
            layer.initialize_from(case["x"][:, [0, 1, 2]], case["y"])
    return model


def targets(case: dict[str, Array]) -> tuple[Array, float, float]:
    """The targets as they are trained on, and what brings values back to the units of the data."""
    y = case["y"].reshape(len(case["y"]), -1)
    return y, 0.0, 1.0


def standardized(name: str, case: dict[str, Array]) -> tuple[Array, float, float]:
    """The same with mean 0 and deviation 1, where the recipe standardizes them."""
    y, mean, deviation = targets(case)
    if name.startswith("RealMLP") and name.endswith("numbers"):
        mean, deviation = float(y.mean()), float(y.std())
    return (y - mean) / deviation, mean, deviation


def answers(model: nn.Sequential, x: Array) -> Array:
    return (
        np.log(np.maximum(model.predict(x), 1e-30))
        if model.layers[-1].output_activation == "softmax"
        else model.predict(x)
    )


def logits(name: str, recorded: Array) -> Array:
    """What RealMLP records for classes are logits, of which ours are known up to a number for each row."""
    if not name.endswith("classes"):
        return recorded
    if name.startswith("TabM"):
        return np.log(recorded)
    return np.asarray(nn.activations.log_softmax(recorded))


@pytest.fixture(params=["float32", "float64"])
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    """What everything is computed in."""
    nn.config.set_floatx(request.param)
    yield request.param
    nn.config.set_floatx("float32")


@pytest.mark.parametrize("name", ASKED)
def test_a_recipe_predicts_what_its_authors_package_predicts(name: str, precision: str) -> None:
    case, model = load("recipes")[name], made(name)
    y, mean, deviation = standardized(name, case)
    clamp = model.layers[-1]
    if isinstance(clamp, nn.layers.Clamp):
        clamp.initialize_from(case["x"], y)
    found = answers(model, case["x"]) * deviation + mean
    np.testing.assert_allclose(found, logits(name, case["predicted.before"]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ASKED)
def test_a_recipe_is_trained_as_its_authors_package_trains_it(name: str) -> None:
    nn.config.set_floatx("float64")
    try:
        case, model = load("recipes")[name], made(name)
        y, mean, deviation = standardized(name, case)
        model.optimizer.build(model.parameters)
        model.optimizer.expect(STEPS)
        for step in range(STEPS):
            rows = slice(step % 3 * BATCH, (step % 3 + 1) * BATCH)
            model.train_on_batch(case["x"][rows], y[rows])
        for place, weight in enumerate(model.trainable_weights):
            expected = case[f"after.{place}"]
            assert not np.allclose(case[f"before.{place}"], expected, rtol=0, atol=1e-5), weight.path
            np.testing.assert_allclose(weight.value, expected, rtol=1e-6, atol=1e-6, err_msg=weight.path)
        if isinstance(model.layers[-1], nn.layers.Clamp):
            model.layers[-1].initialize_from(case["x"], y)
        found = answers(model, case["x"]) * deviation + mean
        np.testing.assert_allclose(found, logits(name, case["predicted.after"]), rtol=1e-5, atol=1e-5)
    finally:
        nn.config.set_floatx("float32")


def test_the_bins_of_an_embedding_are_those_of_its_authors_package() -> None:
    case, layer = load("recipes")["TabM-mini for numbers, embedded"], nn.layers.PiecewiseLinearEmbedding(4, 6)
    layer.build((None, 3))
    layer.initialize_from(case["x"][:, :3], case["y"])
    for place in range(3):
        np.testing.assert_allclose(np.unique(layer.edges.value[place]), case[f"edges.{place}"], rtol=1e-6)

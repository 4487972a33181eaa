"""Optimizers become Keras's variables and come back; what does not fit changes nothing."""

from typing import Any

import numpy as np
import pytest

from service import nn
from service.config import Limits
from service.exchange.exporting import export
from service.exchange.importing import import_file
from service.exchange.keras.file import read_keras_file
from service.exchange.keras.optimizer import keras_variables, read_keras_variables
from service.formats.weights import pack, unpack
from service.nn.optimizers import REGISTRY, Optimizer, get
from service.versions import NewVersion
from tests.support.versions import new_version, published

X = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
NAMES = sorted(REGISTRY.classes())
RICH: dict[str, Any] = {
    "amsgrad": {"class_name": "Adam", "amsgrad": True},
    "average": {"class_name": "Adam", "use_ema": True, "gradient_accumulation_steps": 2},
    "average of factors": {"class_name": "Adafactor", "use_ema": True, "learning_rate": 0.01},
    "matrices left out": {"class_name": "Muon", "exclude_layers": ["dense_1"], "gradient_accumulation_steps": 3},
    "everything": {"class_name": "RMSprop", "momentum": 0.5, "centered": True},
    "schedule": {"class_name": "SGD", "momentum": 0.5, "learning_rate": {
        "class_name": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 9}},
}  # fmt: skip


def fitted(optimizer: Any, epochs: int = 2) -> nn.Sequential:
    model = nn.Sequential()
    model.seed = 1
    for layer in (nn.Input((3,)), nn.layers.Dense(4, "tanh", trainable=True), nn.layers.Dense(1)):
        model.add(layer)
    model.compile(optimizer, "mse")
    model.fit(X, X[:, :1], epochs=epochs, batch_size=5, shuffle=False, verbose=0)
    return model


def fresh(optimizer: Any) -> Optimizer:
    made: Optimizer = get(optimizer)
    made.build(fitted(optimizer, epochs=1).parameters)
    return made


@pytest.mark.parametrize("name", [*NAMES, *RICH])
def test_what_an_optimizer_remembers_comes_back(name: str) -> None:
    asked = RICH.get(name, {"class_name": name})
    optimizer = fitted(asked).optimizer
    variables = keras_variables(optimizer)
    assert variables is not None
    other = fresh(asked)
    assert read_keras_variables(other, variables)
    before, after = optimizer.get_state(), other.get_state()
    before.pop("unaveraged", None)
    assert before.keys() == after.keys()
    for key, array in before.items():
        np.testing.assert_allclose(after[key], array, rtol=1e-6, err_msg=key)


def test_an_optimizer_without_weights_has_no_variables() -> None:
    assert keras_variables(get("adam")) is None


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, -1), (0, 2**31), (0, np.nan), (1, -0.1), (1, np.inf), (2, np.full((3, 4), np.nan)), (2, np.zeros((4, 3)))],
)
def test_variables_that_do_not_fit_change_nothing(place: int, value: Any) -> None:
    variables = keras_variables(fitted("adam").optimizer)
    assert variables is not None
    variables[place] = np.asarray(value, np.float64)
    optimizer = fresh("adam")
    before = optimizer.get_state()
    assert not read_keras_variables(optimizer, variables)
    assert not read_keras_variables(optimizer, variables[:-1])
    for key, array in optimizer.get_state().items():
        np.testing.assert_array_equal(array, before[key])


def exchanged(model: nn.Sequential, compile_: dict[str, Any]) -> NewVersion:
    """A version of the model, exported as `.keras` and imported again."""
    spec: dict[str, Any] = {"layers": [nn.layers.serialize(layer) for layer in model.layers]}
    weights = pack({weight.path: weight.numpy() for weight in model.weights})
    parts = {"spec": spec, "compile": compile_, "input": {"shape": [None, 3]}, "output": {"classes": None}}
    version = published(new_version(**parts, weights=weights))
    file = export(version, weights, "keras", pack(model.optimizer.get_state()))
    return import_file(read_keras_file(file.content, Limits()), Limits())


@pytest.mark.parametrize("name", ["adam", "adafactor", "muon", *RICH])
def test_an_exported_version_brings_its_optimizer_along_when_it_is_imported(name: str) -> None:
    asked = RICH.get(name, name)
    model = fitted(asked)
    made = exchanged(model, {"optimizer": asked, "loss": "mse"})
    assert made.optimizer is not None
    state, own = unpack(made.optimizer)[0], model.optimizer.get_state()
    own.pop("unaveraged", None)
    assert state.keys() == own.keys()
    for key, array in own.items():
        np.testing.assert_allclose(state[key], array, rtol=1e-6, err_msg=key)
    for ours, theirs in zip(model.get_weights(), unpack(made.weights)[0].values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)

"""A training goes from us to Keras and back: each takes the optimizer up where the other has left it."""

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service import nn
from service.config import Limits
from service.exchange.importing import import_file
from service.exchange.keras.archive import write_archive
from service.exchange.keras.file import read_keras_file
from service.formats.weights import unpack
from service.nn import optimizers
from service.spec import CompileSpec, ModelSpec
from tests.oracles.test_keras import PYTHON

EPOCHS = 3
RNG = np.random.default_rng(8)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = np.stack([X[:, 0] - X[:, 1], np.tanh(X[:, 2])], axis=1).astype(np.float32)

OPTIMIZERS: dict[str, Callable[[], optimizers.Optimizer]] = {
    "sgd": optimizers.SGD,
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.01),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "lamb": lambda: optimizers.Lamb(0.01),
    "lion": lambda: optimizers.Lion(0.001),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "rmsprop of everything": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.05),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "ftrl": lambda: optimizers.Ftrl(0.05),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.05, 40)),
    "average": lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "adafactor": lambda: optimizers.Adafactor(0.01),
    "adafactor of everything": lambda: optimizers.Adafactor(
        optimizers.schedules.CosineDecay(0.05, 40), use_ema=True, ema_momentum=0.9
    ),
    "muon": lambda: optimizers.Muon(0.01),
    "muon of some": lambda: optimizers.Muon(0.01, exclude_layers=["dense_2"], gradient_accumulation_steps=2),
    "accumulation": lambda: optimizers.SGD(0.1, momentum=0.9, gradient_accumulation_steps=3),
}

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="`make .venv-oracles/.ready` brings Keras")


def fitted(name: str, rounds: int = 1) -> nn.Sequential:
    """A network after so many rounds of training with the optimizer of this name, its second layer not trained."""
    model = nn.Sequential()
    model.seed = 3
    normal, frozen = nn.layers.BatchNormalization(), nn.layers.Dense(6, trainable=False)
    for layer in (nn.Input((4,)), nn.layers.Dense(6, "tanh"), frozen, normal, nn.layers.Dense(2)):
        model.add(layer)
    model.compile(OPTIMIZERS[name](), "mean_squared_error")
    for _ in range(rounds):
        fit(model)
    return model


def fit(model: nn.Sequential) -> None:
    model.fit(X, Y, batch_size=8, epochs=EPOCHS, shuffle=False, verbose=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each optimizer, with what Keras made of our training."""
    root = tmp_path_factory.mktemp("trained")
    for name in OPTIMIZERS:
        (root / name).mkdir()
        (root / name / "model.keras").write_bytes(write_archive(fitted(name), datetime(2026, 1, 1, tzinfo=UTC)))
    np.save(root / "x.npy", X)
    np.save(root / "y.npy", Y)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTHON"))}
    command = [str(PYTHON), str(Path(__file__).with_name("trainer.py")), str(root), str(EPOCHS)]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return root


def weights_in(file: Path) -> list[Any]:
    with np.load(file) as arrays:
        return [arrays[name] for name in arrays.files]


def close(ours: list[Any], theirs: list[Any]) -> None:
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own, other, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_keras_goes_on_with_our_optimizer_as_we_do(folder: Path, name: str) -> None:
    said = json.loads((folder / name / "said.json").read_text(encoding="utf-8"))
    assert [warning for warning in said if "optimizer" in warning] == []
    close(fitted(name, 2).get_weights(), weights_in(folder / name / "trained.npz"))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_we_go_on_with_the_optimizer_of_keras_as_it_does(folder: Path, name: str) -> None:
    made = import_file(read_keras_file((folder / name / "trained.keras").read_bytes(), Limits()), Limits())
    assert made.optimizer is not None
    model = ModelSpec.model_validate(made.spec).build(4)
    model.set_weights(list(unpack(made.weights)[0].values()))
    model.compile(**CompileSpec.model_validate(made.compile).arguments())
    model.optimizer.build(model.parameters)
    model.optimizer.set_state(unpack(made.optimizer)[0])
    fit(model)
    close(model.get_weights(), weights_in(folder / name / "later.npz"))

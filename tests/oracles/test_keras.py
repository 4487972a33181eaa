"""Our `.keras` files, judged by real Keras in an environment of its own, which `make test` sets up."""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service import nn
from service.exchange.keras.archive import KERAS_VERSION, write_archive
from service.exchange.keras.plain import in_plain_layers
from tests.support.architectures import ARCHITECTURES, made, rows_for

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-oracles/bin/python"
ONLY_HERE = {"sparsemax", "glu", "places", "embedded columns", "members", "calibrated members", "bag"}
"""What is refused, because Keras would compute something else."""

NAMES = sorted(set(ARCHITECTURES) - ONLY_HERE)
SAVED_AT = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="`make .venv-oracles/.ready` brings Keras")


def compiled(name: str) -> nn.Sequential:
    """The network of this name, compiled with objects and a schedule."""
    model = made(name)
    rate = nn.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    loss, metric = nn.losses.Huber(delta=0.5), nn.metrics.RootMeanSquaredError()
    model.compile(nn.optimizers.SGD(rate, momentum=0.9), loss, metrics=["mae", metric])
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each architecture, with what Keras predicted."""
    root = tmp_path_factory.mktemp("oracle")
    for name in NAMES:
        model = compiled(name)
        (root / name).mkdir()
        (root / name / "model.keras").write_bytes(write_archive(model, SAVED_AT))
        np.save(root / name / "x.npy", rows_for(model))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTHON"))}
    command = [str(PYTHON), str(Path(__file__).with_name("judge.py")), str(root)]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return root


@pytest.mark.parametrize("name", NAMES)
def test_keras_predicts_what_the_network_predicts(folder: Path, name: str) -> None:
    model = made(name)
    expected = model.predict(rows_for(model))
    tolerance = 1e-6 * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(np.load(folder / name / "y.npy"), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_keras_finds_the_same_network_compiled_the_same(folder: Path, name: str) -> None:
    model = in_plain_layers(made(name))
    said: dict[str, Any] = json.loads((folder / name / "said.json").read_text(encoding="utf-8"))
    assert said["layers"] == [layer.name for layer in model.layers]
    assert said["parameters"] == model.count_params()
    assert (said["loss"], said["optimizer"]) == ("Huber", "SGD")
    # A version has no slots of an optimizer: Keras says so, and begins with new ones.
    assert [warning for warning in said["warnings"] if "optimizer" not in warning] == []


def test_the_layout_is_that_of_the_judge() -> None:
    command = [str(PYTHON), "-c", "import keras; print(keras.__version__)"]
    said = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "KERAS_BACKEND": "jax"}
    )
    assert said.stdout.split()[-1] == KERAS_VERSION

"""Files of real Keras 2 (tf_keras): the same network, compilation and rate of learning come out of them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service import nn
from service.config import Limits
from service.exchange.importing import import_file, import_json
from service.exchange.keras.file import read_keras_file
from service.formats.weights import unpack
from service.spec import CompileSpec, ModelSpec
from service.versions import NewVersion
from tests.oracles.test_keras import PYTHON

HAS_TF_KERAS = any(PYTHON.parent.parent.glob("lib/python*/site-packages/tf_keras"))
NETWORKS = (
    "relu",
    "hard sigmoid",
    "leaky relu",
    "activations",
    "frozen",
    "functional",
    "nested",
    "penalized",
    "normalized",
)
LOSSES = (
    "smoothed",
    "of logits",
    "huber",
    "huber by name",
    "focal",
    "categorical focal",
    "cosine",
    "sum",
    "logcosh",
    "divergence",
    "by output",
)
NEW = ("adam", "adamw", "sgd", "rmsprop", "adagrad", "adadelta", "adamax", "ftrl", "average")
OLD = ("old sgd", "old adam", "old adamax", "old adagrad", "old rmsprop", "old adadelta")

pytestmark = pytest.mark.skipif(not HAS_TF_KERAS, reason="tf_keras is not in .venv-oracles (Python 3.14 has none yet)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What tf_keras wrote."""
    root = tmp_path_factory.mktemp("keras_2")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTHON"))}
    command = [str(PYTHON), str(Path(__file__).with_name("keras_2.py")), str(root)]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return root


def read(path: Path) -> NewVersion:
    return import_file(read_keras_file(path.read_bytes(), Limits()), Limits())


def built(made: NewVersion) -> nn.Sequential:
    """The version as a network that is compiled as it was."""
    model = ModelSpec.model_validate(made.spec).build(made.input["shape"][-1])
    model.set_weights(list(unpack(made.weights)[0].values()))
    model.compile(**CompileSpec.model_validate(made.compile).arguments())
    return model


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_keras_2_predicts_and_is_penalized_as_there(folder: Path, name: str, suffix: str) -> None:
    path = folder / f"network {name}{suffix}"
    with np.load(path.with_suffix(".npz")) as there:
        made = read(path)
        model = built(made)
        np.testing.assert_allclose(model.predict(there["x"], verbose=0), there["predicted"], rtol=0, atol=2e-6)
        loss = model.evaluate(there["x"], there["y"], batch_size=24, verbose=0)
        np.testing.assert_allclose(loss, there["measured"][0], rtol=2e-6)
    assert made.warnings == ()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_json_and_the_weights_of_keras_2_are_the_same_network(folder: Path, name: str) -> None:
    path = folder / f"network {name}.json"
    text = path.read_text(encoding="utf-8")
    with np.load(path.with_suffix(".npz")) as there:
        weights = [there[f"weight{place}"].tolist() for place in range(sum(key[:6] == "weight" for key in there))]
        for spec in (text, json.loads(text)):
            _, made = import_json({"spec": spec, "weights": weights, "compile": {"loss": "mse"}}, Limits())
            predicted = built(made).predict(there["x"], verbose=0)
            np.testing.assert_allclose(predicted, there["predicted"], rtol=0, atol=2e-6)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_metrics_of_keras_2_keep_their_arguments_and_names(folder: Path, name: str, suffix: str) -> None:
    path = folder / f"loss {name}{suffix}"
    with np.load(path.with_suffix(".npz")) as there:
        made = read(path)
        ours: Any = built(made).evaluate(there["x"], there["y"], batch_size=24, verbose=0, return_dict=True)
        theirs = dict(zip(there["names"].tolist(), there["measured"].tolist(), strict=True))
    assert made.warnings == ()
    assert ours.keys() == theirs.keys()
    np.testing.assert_allclose(list(ours.values()), [theirs[key] for key in ours], rtol=3e-6)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("name", NEW + OLD)
def test_a_training_with_an_optimizer_of_keras_2_learns_what_it_learns_there(
    folder: Path, name: str, suffix: str
) -> None:
    path = folder / f"optimizer {name}{suffix}"
    with np.load(path.with_suffix(".npz")) as there:
        made = read(path)
        history = built(made).fit(there["x"], there["y"], batch_size=8, epochs=3, shuffle=False, verbose=0).history
        # The old RMSprop added epsilon to the root, where all others add it within.
        np.testing.assert_allclose(history["loss"], there["learnt"], rtol=1e-3 if name == "old rmsprop" else 2e-5)
    assert made.warnings == ()
    assert made.compile["optimizer"]["class_name"].lower() == name.removeprefix("old ").replace("average", "adam")


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_nadam_of_keras_2_keeps_its_rate_and_an_old_one_is_left_out_with_a_warning(folder: Path, suffix: str) -> None:
    """What tf_keras learns with it is no measure: it counts the product of the momenta once for each graph."""
    made = read(folder / f"optimizer nadam{suffix}")
    assert made.warnings == ()
    assert made.compile["optimizer"]["class_name"] == "Nadam"
    np.testing.assert_allclose(made.compile["optimizer"]["learning_rate"], 0.05, rtol=1e-6)
    old = read(folder / f"optimizer old nadam{suffix}")
    assert "optimizer" not in old.compile
    assert [warning.pointer for warning in old.warnings] == ["#/compile/optimizer"]

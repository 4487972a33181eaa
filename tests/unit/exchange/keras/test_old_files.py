"""Files as Keras 2.0 to 2.2.2 documented them, for which no writer can be installed any more."""

import io
import json
from typing import Any

import h5py
import numpy as np
import pytest

from service.config import Limits
from service.errors import Invalid
from service.exchange.importing import import_file, import_json
from service.exchange.keras.file import read_keras_file
from service.formats.weights import unpack
from service.prediction import LoadedVersion
from service.spec import ModelSpec
from service.versions import NewVersion

RNG = np.random.default_rng(3)
KERNELS = [RNG.normal(size=shape).astype(np.float32) for shape in ((3, 4), (4, 2))]
BIASES = [RNG.normal(size=units).astype(np.float32) for units in (4, 2)]
X = RNG.normal(size=(6, 3)).astype(np.float32)


def dense(number: int, units: int, activation: str, **further: Any) -> dict[str, Any]:
    """A layer as Keras 2.0 wrote it."""
    scaling = {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}
    empty = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint")
    config = {
        "name": f"dense_{number}",
        "trainable": True,
        "units": units,
        "activation": activation,
        "use_bias": True,
        "kernel_initializer": {"class_name": "VarianceScaling", "config": scaling},
        "bias_initializer": {"class_name": "Zeros", "config": {}},
        **dict.fromkeys(empty),
    }
    return {"class_name": "Dense", "config": {**config, **further}}


LAYERS = [
    dense(1, 4, "hard_sigmoid", batch_input_shape=[None, 3], dtype="float32"),
    {"class_name": "Dropout", "config": {"name": "dropout_1", "trainable": True, "rate": 0.5}},
    dense(2, 2, "softmax"),
]
NETWORK = {"class_name": "Sequential", "config": LAYERS}


def expected(x: Any) -> Any:
    """What Keras 2 computed: its hard sigmoid is clip(0.2 x + 0.5)."""
    hidden = np.clip(0.2 * (x @ KERNELS[0] + BIASES[0]) + 0.5, 0, 1)
    scores = np.exp(hidden @ KERNELS[1] + BIASES[1])
    return scores / scores.sum(axis=1, keepdims=True)


def file_of(optimizer: dict[str, Any], version: str = "2.1.6", **training: Any) -> bytes:
    """The HDF5 file of the network, compiled with this optimizer."""
    told = {"loss": "categorical_crossentropy", "metrics": ["acc"], "sample_weight_mode": None, "loss_weights": None}
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = version.encode(), b"theano"
        file.attrs["model_config"] = json.dumps(NETWORK).encode()
        file.attrs["training_config"] = json.dumps({**told, "optimizer_config": optimizer, **training}).encode()
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [b"dense_1", b"dropout_1", b"dense_2"]
        root.create_group("dropout_1").attrs["weight_names"] = np.array([], "S")
        for number in (1, 2):
            group = root.create_group(f"dense_{number}")
            group.attrs["weight_names"] = [f"dense_{number}/{name}:0".encode() for name in ("kernel", "bias")]
            group.create_dataset(f"dense_{number}/kernel:0", data=KERNELS[number - 1])
            group.create_dataset(f"dense_{number}/bias:0", data=BIASES[number - 1])
    return content.getvalue()


SGD = {"class_name": "SGD", "config": {"lr": 0.01, "momentum": 0.9, "decay": 1e-3, "nesterov": False}}
ADAGRAD = {"class_name": "Adagrad", "config": {"lr": 0.01, "decay": 0.0, "epsilon": 1e-7}}
ADAM = {"class_name": "Adam", "config": {"lr": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": None, "decay": 0.0}}
NADAM = {
    "class_name": "Nadam",
    "config": {"lr": 0.002, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "schedule_decay": 0.004},
}


def imported(content: bytes) -> NewVersion:
    return import_file(read_keras_file(content, Limits()), Limits())


@pytest.mark.parametrize("version", ["2.0.0", "2.1.6", "2.2.2"])
def test_a_file_whose_config_is_a_list_predicts_by_the_formulas_of_keras_2(version: str) -> None:
    made = imported(file_of(SGD, version))
    loaded = LoadedVersion(made, made.weights)
    np.testing.assert_allclose(loaded.predict(X), expected(X), rtol=2e-6)
    assert made.compile["metrics"] == ["acc"]


def test_the_rate_decays_as_it_did() -> None:
    rate = imported(file_of(SGD)).compile["optimizer"]["learning_rate"]
    assert rate == {
        "class_name": "InverseTimeDecay",
        "initial_learning_rate": 0.01,
        "decay_steps": 1.0,
        "decay_rate": 0.001,
    }


def test_what_an_old_optimizer_does_not_say_is_what_it_was_then() -> None:
    assert imported(file_of(ADAGRAD)).compile["optimizer"]["initial_accumulator_value"] == 0
    assert imported(file_of(ADAM)).compile["optimizer"] == {
        "class_name": "Adam",
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
    }


def test_an_optimizer_that_keras_3_cannot_be_is_left_out_with_a_warning() -> None:
    made = imported(file_of(NADAM))
    assert "optimizer" not in made.compile
    assert [warning.pointer for warning in made.warnings] == ["#/compile/optimizer"]


def test_the_network_and_weights_may_come_as_json() -> None:
    weights = [array.tolist() for pair in zip(KERNELS, BIASES, strict=True) for array in pair]
    for spec in (NETWORK, json.dumps(NETWORK)):
        _, made = import_json({"spec": spec, "weights": weights}, Limits())
        loaded = LoadedVersion(made, made.weights)
        np.testing.assert_allclose(loaded.predict(X), expected(X), rtol=2e-6)


def test_a_mistake_in_a_list_is_found_where_it_stands() -> None:
    wrong = {"class_name": "Sequential", "config": [LAYERS[0], LAYERS[1], dense(2, 0, "softmax")]}
    with pytest.raises(Invalid) as refused:
        import_json({"spec": wrong, "weights": []}, Limits())
    assert [finding.pointer for finding in refused.value.findings] == ["#/spec/config/2/config/units"]


def test_what_keras_2_wrote_may_be_trained_anew() -> None:
    spec = ModelSpec.model_validate({"layers": LAYERS})
    assert [layer["class_name"] for layer in spec.model_dump()["layers"]] == ["Dense", "Dropout", "Dense"]
    assert unpack(imported(file_of(SGD)).weights)[0].keys() >= {"dense_1/kernel", "dense_2/bias"}

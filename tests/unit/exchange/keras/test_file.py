"""Files that real Keras wrote (`files/record.py`), and what Keras predicted with them."""

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from service.config import Limits
from service.errors import Malformed
from service.exchange.importing import import_file
from service.exchange.keras.file import read_keras_file
from service.prediction import LoadedVersion
from service.versions import NewVersion

FOLDER = Path(__file__).parent / "files"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".keras", ".h5"))


def imported(content: bytes) -> NewVersion:
    return import_file(read_keras_file(content, Limits()), Limits())


def predicted(made: NewVersion, x: Any) -> Any:
    loaded = LoadedVersion(made, made.weights)
    return loaded.predict(x)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_keras_predicts_what_keras_predicts(name: str) -> None:
    path = FOLDER / name
    with np.load(path.with_suffix(".npz")) as recorded:
        made = imported(path.read_bytes())
        np.testing.assert_allclose(predicted(made, recorded["x"]), recorded["y"], rtol=5e-6, atol=1e-6)
    assert made.environment["keras"] == "3.15.1"
    assert made.environment["imported_from"] == {".keras": "keras", ".h5": "hdf5"}[path.suffix]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_optimizer_loss_and_metrics_come_from_the_file(suffix: str) -> None:
    dense = imported((FOLDER / f"dense{suffix}").read_bytes()).compile
    assert (dense["loss"], dense["metrics"]) == ("categorical_crossentropy", ["accuracy"])
    assert dense["optimizer"]["class_name"] == "Adam"
    objects = imported((FOLDER / f"normalizing{suffix}").read_bytes()).compile
    assert objects["loss"]["class_name"] == "Huber"
    assert objects["optimizer"]["learning_rate"]["class_name"] == "CosineDecay"
    assert [metric["class_name"] for metric in objects["metrics"]] == ["MeanAbsoluteError", "RootMeanSquaredError"]
    assert imported((FOLDER / f"shaping{suffix}").read_bytes()).compile["loss"] == "mean_absolute_error"


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_network_that_was_never_compiled_gets_the_loss_of_its_outputs(suffix: str) -> None:
    assert imported((FOLDER / f"embedding{suffix}").read_bytes()).compile == {"loss": "binary_crossentropy"}


KERAS_2 = {
    "class_name": "Sequential",
    "config": {
        "name": "sequential",
        "layers": [
            {
                "class_name": "InputLayer",
                "config": {
                    "batch_input_shape": [None, 3],
                    "dtype": "float32",
                    "sparse": False,
                    "ragged": False,
                    "name": "dense_input",
                },
            },
            {
                "class_name": "Dense",
                "config": {
                    "name": "dense",
                    "trainable": True,
                    "batch_input_shape": [None, 3],
                    "dtype": "float32",
                    "units": 2,
                    "activation": "linear",
                    "use_bias": True,
                    "kernel_initializer": {
                        "class_name": "VarianceScaling",
                        "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None},
                    },
                    "bias_initializer": {"class_name": "Zeros", "config": {"dtype": "float32"}},
                    "kernel_regularizer": None,
                    "bias_regularizer": None,
                    "activity_regularizer": None,
                    "kernel_constraint": None,
                    "bias_constraint": None,
                },
            },
            {
                "class_name": "BatchNormalization",
                "config": {
                    "name": "batch_normalization",
                    "trainable": True,
                    "dtype": "float32",
                    "axis": [1],
                    "momentum": 0.99,
                    "epsilon": 0.001,
                    "center": True,
                    "scale": True,
                    "beta_initializer": {"class_name": "Zeros", "config": {}},
                    "gamma_initializer": {"class_name": "Ones", "config": {}},
                    "moving_mean_initializer": {"class_name": "Zeros", "config": {}},
                    "moving_variance_initializer": {"class_name": "Ones", "config": {}},
                    "beta_regularizer": None,
                    "gamma_regularizer": None,
                    "beta_constraint": None,
                    "gamma_constraint": None,
                },
            },
            {"class_name": "LeakyReLU", "config": {"name": "leaky_re_lu", "dtype": "float32", "alpha": 0.25}},
        ],
    },
}  # fmt: skip
TRAINED_BY_KERAS_2 = {
    "loss": "mse",
    "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "mae", "dtype": "float32", "fn": "mae"}}]],
    "weighted_metrics": None,
    "loss_weights": None,
    "optimizer_config": {
        "class_name": "Adam",
        "config": {"name": "Adam", "learning_rate": 0.001, "decay": 0.0, "beta_1": 0.9, "beta_2": 0.999,
                   "epsilon": 1e-07, "amsgrad": False},
    },
}  # fmt: skip


def test_a_file_of_keras_2_becomes_the_same_network() -> None:
    rng = np.random.default_rng(2)
    kernel, bias = rng.random((3, 2), np.float32), rng.random(2, np.float32)
    gamma, beta, mean, variance = rng.random((4, 2), np.float32)
    weights = {
        "dense": {"dense/kernel:0": kernel, "dense/bias:0": bias},
        "batch_normalization": {
            "batch_normalization/gamma:0": gamma,
            "batch_normalization/beta:0": beta,
            "batch_normalization/moving_mean:0": mean,
            "batch_normalization/moving_variance:0": variance,
        },
        "leaky_re_lu": {},
    }
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["keras_version"] = b"2.4.0"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(KERAS_2).encode()
        file.attrs["training_config"] = json.dumps(TRAINED_BY_KERAS_2).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for layer, arrays in weights.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = np.array([name.encode() for name in arrays], "S")
            for name, array in arrays.items():
                inner.create_dataset(name, data=array)
    made = imported(content.getvalue())
    x = rng.normal(size=(4, 3)).astype(np.float32)
    y = gamma * (x @ kernel + bias - mean) / np.sqrt(variance + 0.001) + beta
    np.testing.assert_allclose(predicted(made, x), np.where(y > 0, y, 0.25 * y), rtol=1e-5)
    assert made.environment["keras"] == "2.4.0"
    assert made.compile["metrics"] == ["mae"]
    assert made.compile["optimizer"]["class_name"] == "Adam"


def test_names_that_keras_cuts_into_several_attributes_are_read_in_order() -> None:
    content = io.BytesIO((FOLDER / "dense.h5").read_bytes())
    with h5py.File(content, "r+") as file:
        group = file["model_weights"]
        names = list(group.attrs["layer_names"])
        del group.attrs["layer_names"]
        for number, name in enumerate(names):
            group.attrs[f"layer_names{number}"] = [name]
    assert imported(content.getvalue()).weights == imported((FOLDER / "dense.h5").read_bytes()).weights


@pytest.mark.parametrize("content", [b"", b"PK", b"no file at all", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        read_keras_file(content, Limits())

"""What a part of a network makes of given numbers, with any arguments: asked of Keras and of `service.nn` alike.

Run by `test_arguments.py` with the Python of `.venv-oracles`, which has Keras and nothing of ours:

    .venv-oracles/bin/python tests/oracles/probes.py CASES.json SAID.json

A case is `[kind, class name, arguments]`; Keras says `{"refused": why}` or `{"values": numbers}` to each.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SMALL = np.random.default_rng(5)
ROWS = SMALL.normal(size=(4, 4)).astype(np.float32)
BLOCKS = SMALL.normal(size=(2, 3, 4)).astype(np.float32)
SHARES = np.array([[0.7, 0.2, 0.1, 0.0], [0.1, 0.6, 0.2, 0.1], [0.3, 0.3, 0.2, 0.2], [0.0, 0.1, 0.1, 0.8]], np.float32)
ONE_HOT = np.eye(4, dtype=np.float32)[[0, 1, 3, 3]]
INDICES = np.array([0, 1, 3, 3])
WEIGHTS = np.array([1.0, 2.0, 0.5, 1.0], np.float32)
FREE_TO_DRAW = {"GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal"}
FREE_TO_DRAW |= {"RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"}
"""Initializers of which only the shape is compared, because each library has random numbers of its own."""


def layer(keras: Any, made: Any) -> list[Any]:
    """The output for rows; a layer is asked about blocks of rows as well where it takes both."""
    x = np.zeros((4, 1), np.int32) if type(made).__name__ == "Embedding" else ROWS
    first = np.asarray(made(x))
    again = type(made).from_config(made.get_config())
    return [first, np.asarray(again(BLOCKS))] if type(made).__name__ in OF_BLOCKS else [first]


OF_BLOCKS = ("LayerNormalization", "RMSNormalization", "UnitNormalization", "GroupNormalization", "BatchNormalization")


def loss(keras: Any, made: Any) -> list[Any]:
    """The loss of shares, with weights and without."""
    sparse = type(made).__name__ in ("SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy")
    y = INDICES if sparse else ONE_HOT
    return [made(y, SHARES), made(y, SHARES, WEIGHTS)]


def metric(keras: Any, made: Any) -> list[Any]:
    """The metric of shares, with weights and without."""
    y = INDICES if type(made).__name__.startswith("Sparse") else ONE_HOT
    values = [made(y, SHARES)]
    made.reset_state()
    return [*values, made(y, SHARES, WEIGHTS)]


def optimizer(keras: Any, made: Any) -> list[Any]:
    """A matrix and a vector after two steps."""
    start = (np.full((2, 3), 0.5, np.float32), np.full(3, -0.5, np.float32))
    gradients = (np.arange(6, dtype=np.float32).reshape(2, 3) - 2, np.array([1.0, 0.0, -3.0], np.float32))
    if keras.__name__ == "keras":
        variables = [keras.Variable(value) for value in start]
        for _ in range(2):
            made.apply([np.copy(gradient) for gradient in gradients], variables)
        return [np.asarray(variable) for variable in variables]
    from service.nn.initializers import Zeros
    from service.nn.variable import Parameters, Variable

    owned = [Variable(str(place), np.copy(value), initializer=Zeros()) for place, value in enumerate(start)]
    made.build(Parameters(owned, np.float32))
    for _ in range(2):
        for variable, gradient in zip(owned, gradients, strict=True):
            variable.gradient[...] = gradient
        made.step()
    return [variable.value for variable in owned]


def initializer(keras: Any, made: Any) -> list[Any]:
    """The weights of a square matrix."""
    value = np.asarray(made((3, 3)))
    return [np.array(value.shape)] if type(made).__name__ in FREE_TO_DRAW else [value]


def of_weights(keras: Any, made: Any) -> list[Any]:
    """What a regularizer or constraint makes of a matrix."""
    return [made(keras.ops.convert_to_tensor(ROWS) if keras.__name__ == "keras" else ROWS)]


def schedule(keras: Any, made: Any) -> list[Any]:
    """The rates of some steps."""
    return [made(step) for step in (0, 3, 50, 2000)]


PROBES: dict[str, tuple[str, Callable[[Any, Any], list[Any]]]] = {
    "layer": ("layers", layer),
    "loss": ("losses", loss),
    "metric": ("metrics", metric),
    "optimizer": ("optimizers", optimizer),
    "initializer": ("initializers", initializer),
    "regularizer": ("regularizers", of_weights),
    "constraint": ("constraints", of_weights),
    "learning rate schedule": ("optimizers.schedules", schedule),
}


def said(keras: Any, kind: str, class_name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the library says to one case."""
    module = keras
    for name in PROBES[kind][0].split("."):
        module = getattr(module, name)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            values = PROBES[kind][1](keras, getattr(module, class_name)(**arguments))
            return {"values": [np.asarray(value, np.float32).tolist() for value in values]}
    except Exception as error:  # noqa: BLE001 - whatever it raises, the arguments do not suit
        return {"refused": f"{type(error).__name__}: {str(error)[:200]}"}


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import keras as real

    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(json.dumps([said(real, *case) for case in asked]), encoding="utf-8")

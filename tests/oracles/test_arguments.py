"""Every registered class with arguments in and out of range: what we take, Keras takes, and makes the same of it."""

import dataclasses
import json
import os
import subprocess
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn.arguments import Of, hints
from service.nn.registry import BEYOND_KERAS
from service.spec.spelling import REGISTRIES
from tests.oracles import probes
from tests.oracles.test_keras import PYTHON

NEEDED: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "tanh"},
    "Dense": {"units": 2, "kernel_initializer": "ones"},
    "Dropout": {"rate": 0.5},
    "AlphaDropout": {"rate": 0.5},
    "GaussianDropout": {"rate": 0.5},
    "GaussianNoise": {"stddev": 0.5},
    "Embedding": {"input_dim": 4, "output_dim": 2, "embeddings_initializer": "ones"},
    "Reshape": {"target_shape": [2, 2]},
    "Permute": {"dims": [1]},
    "RepeatVector": {"n": 2},
    "Rescaling": {"scale": 2.0},
    "Normalization": {"mean": 1.0, "variance": 2.0},
    "PReLU": {"alpha_initializer": "ones"},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 10},
    "PiecewiseConstantDecay": {"boundaries": [5, 10], "values": [0.3, 0.2, 0.1]},
}
"""The arguments without which a class cannot be made, and those that take chance out of it."""

NO_ARGUMENTS = {"name", "dtype", "trainable", "seed", "input_shape", "input_dim", "batch_input_shape", "weights"}
NO_ARGUMENTS |= {"loss_scale_factor"}
"""What says nothing about the numbers; `input_dim` is one of Embedding's own, and a scaled loss is scaled back."""

SHARED = {field.name for field in dataclasses.fields(nn.optimizers.Optimizer)} - {"weight_decay"}
"""What every optimizer takes, and what is asked of one."""

NUMBERS = [-1.0, 0.0, 0.5, 1.0, 1.5, 30.0]
WHOLE = [-1000, -3, -2, -1, 0, 1, 2, 3, 5, 1000]
LISTS: list[Any] = [
    [],
    [1],
    [-1],
    [0],
    [5],
    [1, 1],
    [1, 2],
    [2, 1],
    [-2, -1],
    [-1, 1],
    [0, 1],
    [2, 2],
    [-1, 2],
    [0.3],
    [2],
]
KINDS = sorted(probes.PROBES)

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="`make .venv-oracles/.ready` brings Keras")


def candidates(hint: Any) -> Iterator[Any]:
    """Values in and out of range for an annotation."""
    if typing.get_origin(hint) is typing.Annotated:
        inner, *metadata = typing.get_args(hint)
        of = next((item.kind for item in metadata if isinstance(item, Of)), None)
        yield from ["nonsense"] if of else candidates(inner)
        yield from NUMBERS if of == "learning_rate" else []
    elif typing.get_origin(hint) in (typing.Union, types.UnionType):
        for option in typing.get_args(hint):
            yield from candidates(option)
    elif typing.get_origin(hint) is typing.Literal:
        yield from [*typing.get_args(hint), "nonsense"]
    elif hint is type(None):
        yield None
    else:
        values: dict[Any, list[Any]] = {int: WHOLE, float: NUMBERS, bool: [True, False], list: LISTS, tuple: LISTS}
        yield from values.get(hint, [])


def cases(kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    """One argument of each class at a time, the others as they are by default."""
    found = []
    for cls in REGISTRIES[kind]:
        name = cls.__name__
        if not getattr(cls, "in_keras", True) or name == "InputLayer":
            continue
        found.append((kind, name, NEEDED.get(name, {})))
        for field in dataclasses.fields(cls):
            own = name == "Embedding" and field.name == "input_dim"
            if not field.init or field.metadata == BEYOND_KERAS or (field.name in NO_ARGUMENTS and not own):
                continue
            if kind == "optimizer" and field.name in SHARED and name != "Adam":
                continue
            for value in candidates(hints(cls)[field.name]):
                case = (kind, name, {**NEEDED.get(name, {}), field.name: value})
                found += [] if case in found else [case]
    return found


@pytest.fixture(scope="module")
def keras_says(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What Keras says to every case."""
    folder = tmp_path_factory.mktemp("arguments")
    asked = [case for kind in KINDS for case in cases(kind)]
    (folder / "cases.json").write_text(json.dumps(asked), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTHON"))}
    command = [
        str(PYTHON),
        str(Path(__file__).with_name("probes.py")),
        *map(str, (folder / "cases.json", folder / "said.json")),
    ]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    answers = iter(json.loads((folder / "said.json").read_text(encoding="utf-8")))
    return {kind: [next(answers) for _ in cases(kind)] for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_are_refused_or_mean_what_they_mean_in_keras(
    keras_says: dict[str, list[dict[str, Any]]], kind: str
) -> None:
    differing = [
        f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items())}): {difference}"
        for (_, name, arguments), theirs in zip(cases(kind), keras_says[kind], strict=True)
        if (difference := differs(probes.said(nn, kind, name, arguments), theirs)) is not None
    ]
    assert differing == []


def differs(ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """How our answer differs from Keras's; what we refuse does not."""
    if "refused" in ours:
        return None
    if "refused" in theirs:
        return f"Keras refuses it: {theirs['refused']}"
    for own, other in zip(ours["values"], theirs["values"], strict=True):
        if np.shape(own) != np.shape(other):
            return f"shape {np.shape(own)} instead of {np.shape(other)}"
        if np.isfinite(own).all() != np.isfinite(other).all():
            return f"{np.ravel(own)[:4]} instead of {np.ravel(other)[:4]}"
        if np.isfinite(own).all() and not np.allclose(own, other, rtol=1e-4, atol=1e-5):
            return f"{np.ravel(own)[:4]} instead of {np.ravel(other)[:4]}"
    return None

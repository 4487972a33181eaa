"""What must hold for every network: configurations come back, seeds decide, batches do not matter."""

import dataclasses
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import nn
from service.nn.registry import Registry, serialize

REGISTRIES: list[Registry[Any]] = [
    nn.layers.REGISTRY,
    nn.initializers.REGISTRY,
    nn.regularizers.REGISTRY,
    nn.constraints.REGISTRY,
    nn.losses.REGISTRY,
    nn.metrics.REGISTRY,
    nn.optimizers.REGISTRY,
    nn.optimizers.schedules.REGISTRY,
    nn.callbacks.REGISTRY,
]
REQUIRED: dict[str, Any] = {
    "transformers": [{"columns": [0], "layers": ["scale"]}],
    "units": 3, "activation": "relu", "rate": 0.5, "stddev": 0.5, "target_shape": [2, 2], "scale": 2.0, "dims": [2, 1],
    "n": 2, "input_dim": 4, "output_dim": 2, "specificity": 0.5, "sensitivity": 0.5, "recall": 0.5, "precision": 0.5,
    "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "boundaries": [2], "values": [0.1, 0.2],
    "first_decay_steps": 5, "shape": [4],
    "schedule": {"class_name": "ExponentialDecay", "initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 0.5},
}  # fmt: skip
ENTRIES = [(registry, name) for registry in REGISTRIES for name in registry.classes()]


def arguments(cls: type) -> dict[str, Any]:
    """Values for the arguments that have no default."""
    needs = [
        field.name
        for field in dataclasses.fields(cls)
        if field.init and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return {name: REQUIRED[name] for name in (*needs, *(["shape"] if cls is nn.layers.InputLayer else []))}


@pytest.mark.parametrize(("registry", "name"), ENTRIES, ids=lambda value: value if isinstance(value, str) else "")
def test_an_object_comes_back_from_its_configuration(registry: Registry[Any], name: str) -> None:
    cls = registry.classes()[name]
    made = cls(**arguments(cls))
    written = json.loads(json.dumps(serialize(made)))
    assert serialize(registry.get(written)) == written
    assert serialize(registry.get({"class_name": name, **written["config"]})) == written


HIDDEN = st.builds(
    lambda units, activation: nn.layers.Dense(units, activation=activation),
    st.integers(1, 12),
    st.sampled_from(["relu", "tanh", "gelu", "selu", None]),
)
BETWEEN = st.sampled_from(["BatchNormalization", "LayerNormalization", "RMSNormalization", "Identity"]).map(
    nn.layers.REGISTRY.get
)


@st.composite
def models(draw: st.DrawFn) -> nn.Sequential:
    """A small network with weights from a drawn seed."""
    stack: list[nn.Layer] = [nn.Input((draw(st.integers(1, 6)),))]
    for _ in range(draw(st.integers(1, 3))):
        stack += [draw(HIDDEN), draw(BETWEEN)]
    model = nn.Sequential()
    model.seed = draw(st.integers(0, 2**32))
    for layer in stack:
        model.add(layer)
    return model


@settings(max_examples=60, deadline=None)
@given(models(), st.integers(1, 40), st.integers(1, 17))
def test_a_prediction_does_not_depend_on_how_rows_are_batched(model: nn.Sequential, rows: int, size: int) -> None:
    x = np.random.default_rng(rows).normal(size=(rows, model.input_shape[1])).astype(np.float32)
    whole = model.predict(x)
    parts = np.concatenate([model.predict(x[at : at + size]) for at in range(0, rows, size)])
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.predict(x.astype(np.float64), batch_size=size), whole, rtol=1e-4, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(models())
def test_a_model_comes_back_from_its_json(model: nn.Sequential) -> None:
    again = nn.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    x = np.ones((3, model.input_shape[1]), np.float32)
    assert again.to_json() == model.to_json()
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def trained(seed: int, *, shuffle: Any = True, rows: int = 70) -> tuple[list[Any], dict[str, list[float]]]:
    """Weights and history of a small training with everything random in it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows, 5)).astype(np.float32), rng.integers(0, 3, rows)
    model = nn.Sequential([nn.layers.Dense(8, activation="relu"), nn.layers.Dropout(0.3), nn.layers.GaussianNoise(0.1)])
    model.add(nn.layers.Dense(3, activation="softmax"))
    model.seed = seed
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=3, shuffle=shuffle)
    return model.get_weights(), history.history


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_the_same_seed_gives_the_same_bits_twice(shuffle: Any) -> None:
    first, second = trained(7, shuffle=shuffle), trained(7, shuffle=shuffle)
    assert all(np.array_equal(a, b) for a, b in zip(first[0], second[0], strict=True))
    assert first[1] == second[1]


def test_another_seed_gives_other_weights() -> None:
    assert not np.array_equal(trained(7)[0][0], trained(8)[0][0])


def test_an_epoch_continued_later_has_the_order_and_the_noise_it_would_have_had() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)).astype(np.float32), rng.normal(size=(50, 1)).astype(np.float32)

    def model() -> nn.Sequential:
        made = nn.Sequential([nn.Input((4,)), nn.layers.Dense(6, "relu"), nn.layers.Dropout(0.5), nn.layers.Dense(1)])
        made.seed = made.clock.seed = 3
        made.compile("adam", "mse")
        return made

    whole, parts = model(), model()
    parts.set_weights(whole.get_weights())
    whole.fit(x, y, epochs=4, batch_size=16)
    parts.fit(x, y, epochs=2, batch_size=16)
    resumed = model()
    resumed.set_weights(parts.get_weights())
    resumed.optimizer.build(resumed.parameters)
    resumed.optimizer.set_state(parts.optimizer.get_state())
    resumed.fit(x, y, epochs=4, initial_epoch=2, batch_size=16)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


SCRIPT = """
import sys; import numpy as np; from service import nn
nn.blas.set_threads(int(sys.argv[1])); nn.utils.set_random_seed(1)
rng = np.random.default_rng(0); x = rng.normal(size=(600, 300)).astype("f4"); y = rng.normal(size=(600, 1)).astype("f4")
model = nn.Sequential([nn.layers.Dense(300, "relu"), nn.layers.Dense(1)]); model.compile("sgd", "mse")
print(model.fit(x, y, batch_size=200, epochs=3).history["loss"])
"""


def test_another_number_of_blas_threads_gives_the_same_result_to_rounding() -> None:
    results = [
        json.loads(
            subprocess.run([sys.executable, "-c", SCRIPT, count], check=True, capture_output=True, text=True).stdout
        )
        for count in ("1", "2")
    ]
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5)

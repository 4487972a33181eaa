"""Every layer: before training, and after each of two steps of plain SGD, which show the gradients.

A layer stands between two Dense layers, so that the first one's weights show the gradient it passes back.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.parity.cases.activations import BY_NAME
from tests.parity.cases.data import CLASSES, ROWS, draw, labels, numbers, start
from tests.parity.cases.training import build, weights_of
from tests.parity.engine import Array, Case, Engine, Outcome

Layers = Callable[[Any], list[Any]]
STEPS = 2


def between(engine: Engine, layers: Layers) -> Outcome:
    """Predict, train, predict: the weights tell the gradients, the moving statistics among them."""
    keras = engine.keras
    x, y = numbers()
    stack = [keras.layers.Dense(8, name="before"), *layers(keras), keras.layers.Dense(2, name="after")]
    model = build(keras, stack, x.shape[1:])
    return train(engine, model, x, y)


def train(engine: Engine, model: Any, x: Any, y: Array) -> Outcome:
    """Two steps of gradient descent, watched from outside."""
    model.compile(optimizer=engine.keras.optimizers.SGD(0.2), loss="mse")
    outcome: Outcome = {"before": model.predict(x, verbose=0), "loss before": model.evaluate(x, y, verbose=0)}
    for step in range(STEPS):
        outcome[f"loss {step}"] = model.train_on_batch(x[: 30 - step], y[: 30 - step])
        outcome |= weights_of(model, f"step {step}")
    return outcome | {"after": model.predict(x, verbose=0), "loss after": model.evaluate(x, y, verbose=0)}


def inference(engine: Engine, layers: Layers) -> Outcome:
    """What is random in training does nothing in `predict` and `evaluate`."""
    x, y = numbers()
    model = build(engine.keras, [*layers(engine.keras), engine.keras.layers.Dense(2)], x.shape[1:])
    model.compile(loss="mse")
    return {"predict": model.predict(x, verbose=0), "evaluate": model.evaluate(x, y, verbose=0)}


def initial_weights(engine: Engine, layers: Layers) -> Outcome:
    """What a layer starts with, where chance has no part in it."""
    model = engine.keras.Sequential([engine.keras.Input((6,)), *layers(engine.keras)])
    return weights_of(model)


def embedding(engine: Engine, options: Layers) -> Outcome:
    """Indices through an Embedding, flattened."""
    keras = engine.keras
    indices = np.stack([labels(ROWS, 7, seed=61), labels(ROWS, 7, seed=62)], axis=1)
    _, y = numbers()
    model = keras.Sequential([keras.Input((2,), dtype="int32"), *options(keras), keras.layers.Dense(2)])
    start(model)
    return train(engine, model, indices, y)


def adapted(engine: Engine, options: dict[str, Any]) -> Outcome:
    """Normalization that has seen the data first."""
    x, y = numbers()
    layer = engine.keras.layers.Normalization(**options)
    layer.adapt(x * 3 + 1)
    model = engine.keras.Sequential([engine.keras.Input(x.shape[1:]), layer, engine.keras.layers.Dense(2)])
    outcome: Outcome = {"called": layer(x)}
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([draw(*kernel.shape, seed=63), draw(*bias.shape, seed=64)])
    model.compile(optimizer=engine.keras.optimizers.SGD(0.1), loss="mse")
    outcome["loss"] = model.train_on_batch(x, y)
    return outcome | {"predict": model.predict(x, verbose=0), "kernel": model.layers[-1].get_weights()[0]}


def _dense(options: Callable[[Any], dict[str, Any]]) -> Layers:
    return lambda k: [k.layers.Dense(8, **options(k))]


def _one(name: str, **options: Any) -> Layers:
    return lambda k: [getattr(k.layers, name)(**options)]


BETWEEN: dict[str, Layers] = {
    "Dense": _dense(lambda k: {}),
    "Dense without bias": _dense(lambda k: {"use_bias": False, "activation": "relu"}),
    "Dense with L2": _dense(lambda k: {"kernel_regularizer": k.regularizers.L2(0.1)}),
    "Dense with L1 and L2": _dense(
        lambda k: {
            "kernel_regularizer": k.regularizers.L1L2(0.02, 0.05),
            "bias_regularizer": k.regularizers.L1(0.1),
        }
    ),
    "Dense with 'l2'": _dense(lambda k: {"kernel_regularizer": "l2", "bias_regularizer": "l1"}),
    "Dense with an activity regularizer": _dense(
        lambda k: {"activation": "tanh", "activity_regularizer": k.regularizers.L1L2(0.1, 0.2)}
    ),
    "Dense with all regularizers": _dense(
        lambda k: {
            "kernel_regularizer": k.regularizers.OrthogonalRegularizer(0.05),
            "bias_regularizer": k.regularizers.L2(0.3),
            "activity_regularizer": "l2",
        }
    ),
    "Dense with MaxNorm": _dense(lambda k: {"kernel_constraint": k.constraints.MaxNorm(0.7)}),
    "Dense with 'non_neg'": _dense(lambda k: {"kernel_constraint": "non_neg", "bias_constraint": "non_neg"}),
    "Dense with UnitNorm": _dense(lambda k: {"kernel_constraint": k.constraints.UnitNorm(), "activation": "tanh"}),
    "Dense with MinMaxNorm": _dense(lambda k: {"kernel_constraint": k.constraints.MinMaxNorm(0.8, 1.0, 0.5)}),
    "Dense frozen": _dense(lambda k: {"trainable": False}),
    "Activation 'relu'": _one("Activation", activation="relu"),
    "Activation 'softmax'": _one("Activation", activation="softmax"),
    "ReLU": _one("ReLU"),
    "ReLU with options": _one("ReLU", max_value=1.0, negative_slope=0.1, threshold=0.2),
    "LeakyReLU": _one("LeakyReLU"),
    "LeakyReLU with a slope": _one("LeakyReLU", negative_slope=0.05),
    "PReLU": _one("PReLU"),
    "PReLU with options": lambda k: [
        k.layers.PReLU(alpha_regularizer=k.regularizers.L2(0.1), alpha_constraint=k.constraints.MaxNorm(0.5))
    ],
    "PReLU shared": _one("PReLU", shared_axes=[1]),
    "ELU": _one("ELU"),
    "ELU with alpha": _one("ELU", alpha=0.4),
    "Softmax": _one("Softmax"),
    "Identity": _one("Identity"),
    "Dropout at rate 0": _one("Dropout", rate=0.0),
    "GaussianNoise of 0": _one("GaussianNoise", stddev=0.0),
    "GaussianDropout at rate 0": _one("GaussianDropout", rate=0.0),
    "AlphaDropout at rate 0": _one("AlphaDropout", rate=0.0),
    "BatchNormalization": _one("BatchNormalization"),
    "BatchNormalization with options": _one("BatchNormalization", momentum=0.6, epsilon=0.05),
    "BatchNormalization without center": _one("BatchNormalization", center=False),
    "BatchNormalization without scale": _one("BatchNormalization", scale=False),
    "BatchNormalization without either": _one("BatchNormalization", center=False, scale=False),
    "BatchNormalization frozen": _one("BatchNormalization", trainable=False),
    "BatchNormalization regularized": lambda k: [
        k.layers.BatchNormalization(
            gamma_regularizer=k.regularizers.L2(0.1), beta_regularizer="l1", gamma_constraint="non_neg"
        )
    ],
    "BatchNormalization twice": lambda k: [
        k.layers.BatchNormalization(),
        k.layers.Activation("relu"),
        k.layers.BatchNormalization(momentum=0.9),
    ],
    "LayerNormalization": _one("LayerNormalization"),
    "LayerNormalization with options": _one("LayerNormalization", epsilon=0.1, center=False),
    "LayerNormalization without scale": _one("LayerNormalization", scale=False, beta_regularizer="l2"),
    "RMSNormalization": _one("RMSNormalization"),
    "RMSNormalization with epsilon": _one("RMSNormalization", epsilon=0.1),
    "GroupNormalization": _one("GroupNormalization", groups=2),
    "GroupNormalization of one group": _one("GroupNormalization", groups=-1, epsilon=0.1),
    "GroupNormalization without center": _one("GroupNormalization", groups=2, center=False, scale=False),
    "UnitNormalization": _one("UnitNormalization"),
    "ActivityRegularization": _one("ActivityRegularization", l1=0.1, l2=0.05),
    "Flatten": _one("Flatten"),
    "Reshape and Flatten": lambda k: [k.layers.Reshape((2, 4)), k.layers.Flatten()],
    "Reshape with -1": lambda k: [k.layers.Reshape((-1, 2)), k.layers.Dense(3), k.layers.Flatten()],
    "Permute": lambda k: [k.layers.Reshape((2, 4)), k.layers.Permute((2, 1)), k.layers.Flatten()],
    "RepeatVector": lambda k: [k.layers.RepeatVector(3), k.layers.Flatten()],
    "Rescaling": _one("Rescaling", scale=0.5, offset=-1.0),
    "LayerNormalization of a matrix": lambda k: [
        k.layers.Reshape((2, 4)),
        k.layers.LayerNormalization(axis=[1, 2]),
        k.layers.Flatten(),
    ],
    "BatchNormalization of a matrix": lambda k: [
        k.layers.Reshape((2, 4)),
        k.layers.BatchNormalization(axis=1),
        k.layers.Flatten(),
    ],
    "Normalization of given moments": _one("Normalization", mean=[0.1] * 8, variance=[2.0] * 8),
    "Normalization of one moment": _one("Normalization", axis=None, mean=0.5, variance=4.0),
    "Normalization inverted": _one("Normalization", mean=[0.1] * 8, variance=[2.0] * 8, invert=True),
}

EMBEDDINGS: dict[str, Layers] = {
    "Embedding": lambda k: [k.layers.Embedding(7, 3), k.layers.Flatten()],
    "Embedding regularized": lambda k: [
        k.layers.Embedding(7, 3, embeddings_regularizer="l2", embeddings_constraint="unit_norm"),
        k.layers.Flatten(),
    ],
}

INFERENCE: dict[str, Layers] = {
    "Dropout": _one("Dropout", rate=0.5),
    "AlphaDropout": _one("AlphaDropout", rate=0.5),
    "GaussianDropout": _one("GaussianDropout", rate=0.5),
    "GaussianNoise": _one("GaussianNoise", stddev=1.0),
}

INITIAL: dict[str, Layers] = {
    "Dense of ones": _one("Dense", units=3, kernel_initializer="ones", bias_initializer="ones"),
    "Dense of a constant": lambda k: [k.layers.Dense(3, kernel_initializer=k.initializers.Constant(0.2))],
    "BatchNormalization": _one("BatchNormalization"),
    "BatchNormalization of ones": _one(
        "BatchNormalization", beta_initializer="ones", moving_variance_initializer="zeros"
    ),
    "LayerNormalization": _one("LayerNormalization"),
    "RMSNormalization": _one("RMSNormalization"),
    "GroupNormalization": _one("GroupNormalization", groups=CLASSES),
    "PReLU": _one("PReLU"),
}

ACTIVATED: dict[str, Layers] = {
    name: _one("Dense", units=8, activation=name) for name in BY_NAME if name not in ("glu", "exponential")
}
"""Every activation inside a Dense layer. Not `glu`: Keras gets the width of its output wrong. Not `exponential`:
it grows beyond float32 here (`ends.py` has it)."""

CASES: dict[str, Case] = {
    **{f"Dense '{name}'": partial(between, layers=layers) for name, layers in ACTIVATED.items()},
    **{name: partial(between, layers=layers) for name, layers in BETWEEN.items()},
    **{name: partial(embedding, options=layers) for name, layers in EMBEDDINGS.items()},
    **{f"inference: {name}": partial(inference, layers=layers) for name, layers in INFERENCE.items()},
    **{f"initially: {name}": partial(initial_weights, layers=layers) for name, layers in INITIAL.items()},
    "Normalization adapted": partial(adapted, options={}),
    "Normalization adapted, one moment": partial(adapted, options={"axis": None}),
}
"""One case for each layer and set of arguments."""

"""Write files with tf_keras, which is Keras 2, and what it predicts, measures and learns with them.

Run by `test_keras_2.py` with the Python of `.venv-oracles`, which has tf_keras and nothing of ours:

    .venv-oracles/bin/python tests/oracles/keras_2.py FOLDER

Of each case come out, in FOLDER: `CASE.h5`, `CASE.keras` and `CASE.json` (the text of `model.to_json()`), and
`CASE.npz` with the inputs, the targets, the predictions, the measures, the weights, and the losses of a training.
"""

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import numpy as np
import tf_keras as keras

layers, losses, metrics, optimizers = keras.layers, keras.losses, keras.metrics, keras.optimizers
RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 4)).astype(np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[np.arange(24) % 3]


def classifier(*hidden: Any) -> Any:
    """A network with softmax at its end."""
    return keras.Sequential([keras.Input((4,)), *hidden, layers.Dense(3, activation="softmax")])


def frozen() -> Any:
    """A network of which nothing is trained."""
    model = classifier(layers.Dense(5, activation="relu"), layers.BatchNormalization())
    model.trainable = False
    return model


def functional() -> Any:
    """A Functional model whose layers follow one another, one of them a network."""
    inputs = keras.Input((4,))
    hidden = layers.Dense(5, activation="hard_sigmoid")(inputs)
    inner = keras.Sequential([keras.Input((5,)), layers.BatchNormalization(), layers.Dense(4)])(hidden)
    return keras.Model(inputs, layers.Activation("hard_sigmoid")(layers.Dense(3)(inner)))


def nested() -> Any:
    """Networks in networks: one that is trained in part, and one that is not trained."""
    first = keras.Sequential([keras.Input((4,)), layers.Dense(5), layers.BatchNormalization(), layers.Dense(4)])
    first.layers[0].trainable = False
    second = keras.Sequential([layers.Dense(6), layers.BatchNormalization(), layers.Dense(5)])
    model = keras.Sequential([keras.Input((4,)), first, layers.Dropout(0.1), second, layers.Dense(3)])
    second.trainable = False
    return model


def penalized() -> Any:
    """A penalty on what comes out of an activation that is a layer."""
    dense = layers.Dense(5, activation=layers.LeakyReLU(0.2), activity_regularizer=keras.regularizers.L2(0.1))
    return classifier(dense, layers.Dense(4, activation="hard_sigmoid", activity_regularizer="l2"))


def normalized() -> Any:
    """A scaling that was learnt before."""
    scaling = layers.Normalization()
    scaling.adapt(3 * X + 1)
    return classifier(scaling, layers.LayerNormalization(), layers.UnitNormalization(), layers.Dense(5))


NETWORKS: dict[str, Callable[[], Any]] = {
    "relu": lambda: classifier(layers.Dense(5, activation="relu", kernel_regularizer="l2"), layers.Dropout(0.2)),
    "hard sigmoid": lambda: classifier(layers.Dense(5, activation="hard_sigmoid"), layers.Activation("hard_sigmoid")),
    "leaky relu": lambda: classifier(layers.Dense(5, activation=layers.LeakyReLU(0.2)), layers.LeakyReLU(0.1)),
    "activations": lambda: classifier(
        layers.Dense(5, activation=layers.ELU(0.5)),
        layers.Dense(5, activation=layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2)),
        layers.Dense(5, activation=layers.ThresholdedReLU(0.3)),
        layers.ThresholdedReLU(0.1),
        layers.Activation(layers.Softmax()),
    ),
    "frozen": frozen,
    "functional": functional,
    "nested": nested,
    "penalized": penalized,
    "normalized": normalized,
}

LOSSES: dict[str, Callable[[], Any]] = {
    "smoothed": lambda: losses.CategoricalCrossentropy(label_smoothing=0.1),
    "of logits": lambda: losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2),
    "huber": lambda: losses.Huber(0.3),
    "huber by name": lambda: "huber_loss",
    "focal": lambda: losses.BinaryFocalCrossentropy(gamma=3.0),
    "categorical focal": lambda: losses.CategoricalFocalCrossentropy(alpha=0.5, gamma=1.0),
    "cosine": losses.CosineSimilarity,
    "sum": lambda: losses.MeanSquaredError(reduction="sum"),
    "logcosh": lambda: "logcosh",
    "divergence": lambda: "kullback_leibler_divergence",
    "by output": lambda: {"outputs": losses.Poisson()},
}


def measures() -> list[Any]:
    """Metrics with arguments, with names of their own, and made of functions."""
    return [
        metrics.BinaryAccuracy(threshold=0.4),
        metrics.TopKCategoricalAccuracy(k=2, name="of_two"),
        metrics.MeanMetricWrapper(metrics.categorical_accuracy, name="mine"),
        metrics.MeanMetricWrapper(losses.categorical_crossentropy, name="smooth", label_smoothing=0.3),
        metrics.CategoricalCrossentropy(label_smoothing=0.2),
        metrics.AUC(multi_label=True, num_thresholds=50),
        metrics.Precision(thresholds=0.35, class_id=1),
        "accuracy",
        "mae",
        "logcosh",
    ]


schedules = optimizers.schedules
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "adam": lambda: optimizers.Adam(0.05, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.05, weight_decay=0.01),
    "sgd": lambda: optimizers.SGD(schedules.ExponentialDecay(0.1, 4, 0.5), momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.01, rho=0.8, momentum=0.5, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.1, initial_accumulator_value=0.2),
    "adadelta": lambda: optimizers.Adadelta(1.0, rho=0.9),
    "adamax": lambda: optimizers.Adamax(0.05),
    "nadam": lambda: optimizers.Nadam(0.05),
    "ftrl": lambda: optimizers.Ftrl(0.1),
    "average": lambda: optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9),
    "old sgd": lambda: optimizers.legacy.SGD(0.1, decay=0.1, momentum=0.9),
    "old adam": lambda: optimizers.legacy.Adam(0.05, decay=0.2),
    "old adamax": lambda: optimizers.legacy.Adamax(0.05, decay=0.1),
    "old nadam": lambda: optimizers.legacy.Nadam(0.05),
    "old adagrad": lambda: optimizers.legacy.Adagrad(0.1, decay=0.3),
    "old rmsprop": lambda: optimizers.legacy.RMSprop(0.01, decay=0.1),
    "old adadelta": lambda: optimizers.legacy.Adadelta(1.0, decay=0.1),
}


def compiled(model: Any, optimizer: Any = "sgd", loss: Any = "mse", measured: Any = None) -> Any:
    """The network compiled, its weights moved a little so that none is what it was made as."""
    model.compile(optimizer, loss, metrics=measured)
    model.set_weights([value + 0.1 * RNG.random(value.shape).astype(value.dtype) for value in model.get_weights()])
    return model


def cases() -> dict[str, Any]:
    """Every model by the name of its case."""
    made = {f"network {name}": compiled(build()) for name, build in NETWORKS.items()}
    for name, loss in LOSSES.items():
        # tf_keras looks behind an activation, and takes what goes into softmax for what goes into a sigmoid.
        last = {"of logits": "linear", "focal": "sigmoid"}.get(name, "softmax")
        measured = measures() if last == "softmax" else None
        model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation=last, name="outputs")])
        made[f"loss {name}"] = compiled(model, loss=loss(), measured=measured)
    for name, optimizer in OPTIMIZERS.items():
        model = classifier(layers.Dense(6, activation="tanh"))
        made[f"optimizer {name}"] = compiled(model, optimizer(), "categorical_crossentropy")
    return made


def write(folder: Path, name: str, model: Any) -> None:
    """Save a model, what it predicts and measures, and then what it learns."""
    model.save(folder / f"{name}.h5")
    model.save(folder / f"{name}.keras")
    (folder / f"{name}.json").write_text(model.to_json(), encoding="utf-8")
    known = {f"weight{place}": value for place, value in enumerate(model.get_weights())}
    known["predicted"] = model.predict(X, verbose=0)
    measured = model.evaluate(X, ONE_HOT, batch_size=24, verbose=0, return_dict=True)
    if name.startswith("optimizer"):
        history = model.fit(X, ONE_HOT, batch_size=8, epochs=3, shuffle=False, verbose=0).history
        known["learnt"] = np.array(history["loss"])
    np.savez(folder / f"{name}.npz", x=X, y=ONE_HOT, names=list(measured), measured=list(measured.values()), **known)


def main(folder: Path) -> None:
    """Write all of them."""
    warnings.simplefilter("ignore")
    keras.utils.set_random_seed(1)
    for name, model in cases().items():
        write(folder, name, model)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

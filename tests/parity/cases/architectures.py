"""Sixty generated trainings: layers, losses, optimizers, weights, clipping and schedules, mixed by a seed.

A specification is plain data, generated once; `make` turns it into objects of either library.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tests.parity.cases.data import binary, class_ids, classes, numbers, row_weights, words
from tests.parity.cases.training import build, observe
from tests.parity.engine import Case, Engine, Outcome

SENSITIVE = {12, 25, 33}
"""Seeds whose training is so sensitive that Keras, started one rounding away, ends 1e-5 away or more."""

SEEDS = [seed for seed in range(63) if seed not in SENSITIVE]


class Thing(NamedTuple):
    """An object still to be made: where its class lives in the module, and its arguments."""

    path: str
    options: dict[str, Any]


def make(keras: Any, value: Any) -> Any:
    """Make the things inside a specification."""
    if isinstance(value, Thing):
        found = keras
        for name in value.path.split("."):
            found = getattr(found, name)
        return found(**{key: make(keras, option) for key, option in value.options.items()})
    return value


class Dice:
    """Choices from a seed; they draw on `random` alone, whose stream outlives NumPy's versions."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(1000 + seed)

    def chance(self, probability: float) -> bool:
        """True as often as asked."""
        return bool(self._generator.random() < probability)

    def one_of(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return options[int(self._generator.random() * len(options))]


ACTIVATIONS = words("relu tanh sigmoid softplus selu elu silu gelu mish softsign leaky_relu linear celu softmax")
PENALTIES = [
    None,
    None,
    Thing("regularizers.L2", {"l2": 0.02}),
    Thing("regularizers.L1", {"l1": 0.01}),
    Thing("regularizers.L1L2", {"l1": 0.01, "l2": 0.03}),
]
LIMITS = [
    None,
    None,
    None,
    Thing("constraints.MaxNorm", {"max_value": 0.9}),
    Thing("constraints.UnitNorm", {}),
]
BETWEEN = [
    Thing("layers.BatchNormalization", {"momentum": 0.8}),
    Thing("layers.BatchNormalization", {}),
    Thing("layers.LayerNormalization", {}),
    Thing("layers.RMSNormalization", {}),
    Thing("layers.GroupNormalization", {"groups": 2}),
    Thing("layers.UnitNormalization", {}),
    Thing("layers.LeakyReLU", {}),
    Thing("layers.PReLU", {}),
    Thing("layers.ELU", {"alpha": 0.7}),
    Thing("layers.Dropout", {"rate": 0.0}),
    Thing("layers.ActivityRegularization", {"l2": 0.01}),
    Thing("layers.Rescaling", {"scale": 1.5, "offset": 0.1}),
]
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.8, "nesterov": True}),
    ("RMSprop", {"epsilon": 1e-4}),
    ("Adam", {"epsilon": 1e-4}),
    ("AdamW", {"epsilon": 1e-4}),
    ("Adamax", {"epsilon": 1e-4}),
    ("Nadam", {"epsilon": 1e-4}),
    ("Adagrad", {}),
    ("Ftrl", {}),
    ("Lamb", {"epsilon": 1e-4}),
]
RATES = [
    0.02,
    0.05,
    Thing(
        "optimizers.schedules.ExponentialDecay",
        {"initial_learning_rate": 0.05, "decay_steps": 4, "decay_rate": 0.8},
    ),
    Thing("optimizers.schedules.CosineDecay", {"initial_learning_rate": 0.05, "decay_steps": 10}),
    Thing("optimizers.schedules.PiecewiseConstantDecay", {"boundaries": [3, 7], "values": [0.05, 0.02, 0.01]}),
]
EXTRAS: list[dict[str, Any]] = [
    {},
    {},
    {"clipnorm": 0.3},
    {"clipvalue": 0.1},
    {"global_clipnorm": 0.5},
    {"weight_decay": 0.05},
    {"gradient_accumulation_steps": 2},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
]
TASKS: dict[str, tuple[Any, int, str | None, list[Any]]] = {
    "classes": (
        classes,
        3,
        "softmax",
        [
            "categorical_crossentropy",
            Thing("losses.CategoricalCrossentropy", {"label_smoothing": 0.1}),
            Thing("losses.CategoricalFocalCrossentropy", {"gamma": 1.5}),
            "kl_divergence",
        ],
    ),
    "class indices": (class_ids, 3, "softmax", ["sparse_categorical_crossentropy"]),
    "scores": (class_ids, 3, None, [Thing("losses.SparseCategoricalCrossentropy", {"from_logits": True})]),
    "yes or no": (
        binary,
        1,
        "sigmoid",
        ["binary_crossentropy", "binary_focal_crossentropy", "mse", Thing("losses.Hinge", {})],
    ),
    "numbers": (numbers, 2, None, ["mse", "mae", "log_cosh", Thing("losses.Huber", {"delta": 0.5})]),
}


def specify(seed: int) -> dict[str, Any]:
    """A whole training as plain data."""
    dice = Dice(seed)
    task = dice.one_of(list(TASKS))
    _, units, last, losses = TASKS[task]
    layers: list[Thing] = []
    for _ in range(dice.one_of([1, 2, 3, 4])):
        layers.append(_hidden(dice))
        if dice.chance(0.6):
            layers.append(dice.one_of(BETWEEN))
    layers.append(
        Thing("layers.Dense", {"units": units, "activation": last, "kernel_regularizer": dice.one_of(PENALTIES)})
    )
    name, options = dice.one_of(OPTIMIZERS)
    options = {"learning_rate": dice.one_of(RATES), **options, **dice.one_of(EXTRAS)}
    weighting = dice.one_of(["none", "none", "rows", "classes" if task != "numbers" else "rows"])
    return {
        "task": task,
        "layers": layers,
        "optimizer": Thing(f"optimizers.{name}", options),
        "loss": dice.one_of(losses),
        "weighting": weighting,
        "batch_size": dice.one_of([7, 16, 32]),
        "validation_split": dice.one_of([0.0, 0.2]),
    }


def _hidden(dice: Dice) -> Thing:
    options: dict[str, Any] = {"units": dice.one_of([4, 6, 8, 12]), "activation": dice.one_of(ACTIVATIONS)}
    options["kernel_regularizer"] = dice.one_of(PENALTIES)
    options["kernel_constraint"] = dice.one_of(LIMITS)
    if dice.chance(0.2):
        options["use_bias"] = False
    if dice.chance(0.2):
        options["activity_regularizer"] = Thing("regularizers.L2", {"l2": 0.01})
    return Thing("layers.Dense", options)


def run(engine: Engine, seed: int) -> Outcome:
    """Build what the seed says, train it for three epochs, and note what a user sees."""
    keras, spec = engine.keras, specify(seed)
    x, y = TASKS[spec["task"]][0]()
    model = build(keras, [make(keras, layer) for layer in spec["layers"]], x.shape[1:])
    measure = ["mae"] if spec["task"] == "numbers" else ["accuracy"]
    model.compile(
        optimizer=make(keras, spec["optimizer"]),
        loss=make(keras, spec["loss"]),
        metrics=measure,
        weighted_metrics=measure,
    )
    options: dict[str, Any] = {"epochs": 3, "shuffle": False, "verbose": 0}
    options |= {key: spec[key] for key in ("batch_size", "validation_split")}
    if spec["weighting"] == "rows":
        options["sample_weight"] = row_weights()
    elif spec["weighting"] == "classes":
        options["class_weight"] = {0: 0.5, 1: 2.0, 2: 1.5}
    return observe(model, model.fit(x, y, **options), x, y, {})


CASES: dict[str, Case] = {f"architecture {seed}": partial(run, seed=seed) for seed in SEEDS}
"""One case for each seed."""

"""Ten steps of every optimizer with every option, and the weights after steps 1, 2, 5 and 10."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.parity.cases.data import classes, words
from tests.parity.cases.training import Fit, build, softmax_net, weights_of
from tests.parity.engine import Case, Engine, Outcome

Make = Callable[[Any], Any]
STEPS, WATCHED = 10, (1, 2, 5, 10)


def ten_steps(engine: Engine, make: Make) -> Outcome:
    """Train on ten different batches of twelve rows."""
    keras = engine.keras
    x, y = classes(STEPS * 12)
    layers = [
        keras.layers.Dense(5, activation="tanh", name="first"),
        keras.layers.Dense(3, activation="softmax", name="second"),
    ]
    model = build(keras, layers, x.shape[1:])
    model.compile(optimizer=make(keras), loss="categorical_crossentropy")
    outcome: Outcome = {}
    losses = []
    for step in range(1, STEPS + 1):
        rows = slice((step - 1) * 12, step * 12)
        losses.append(model.train_on_batch(x[rows], y[rows]))
        if step in WATCHED:
            outcome |= weights_of(model, f"step {step}")
    return outcome | {"losses": losses}


def without_biases(keras: Any) -> Any:
    """Weight decay for kernels only."""
    optimizer = keras.optimizers.AdamW(0.05, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


SPECS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"learning_rate": 0.2}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.7}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.7, "nesterov": True}),
    ("RMSprop", {"learning_rate": 0.02}),
    ("RMSprop", {"learning_rate": 0.02, "rho": 0.5, "momentum": 0.6}),
    ("RMSprop", {"learning_rate": 0.02, "centered": True, "epsilon": 1e-3}),
    ("RMSprop", {"learning_rate": 0.02, "centered": True, "epsilon": 1e-3, "momentum": 0.6}),
    ("Adam", {"learning_rate": 0.02}),
    ("Adam", {"learning_rate": 0.02, "beta_1": 0.6, "beta_2": 0.8, "epsilon": 1e-3}),
    ("Adam", {"learning_rate": 0.02, "beta_2": 0.5, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.02}),
    ("AdamW", {"learning_rate": 0.02, "weight_decay": 0.3, "amsgrad": True}),
    ("Adamax", {"learning_rate": 0.02}),
    ("Adamax", {"learning_rate": 0.02, "beta_1": 0.6, "beta_2": 0.8, "epsilon": 1e-3}),
    ("Nadam", {"learning_rate": 0.02}),
    ("Nadam", {"learning_rate": 0.02, "beta_1": 0.6, "beta_2": 0.8, "epsilon": 1e-3}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.01, "epsilon": 1e-3}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.7, "epsilon": 1e-3}),
    ("Ftrl", {"learning_rate": 0.1}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.01, "l2_regularization_strength": 0.02}),
    ("Ftrl", {"learning_rate": 0.1, "l2_shrinkage_regularization_strength": 0.05, "beta": 0.3}),
    ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.3, "initial_accumulator_value": 0.5}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lion", {"learning_rate": 0.01, "beta_1": 0.6, "beta_2": 0.8}),
    ("Lamb", {"learning_rate": 0.02}),
    ("Lamb", {"learning_rate": 0.02, "beta_1": 0.6, "beta_2": 0.8, "epsilon": 1e-3}),
    ("Adafactor", {"learning_rate": 0.05}),
    ("Adafactor", {"learning_rate": 0.05, "relative_step": False, "clip_threshold": 0.5}),
    ("Adafactor", {"learning_rate": 0.05, "beta_2_decay": -0.5, "epsilon_1": 1e-6, "epsilon_2": 0.1}),
    ("Muon", {"learning_rate": 0.02}),
    (
        "Muon",
        {
            "learning_rate": 0.02,
            "nesterov": False,
            "momentum": 0.6,
            "weight_decay": None,
            "adam_lr_ratio": 0.5,
        },
    ),
    ("Muon", {"learning_rate": 0.02, "ns_steps": 2, "rms_rate": None, "exclude_layers": ["second"]}),
]

EVERY = words("SGD RMSprop Adam AdamW Adamax Nadam Adagrad Adadelta Ftrl Lion Lamb Adafactor Muon")
OPTIONS: list[dict[str, Any]] = [
    {"weight_decay": 0.2},
    {"clipnorm": 0.1},
    {"clipvalue": 0.02},
    {"global_clipnorm": 0.1},
    {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {"loss_scale_factor": 16.0},
]
"""What every optimizer takes; tried on all of them, one at a time."""

TOGETHER: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"momentum": 0.9, "weight_decay": 0.1, "clipnorm": 0.2, "gradient_accumulation_steps": 2}),
    ("Adam", {"weight_decay": 0.1, "global_clipnorm": 0.2, "use_ema": True, "ema_overwrite_frequency": 4}),
    ("AdamW", {"clipvalue": 0.02, "use_ema": True, "ema_momentum": 0.5, "gradient_accumulation_steps": 3}),
    ("RMSprop", {"weight_decay": 0.1, "clipvalue": 0.03, "gradient_accumulation_steps": 4, "momentum": 0.5}),
]

SCHEDULED: dict[str, Make] = {
    "SGD": lambda k: k.optimizers.SGD(k.optimizers.schedules.ExponentialDecay(0.2, 2, 0.7)),
    "SGD momentum": lambda k: k.optimizers.SGD(
        k.optimizers.schedules.PiecewiseConstantDecay([2, 5], [0.2, 0.1, 0.01]), momentum=0.9
    ),
    "Adam": lambda k: k.optimizers.Adam(k.optimizers.schedules.CosineDecay(0.05, 8, alpha=0.1)),
    "AdamW": lambda k: k.optimizers.AdamW(k.optimizers.schedules.PolynomialDecay(0.05, 8), weight_decay=0.1),
    "Adam accumulating": lambda k: k.optimizers.Adam(
        k.optimizers.schedules.InverseTimeDecay(0.05, 2, 0.5), gradient_accumulation_steps=2
    ),
    "RMSprop": lambda k: k.optimizers.RMSprop(k.optimizers.schedules.CosineDecayRestarts(0.02, 3)),
}


def _make(name: str, options: dict[str, Any]) -> Make:
    return lambda k: getattr(k.optimizers, name)(**options)


def _fit(make: Make) -> Fit:
    return Fit(
        lambda k: {"optimizer": make(k), "loss": "categorical_crossentropy"},
        layers=softmax_net,
        fit=lambda k: {"validation_split": 0.2},
    )


def _label(name: str, options: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in options.items())})"


_COMMON: list[tuple[str, dict[str, Any]]] = [
    (name, {"learning_rate": 0.02, **options}) for name in EVERY for options in OPTIONS
]
_FITTED: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"use_ema": True, "ema_momentum": 0.8}),
    ("Adam", {"gradient_accumulation_steps": 3}),
]


def _same(name: str) -> Make:
    return lambda _: name


CASES: dict[str, Case] = {
    **{f"'{name}'": partial(ten_steps, make=_same(name)) for name in words("sgd RMSprop NADAM adamw lion ftrl muon")},
    **{_label(*spec): partial(ten_steps, make=_make(*spec)) for spec in [*SPECS, *_COMMON]},
    **{_label(*spec): partial(ten_steps, make=_make(*spec)) for spec in TOGETHER},
    **{f"{name} with a schedule": partial(ten_steps, make=make) for name, make in SCHEDULED.items()},
    "AdamW without decay of biases": partial(ten_steps, make=without_biases),
    **{f"fit: {_label(*spec)}": _fit(_make(*spec)) for spec in _FITTED},
}
"""One case for each optimizer and set of arguments."""

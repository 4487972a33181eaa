"""Every activation, its value and its gradient, with other arguments, and for large inputs."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from tests.parity.cases.data import draw, words
from tests.parity.engine import Array, Case, Engine, Outcome

BY_NAME = words(
    "relu leaky_relu relu6 softmax celu elu selu softplus softsign squareplus soft_shrink sparse_plus silu "
    "swish gelu glu tanh tanh_shrink sigmoid sparse_sigmoid exponential hard_sigmoid hard_silu hard_swish "
    "hard_tanh hard_shrink linear mish log_softmax log_sigmoid sparsemax"
)

WITH_OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 1.0}),
    ("relu", {"threshold": 0.5}),
    ("relu", {"negative_slope": 0.2, "max_value": 1.5, "threshold": 0.3}),
    ("leaky_relu", {"negative_slope": 0.05}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("gelu", {"approximate": True}),
    ("softmax", {"axis": 0}),
    ("log_softmax", {"axis": 0}),
    ("sparsemax", {"axis": 0}),
    ("glu", {"axis": 0}),
    ("squareplus", {"b": 1.0}),
    ("soft_shrink", {"threshold": 1.0}),
    ("hard_shrink", {"threshold": 1.0}),
    ("threshold", {"threshold": 0.2, "default_value": -1.0}),
]

LARGE = np.array([[-100, -40, -12, 12, 40, 85], [85, 0.01, -85, -0.01, 2, -2]], dtype=np.float32)
UNBOUNDED = {"exponential"}
"""Its values at 85 are 1e37: a matter of the exponential function's own rounding, not of ours."""


def evaluate(engine: Engine, name: str, options: Mapping[str, Any]) -> Outcome:
    """Value and gradient for ordinary rows, and for large values."""
    activation = engine.keras.activations.get(name)
    outcome: Outcome = {}
    inputs: dict[str, Array] = {"ordinary": draw(12, 6, seed=21, scale=1.5)}
    if name not in UNBOUNDED:
        inputs["large"] = LARGE
    for kind, x in inputs.items():
        y = np.asarray(activation(x, **options))
        dy = draw(*y.shape, seed=22)
        outcome[kind] = y
        outcome[f"{kind} gradient"] = engine.activation_gradient(name, x, dy, options)
    return outcome


def at_zero(engine: Engine) -> Outcome:
    """At exactly zero; the derivative of a kink there is a convention, and ours is that of Keras on JAX."""
    zero = np.zeros((1, 2), dtype=np.float32)
    outcome: Outcome = {}
    for name in ("relu", "leaky_relu", "relu6", "elu", "selu", "softsign", "hard_shrink", "silu"):
        outcome[name] = engine.keras.activations.get(name)(zero)
        outcome[f"{name} gradient"] = engine.activation_gradient(name, zero, np.ones_like(zero), {})
    return outcome


CASES: dict[str, Case] = {
    **{name: partial(evaluate, name=name, options={}) for name in BY_NAME},
    **{
        f"{name}({', '.join(f'{key}={value}' for key, value in options.items())})": partial(
            evaluate, name=name, options=options
        )
        for name, options in WITH_OPTIONS
    },
    "at zero": at_zero,
}
"""One case for each name, and one for each set of arguments."""

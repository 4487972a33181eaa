"""Ranges: what activations can give, and where one output of theirs turns from one class to the other."""

import math

RANGES: dict[str, tuple[float, float]] = {
    "softmax": (0, 1),
    "sparsemax": (0, 1),
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "sparse_sigmoid": (0, 1),
    "log_sigmoid": (-math.inf, 0),
    "log_softmax": (-math.inf, 0),
    "tanh": (-1, 1),
    "hard_tanh": (-1, 1),
    "softsign": (-1, 1),
    "relu": (0, math.inf),
    "relu6": (0, 6),
    "softplus": (0, math.inf),
    "exponential": (0, math.inf),
}
"""The least and the most that these activations give; the others give any number."""

_THRESHOLDS: dict[tuple[float, float], float] = {(0, 1): 0.5, (-math.inf, 0): math.log(0.5)}


def threshold_of(activation: str | None) -> float:
    """Above it one output means the second class: a probability of 0.5, its logarithm, else 0."""
    return _THRESHOLDS.get(RANGES.get(activation or "linear", (-math.inf, math.inf)), 0.0)

"""The end of a network: a last activation and a loss, some pairs of which a library may treat as one."""

from typing import Any

from tests.parity.cases.data import binary, class_ids, classes, numbers, positives, row_weights, signs
from tests.parity.cases.training import Fit
from tests.parity.engine import Case

PAIRS: list[tuple[str, int, str, dict[str, Any], Any]] = [
    ("softmax", 3, "CategoricalCrossentropy", {"label_smoothing": 0.2}, classes),
    ("softmax", 3, "SparseCategoricalCrossentropy", {"ignore_class": 1}, class_ids),
    ("softmax", 3, "BinaryCrossentropy", {}, classes),
    ("softmax", 3, "MeanSquaredError", {}, classes),
    ("softmax", 3, "KLDivergence", {}, classes),
    ("softmax", 3, "CategoricalGeneralizedCrossEntropy", {}, class_ids),
    ("sigmoid", 3, "CategoricalCrossentropy", {}, classes),
    ("sigmoid", 3, "BinaryCrossentropy", {"label_smoothing": 0.2}, classes),
    ("sigmoid", 3, "BinaryFocalCrossentropy", {"apply_class_balancing": True}, classes),
    ("sigmoid", 1, "MeanAbsoluteError", {}, binary),
    ("tanh", 1, "SquaredHinge", {}, signs),
    ("softplus", 2, "Poisson", {}, positives),
    ("exponential", 2, "MeanSquaredLogarithmicError", {}, positives),
    ("linear", 2, "LogCosh", {}, numbers),
    ("linear", 2, "CosineSimilarity", {}, numbers),
    ("linear", 3, "CategoricalHinge", {}, classes),
    ("linear", 3, "CategoricalFocalCrossentropy", {"from_logits": True}, classes),
]
"""A last activation and a loss, some of which a library may treat as one."""


def _pair(last: str, units: int, loss: str, options: dict[str, Any], data: Any) -> Fit:
    return Fit(
        lambda k: {"optimizer": k.optimizers.SGD(0.05), "loss": getattr(k.losses, loss)(**options)},
        layers=lambda k: [k.layers.Dense(8, activation="tanh"), k.layers.Dense(units, activation=last)],
        data=data,
        fit=lambda k: {"sample_weight": row_weights()},
    )


CASES: dict[str, Case] = {
    f"{last} and {loss}({options or ''})": _pair(last, units, loss, options, data)
    for last, units, loss, options, data in PAIRS
}
"""One fit for each pair, with weights for the rows."""

"""Every metric for tabular work: its result after each of two weighted updates, and after a reset."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.parity.cases.data import distribution, draw, fractions, labels, one_hot, row_weights
from tests.parity.engine import Case, Engine, Outcome

Pair = tuple[Any, Any]
R, K = 40, 4


def _real() -> Pair:
    y_true = draw(R, 2, seed=41)
    return y_true, y_true + draw(R, 2, seed=42, scale=0.5)


def _positive() -> Pair:
    return fractions(R, 2, seed=41) * 3, fractions(R, 2, seed=42) * 3


def _yes_no() -> Pair:
    """A column of zeros and ones, and probabilities that lean towards them."""
    y_true = (fractions(R, 1, seed=41) > 0.6).astype(np.float32)
    return y_true, fractions(R, 1, seed=42) * 0.7 + y_true * np.float32(0.3)


def _scores() -> Pair:
    y_true, _ = _yes_no()
    return y_true, draw(R, 1, seed=42, scale=2.0) + y_true


def _tags() -> Pair:
    """Several zeros and ones in a row."""
    y_true = (fractions(R, 3, seed=41) > 0.6).astype(np.float32)
    return y_true, fractions(R, 3, seed=42) * 0.7 + y_true * np.float32(0.3)


def _signs() -> Pair:
    return _yes_no()[0] * 2 - 1, draw(R, 1, seed=42)


def _one_hot() -> Pair:
    y_true = one_hot(labels(R, K, seed=41), K)
    mixed = distribution(R, K, seed=42) + y_true * np.float32(0.2)
    return y_true, mixed / mixed.sum(axis=1, keepdims=True)


def _one_hot_scores() -> Pair:
    return _one_hot()[0], draw(R, K, seed=42, scale=2.0)


def _indices() -> Pair:
    return labels(R, K, seed=41), _one_hot()[1]


def _index_pairs() -> Pair:
    return labels(R, K, seed=41)[:, None], labels(R, 2, seed=42)[:, None] + labels(R, 3, seed=43)[:, None]


def _distributions() -> Pair:
    return distribution(R, K, seed=41), distribution(R, K, seed=42)


_THREE = [0.25, 0.5, 0.75]

SPECS: list[tuple[str, dict[str, Any], Callable[[], Pair]]] = [
    ("Accuracy", {}, _index_pairs),
    ("BinaryAccuracy", {}, _yes_no),
    ("BinaryAccuracy", {"threshold": 0.3}, _tags),
    ("CategoricalAccuracy", {}, _one_hot),
    ("SparseCategoricalAccuracy", {}, _indices),
    ("TopKCategoricalAccuracy", {"k": 2}, _one_hot),
    ("TopKCategoricalAccuracy", {}, _one_hot),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, _indices),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, _indices),
    *((name, {}, _yes_no) for name in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives")),
    *((name, {"thresholds": _THREE}, _tags) for name in ("TruePositives", "TrueNegatives")),
    *((name, {"thresholds": 0.7}, _tags) for name in ("FalsePositives", "FalseNegatives")),
    *((name, {}, _yes_no) for name in ("Precision", "Recall")),
    *((name, {}, _tags) for name in ("Precision", "Recall")),
    *((name, {"thresholds": _THREE}, _yes_no) for name in ("Precision", "Recall")),
    *((name, {"class_id": 1}, _tags) for name in ("Precision", "Recall")),
    *((name, {"top_k": 2}, _one_hot) for name in ("Precision", "Recall")),
    *((name, {"top_k": 2, "class_id": 3}, _one_hot) for name in ("Precision", "Recall")),
    ("AUC", {}, _yes_no),
    ("AUC", {}, _tags),
    ("AUC", {"curve": "PR"}, _yes_no),
    ("AUC", {"num_thresholds": 11}, _yes_no),
    *(
        ("AUC", {"curve": curve, "summation_method": method, "num_thresholds": 20}, _yes_no)
        for curve in ("ROC", "PR")
        for method in ("minoring", "majoring")
    ),
    ("AUC", {"thresholds": _THREE}, _yes_no),
    ("AUC", {"from_logits": True}, _scores),
    ("AUC", {"multi_label": True, "num_labels": 3}, _tags),
    ("AUC", {"multi_label": True, "num_labels": 3, "label_weights": [0.2, 0.5, 1.0]}, _tags),
    ("AUC", {"multi_label": True, "num_labels": 3, "curve": "PR"}, _tags),
    ("SensitivityAtSpecificity", {"specificity": 0.7}, _yes_no),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6}, _yes_no),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6, "num_thresholds": 17}, _yes_no),
    ("PrecisionAtRecall", {"recall": 0.6}, _yes_no),
    ("RecallAtPrecision", {"precision": 0.6}, _yes_no),
    ("RecallAtPrecision", {"precision": 0.5, "class_id": 1}, _tags),
    ("F1Score", {}, _one_hot),
    ("F1Score", {"threshold": 0.5}, _yes_no),
    *(("F1Score", {"average": average}, _one_hot) for average in ("micro", "macro", "weighted")),
    ("F1Score", {"average": "macro", "threshold": 0.6}, _tags),
    ("FBetaScore", {"beta": 2.0}, _one_hot),
    ("FBetaScore", {"beta": 0.5, "average": "weighted", "threshold": 0.4}, _tags),
    *((f"Mean{kind}Error", {}, _real) for kind in ("Squared", "Absolute", "AbsolutePercentage")),
    ("RootMeanSquaredError", {}, _real),
    ("MeanSquaredLogarithmicError", {}, _positive),
    ("LogCoshError", {}, _real),
    ("CosineSimilarity", {}, _real),
    ("CosineSimilarity", {"axis": 0}, _real),
    ("R2Score", {}, _real),
    ("R2Score", {"class_aggregation": None}, _real),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, _real),
    ("R2Score", {"num_regressors": 3}, _real),
    ("PearsonCorrelation", {}, _distributions),
    ("PearsonCorrelation", {"axis": 0}, _real),
    ("ConcordanceCorrelation", {}, _distributions),
    ("ConcordanceCorrelation", {"axis": 0}, _real),
    ("KLDivergence", {}, _distributions),
    ("Poisson", {}, _positive),
    ("BinaryCrossentropy", {}, _yes_no),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, _scores),
    ("CategoricalCrossentropy", {}, _one_hot),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, _one_hot_scores),
    ("SparseCategoricalCrossentropy", {}, _indices),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, _indices),
    ("Hinge", {}, _signs),
    ("SquaredHinge", {}, _signs),
    ("CategoricalHinge", {}, _one_hot_scores),
]

UNWEIGHTED = {"PearsonCorrelation", "ConcordanceCorrelation", "CosineSimilarity"}
"""With axis=0 they give a value for each column, which a weight for each row does not fit."""


def evaluate(engine: Engine, name: str, options: dict[str, Any], data: Callable[[], Pair]) -> Outcome:
    """Update with the first rows, then with the others, weighted; reset, and update with all."""
    metric = getattr(engine.keras.metrics, name)(**options)
    y_true, y_pred = data()
    outcome: Outcome = {}
    metric.update_state(y_true[:25], y_pred[:25])
    outcome["first rows"] = metric.result()
    if name not in UNWEIGHTED:
        metric.update_state(y_true[25:], y_pred[25:], sample_weight=row_weights(R)[25:])
        outcome["and weighted rows"] = metric.result()
    metric.reset_state()
    metric.update_state(y_true, y_pred)
    return outcome | {"all rows": metric.result()}


def of_values(engine: Engine, name: str) -> Outcome:
    """`Mean` and `Sum` take values instead of targets and predictions."""
    metric = getattr(engine.keras.metrics, name)()
    metric.update_state(draw(5, seed=44), sample_weight=row_weights(5))
    outcome: Outcome = {"vector": metric.result()}
    metric.update_state(2.5)
    outcome["and a number"] = metric.result()
    metric.update_state(draw(3, 2, seed=45))
    return outcome | {"and a matrix": metric.result()}


def by_name(engine: Engine, name: str, data: Callable[[], Pair]) -> Outcome:
    """A function of `keras.metrics`, called directly."""
    y_true, y_pred = data()
    return {"rows": getattr(engine.keras.metrics, name)(y_true, y_pred)}


FUNCTIONS: list[tuple[str, Callable[[], Pair]]] = [
    ("binary_accuracy", _tags),
    ("categorical_accuracy", _one_hot),
    ("sparse_categorical_accuracy", _indices),
    ("top_k_categorical_accuracy", _one_hot),
    ("sparse_top_k_categorical_accuracy", _indices),
    ("pearson_correlation", _distributions),
    ("concordance_correlation", _distributions),
    ("mean_squared_error", _real),
    ("binary_crossentropy", _yes_no),
    ("categorical_crossentropy", _one_hot),
    ("kl_divergence", _distributions),
]


def _label(name: str, options: dict[str, Any], data: Callable[[], Pair]) -> str:
    arguments = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"{name}({arguments}) of {data.__name__.strip('_')}"


CASES: dict[str, Case] = {
    **{
        _label(name, options, data): partial(evaluate, name=name, options=options, data=data)
        for name, options, data in SPECS
    },
    **{name: partial(of_values, name=name) for name in ("Mean", "Sum")},
    **{f"function {name}": partial(by_name, name=name, data=data) for name, data in FUNCTIONS},
}
"""One case for each metric and set of arguments, and each function."""

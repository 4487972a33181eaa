"""Every loss: the rows' losses, the reduced number, and the derivative with respect to the predictions."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.parity.cases.data import distribution, draw, fractions, labels, one_hot, row_weights, words
from tests.parity.engine import Case, Engine, Outcome

Pair = tuple[Any, Any]
R, K = 10, 4


def _real() -> Pair:
    return draw(R, K, seed=31), draw(R, K, seed=32)


def _positive() -> Pair:
    return fractions(R, K, seed=31) * 3, fractions(R, K, seed=32) * 3


def _yes_no() -> Pair:
    return (fractions(R, K, seed=31) > 0.5).astype(np.float32), fractions(R, K, seed=32)


def _yes_no_scores() -> Pair:
    return _yes_no()[0], draw(R, K, seed=32, scale=3.0)


def _signs() -> Pair:
    return _yes_no()[0] * 2 - 1, draw(R, K, seed=32)


def _one_hot() -> Pair:
    return one_hot(labels(R, K, seed=31), K), distribution(R, K, seed=32)


def _unnormalised() -> Pair:
    return _one_hot()[0], fractions(R, K, seed=32)


def _one_hot_scores() -> Pair:
    return _one_hot()[0], draw(R, K, seed=32, scale=3.0)


def _indices() -> Pair:
    return labels(R, K, seed=31), distribution(R, K, seed=32)


def _column_of_indices() -> Pair:
    return labels(R, K, seed=31)[:, None], distribution(R, K, seed=32)


def _indices_scores() -> Pair:
    return labels(R, K, seed=31), draw(R, K, seed=32, scale=3.0)


def _distributions() -> Pair:
    return distribution(R, K, seed=31), distribution(R, K, seed=32)


def _certain() -> Pair:
    """Probabilities of exactly zero and one, where clipping decides."""
    eye = np.eye(4, dtype=np.float32)
    return np.concatenate([eye, eye]), np.concatenate([eye, eye[::-1]])


def _almost_certain() -> Pair:
    """Zeros, but no exact ones: a derivative at the very bound of a clip is a convention of its own."""
    y_true, y_pred = _certain()
    return y_true, y_pred * np.float32(0.9)


SPECS: list[tuple[str, dict[str, Any], Callable[[], Pair]]] = [
    ("MeanSquaredError", {}, _real),
    ("MeanAbsoluteError", {}, _real),
    ("MeanAbsolutePercentageError", {}, _real),
    ("MeanSquaredLogarithmicError", {}, _positive),
    ("MeanSquaredLogarithmicError", {}, _real),
    ("CosineSimilarity", {}, _real),
    ("CosineSimilarity", {"axis": 0}, _real),
    ("Huber", {}, _real),
    ("Huber", {"delta": 0.3}, _real),
    ("LogCosh", {}, _real),
    ("Hinge", {}, _signs),
    ("Hinge", {}, _yes_no_scores),
    ("SquaredHinge", {}, _signs),
    ("SquaredHinge", {}, _yes_no_scores),
    ("CategoricalHinge", {}, _one_hot_scores),
    ("KLDivergence", {}, _distributions),
    ("KLDivergence", {}, _almost_certain),
    ("Poisson", {}, _positive),
    ("BinaryCrossentropy", {}, _yes_no),
    ("BinaryCrossentropy", {}, _certain),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, _yes_no),
    ("BinaryCrossentropy", {"from_logits": True}, _yes_no_scores),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, _yes_no_scores),
    ("BinaryFocalCrossentropy", {}, _yes_no),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5}, _yes_no),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1, "gamma": 3.0}, _yes_no_scores),
    ("CategoricalCrossentropy", {}, _one_hot),
    ("CategoricalCrossentropy", {}, _unnormalised),
    ("CategoricalCrossentropy", {}, _certain),
    ("CategoricalCrossentropy", {}, _distributions),
    ("CategoricalCrossentropy", {"label_smoothing": 0.3}, _one_hot),
    ("CategoricalCrossentropy", {"from_logits": True}, _one_hot_scores),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, _one_hot_scores),
    ("CategoricalFocalCrossentropy", {}, _one_hot),
    ("CategoricalFocalCrossentropy", {"alpha": 0.7, "gamma": 1.0, "label_smoothing": 0.1}, _unnormalised),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "gamma": 3.0}, _one_hot_scores),
    ("SparseCategoricalCrossentropy", {}, _indices),
    ("SparseCategoricalCrossentropy", {}, _column_of_indices),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, _indices_scores),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, _indices),
    ("SparseCategoricalCrossentropy", {"ignore_class": 0, "from_logits": True}, _indices_scores),
    ("CategoricalGeneralizedCrossEntropy", {}, _indices),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.9}, _indices),
]


def evaluate(engine: Engine, name: str, options: dict[str, Any], data: Callable[[], Pair]) -> Outcome:
    """Rows, mean and derivative."""
    loss = getattr(engine.keras.losses, name)(**options)
    y_true, y_pred = data()
    return {
        "rows": loss.call(y_true, y_pred),
        "reduced": loss(y_true, y_pred),
        "gradient": engine.loss_gradient(loss, y_true, y_pred),
    }


def reduce(engine: Engine, name: str, data: Callable[[], Pair], reduction: str | None) -> Outcome:
    """The reduced number without weights, with a weight for each row, and with a column of weights."""
    loss = getattr(engine.keras.losses, name)(reduction=reduction)
    y_true, y_pred = data()
    weights = row_weights(R)
    return {
        "plain": loss(y_true, y_pred),
        "weighted": loss(y_true, y_pred, sample_weight=weights),
        "column": loss(y_true, y_pred, sample_weight=weights[:, None]),
    }


def by_name(engine: Engine, name: str, data: Callable[[], Pair]) -> Outcome:
    """What a name stands for: a function that gives the rows' losses."""
    y_true, y_pred = data()
    return {"rows": engine.keras.losses.get(name)(y_true, y_pred)}


def function(engine: Engine, name: str, data: Callable[[], Pair]) -> Outcome:
    """The function of a loss, called directly."""
    y_true, y_pred = data()
    return {"rows": getattr(engine.keras.losses, name)(y_true, y_pred)}


NAMES: list[tuple[str, Callable[[], Pair]]] = [
    *((name, _real) for name in words("mse MSE mae MAE mape MAPE cosine_similarity huber log_cosh")),
    *((name, _real) for name in words("mean_squared_error mean_absolute_error mean_absolute_percentage_error")),
    *((name, _positive) for name in words("msle MSLE mean_squared_logarithmic_error poisson")),
    *((name, _signs) for name in words("hinge squared_hinge")),
    *((name, _distributions) for name in words("kld KLD kl_divergence")),
    *((name, _yes_no) for name in words("bce BCE binary_crossentropy binary_focal_crossentropy")),
    *((name, _one_hot) for name in words("categorical_crossentropy categorical_focal_crossentropy categorical_hinge")),
    ("sparse_categorical_crossentropy", _indices),
]


def _label(name: str, options: dict[str, Any], data: Callable[[], Pair]) -> str:
    arguments = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"{name}({arguments}) of {data.__name__.strip('_')}"


CASES: dict[str, Case] = {
    **{
        _label(name, options, data): partial(evaluate, name=name, options=options, data=data)
        for name, options, data in SPECS
    },
    **{
        f"{name} reduction={reduction}": partial(reduce, name=name, data=data, reduction=reduction)
        for name, data in (("MeanSquaredError", _real), ("SparseCategoricalCrossentropy", _indices))
        for reduction in ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
    },
    **{f"'{name}'": partial(by_name, name=name, data=data) for name, data in NAMES},
    **{f"function {name}": partial(function, name=name, data=data) for name, data in NAMES if len(name) > 4},
}
"""One case for each loss and set of arguments, each reduction, and each name."""

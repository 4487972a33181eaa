"""The evaluation report: the numbers and curves behind a loss.

Curves and areas follow their definitions as scikit-learn computes them: the ROC area by trapezoids over distinct
scores, average precision as the sum of precisions weighted by the steps of recall. So does the mean of F1: it is that
of the classes that occur, in the data or in the predictions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.data.datasets import Dataset
from service.evaluation.probabilities import probability_report
from service.formats.metric_values import MetricValue, finite
from service.nn import Sequential
from service.nn.losses import Targets
from service.task import Task

Array = NDArray[Any]

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_MOST_POINTS = 101
_MOST_CURVES = 20
_MOST_COMPARED_ROWS = 100_000
_MOST_COUNTED = 1000
"""With more classes a confusion matrix is too large to read, and soon too large for memory."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How well a network does on a dataset."""

    metrics: dict[str, MetricValue]
    """The loss and each metric; None where it is no finite number."""
    report: dict[str, Any]


def measure(model: Sequential, task: Task, dataset: Dataset) -> Measured:
    """Loss, metrics and report of a compiled network on a dataset whose targets were checked."""
    y = task.encoded(dataset.y)
    found = model.evaluate(dataset.x, y, sample_weight=dataset.sample_weight, verbose=0, return_dict=True)
    predictions = task.in_units(model.predict(dataset.x, verbose=0))
    made = report(
        predictions,
        task.in_units(y),
        task.targets,
        names=task.output_names,
        from_logits=task.loss.takes_logits,
        threshold=task.outputs.threshold,
    )
    if made["kind"] == "classification" and task.outputs.are_probabilities:
        made |= _probabilities(task, predictions, y)
    return Measured(metrics={name: finite(value) for name, value in found.items()}, report=made)


def _probabilities(task: Task, predictions: Array, y: Array) -> dict[str, Any]:
    """Returns the quality of the class probabilities; empty if the outputs stand for no probabilities."""
    scores = task.outputs.scores(predictions)
    truth = true_classes(task, y)
    if scores is None or not np.isfinite(scores).all():
        return {}
    known = (truth >= 0) & (truth < scores.shape[1])
    return probability_report(scores[known], truth[known]) if known.any() else {}


def true_classes(task: Task, y: Array) -> NDArray[np.int64]:
    """The index of the class of each row (rows,), of targets as the loss takes them; -1 where it does not count."""
    if task.targets is Targets.BINARY:
        return (y.reshape(-1) > 0.5).astype(np.int64)
    truth = y.reshape(len(y)).astype(np.int64) if task.targets is Targets.CLASS_INDICES else y.argmax(axis=1)
    return truth if task.loss.ignored_class is None else np.where(truth == task.loss.ignored_class, -1, truth)


def is_worse_than_mean(model: Sequential, task: Task, train: Dataset, held: Dataset | None) -> bool:
    """Whether the mean of the training targets is at least as near to the targets as the outputs are, for one of them.

    Measured by squares on the rows that are held out, if there are any. Never of classes.
    """
    if task.targets is not Targets.NUMBERS:
        return False
    part = train if held is None else held
    rows = slice(0, _MOST_COMPARED_ROWS)
    y = part.y[rows].reshape(len(part.y[rows]), -1).astype(np.float64)
    outputs = task.in_units(model.predict(part.x[rows], verbose=0)).reshape(len(y), -1).astype(np.float64)
    if outputs.shape != y.shape:
        return False
    mean = train.y.reshape(len(train.y), -1).astype(np.float64).mean(axis=0)
    by_mean, by_network = ((mean - y) ** 2).mean(axis=0), ((outputs - y) ** 2).mean(axis=0)
    return bool((~(by_network < by_mean) & (by_mean > 0)).any())


def report(
    predictions: Array,
    y: Array,
    targets: Targets,
    *,
    names: Sequence[str] | None,
    from_logits: bool,
    threshold: float = 0.5,
) -> dict[str, Any]:
    """The report on predictions (rows, units) of targets `y` as the loss takes them; `names` of classes or outputs.

    `threshold` is where one output turns from the first class to the second.
    """
    if targets is Targets.NUMBERS:
        return {"kind": "regression", "outputs": _regression(predictions, y, names)}
    if targets is Targets.BINARY:
        if predictions.shape[1] > 1:
            labels = _names(names, predictions.shape[1])
            outputs = [_binary(predictions[:, i], y[:, i] > 0.5, threshold, name) for i, name in enumerate(labels)]
            return {"kind": "multi_label", "outputs": outputs}
        truth = (y.reshape(-1) > 0.5).astype(np.int64)
        chosen = (predictions[:, 0] > threshold).astype(np.int64)
        scores = np.concatenate([-predictions, predictions], axis=1)
        return _classification(scores, truth, chosen, _names(names, 2))
    scores = _softmax(predictions) if from_logits else predictions
    truth = y.reshape(len(y)) if targets is Targets.CLASS_INDICES else y.argmax(axis=1)
    return _classification(scores, truth, scores.argmax(axis=1), _names(names, predictions.shape[1]))


def importance(
    measure: Callable[[Array], float], x: Array, columns: dict[str, slice], *, repeats: int, seed: int
) -> list[dict[str, Any]]:
    """How much worse `measure` (a loss of inputs) gets when a feature's values are dealt to other rows.

    The features that matter most come first (Breiman 2001, "Random Forests", section 10).
    """
    base = measure(x)
    made = []
    for name, place in columns.items():
        rng = np.random.default_rng(seed)
        worse = []
        kept = x[:, place].copy()
        for _ in range(repeats):
            x[:, place] = kept[rng.permutation(len(x))]
            worse.append(measure(x) - base)
        x[:, place] = kept
        made.append({"feature": name, "importance": float(np.mean(worse)), "deviation": float(np.std(worse))})
    return sorted(made, key=lambda one: -one["importance"])


def _classification(scores: Array, truth: Array, chosen: Array, names: list[str]) -> dict[str, Any]:
    known = (truth >= 0) & (truth < len(names)) & (chosen < len(names))
    there, said, hits = (
        np.bincount(labels, minlength=len(names))
        for labels in (truth[known], chosen[known], truth[known & (truth == chosen)])
    )
    classes = [
        _of_class(name, scores[:, i], truth == i, hit=hits[i], said=said[i], there=there[i])
        for i, name in enumerate(names)
    ]
    shown = [1] if len(names) == 2 else range(min(len(names), _MOST_CURVES))
    occurs = there + said > 0
    return {
        "kind": "classification",
        "accuracy": float((truth == chosen).mean()),
        "macro_f1": _mean([one["f1"] for one, one_occurs in zip(classes, occurs, strict=True) if one_occurs]),
        "macro_roc_auc": _mean([one["roc_auc"] for one in classes]),
        "confusion_matrix": _confusion_matrix(truth[known], chosen[known], names),
        "classes": classes,
        "curves": [{"class": names[i], **_curves(scores[:, i], truth == i)} for i in shown],
    }


def _confusion_matrix(truth: Array, chosen: Array, names: list[str]) -> dict[str, Any] | None:
    """Returns the confusion matrix; None where it would have millions of numbers."""
    if len(names) > _MOST_COUNTED:
        return None
    cells = np.bincount(truth * len(names) + chosen, minlength=len(names) ** 2)
    return {"classes": names, "counts": cells.reshape(len(names), len(names)).tolist()}


def _of_class(name: str, scores: Array, truth: Array, *, hit: int, said: int, there: int) -> dict[str, Any]:
    precision, recall = _ratio(hit, said), _ratio(hit, there)
    return {
        "class": name,
        "rows": int(there),
        "precision": precision,
        "recall": recall,
        "f1": _ratio(2 * hit, said + there),
        **_areas(scores, truth),
    }


def _binary(scores: Array, truth: Array, threshold: float, name: str) -> dict[str, Any]:
    chosen = scores > threshold
    hit, said, there = ((truth & chosen).sum(), chosen.sum(), truth.sum())
    return {
        **_of_class(name, scores, truth, hit=hit, said=said, there=there),
        "curves": _curves(scores, truth),
    }


def _areas(scores: Array, truth: Array) -> dict[str, float | None]:
    if not _can_be_ranked(scores, truth):
        return {"roc_auc": None, "average_precision": None}
    hits, misses = _cumulated(scores, truth)
    recall, false = hits / hits[-1], misses / misses[-1]
    precision = hits / (hits + misses)
    auc = float(np.trapezoid(np.concatenate([[0.0], recall]), np.concatenate([[0.0], false])))
    return {"roc_auc": auc, "average_precision": float((np.diff(recall, prepend=0.0) * precision).sum())}


def _curves(scores: Array, truth: Array) -> dict[str, Any]:
    if not _can_be_ranked(scores, truth):
        return {"roc": None, "precision_recall": None}
    hits, misses = _cumulated(scores, truth)
    places = np.unique(np.linspace(0, len(hits) - 1, _MOST_POINTS).round().astype(int))
    recall, false = hits[places] / hits[-1], misses[places] / misses[-1]
    precision = hits[places] / (hits[places] + misses[places])
    return {
        "roc": {"false_positive_rate": [0.0, *false.tolist()], "true_positive_rate": [0.0, *recall.tolist()]},
        "precision_recall": {"precision": [1.0, *precision.tolist()], "recall": [0.0, *recall.tolist()]},
    }


def _can_be_ranked(scores: Array, truth: Array) -> bool:
    """Whether both classes occur, and every row has a score."""
    return bool(truth.any() and not truth.all() and not np.isnan(scores).any())


def _cumulated(scores: Array, truth: Array) -> tuple[Array, Array]:
    """True and false positives when everything from each distinct score upwards is taken for positive."""
    order = np.argsort(-scores, kind="stable")
    ranked, hit = scores[order], truth[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    hits = np.cumsum(hit)[last].astype(float)
    return hits, last + 1 - hits


def _regression(predictions: Array, y: Array, names: Sequence[str] | None) -> list[dict[str, Any]]:
    made = []
    for i, name in enumerate(_names(names, predictions.shape[1])):
        truth, residual = y[:, i].astype(float), y[:, i].astype(float) - predictions[:, i]
        spread = float(((truth - truth.mean()) ** 2).sum())
        made.append(
            {
                "output": name,
                "r2": 1.0 - float((residual**2).sum()) / spread if spread > 0 else None,
                "rmse": float(np.sqrt((residual**2).mean())),
                "mae": float(np.abs(residual).mean()),
                "residual_quantiles": {f"{q:g}": float(np.quantile(residual, q)) for q in QUANTILES},
            }
        )
    return made


def _names(names: Sequence[str] | None, count: int) -> list[str]:
    named = list(names or ())[:count]
    return named + [str(i) for i in range(len(named), count)]


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else 0.0


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def _softmax(x: Array) -> Array:
    raised = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))

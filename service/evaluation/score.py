"""The score of a version: how it does on rows that were held out, beside knowing nothing."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.data.datasets import Dataset
from service.evaluation.held_out import HeldOut
from service.evaluation.probabilities import brier, calibration_error, log_loss, normalized, reliability
from service.evaluation.report import true_classes
from service.formats.metric_values import finite
from service.nn import Sequential
from service.nn.losses import Targets
from service.task import Task

Array = NDArray[Any]
_SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is predicted without looking at the inputs: the mean and the median, or the shares of the classes."""

    means: NDArray[np.float64]
    """Of each target that is a number, of each label the share of ones, or of each class its share."""
    medians: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def of(cls, task: Task, y: Array) -> Self:
        """The baseline of training targets as they were given."""
        made = task.in_units(task.encoded(y)).astype(np.float64)
        if task.targets is Targets.CLASS_INDICES:
            ignored = task.loss.ignored_class
            labels = made.astype(np.int64)
            labels = labels if ignored is None else labels[labels != ignored]
            shares = np.bincount(labels, minlength=task.units) / max(1, len(labels))
            return cls(shares, shares, shares)
        return cls(made.mean(axis=0), np.median(made, axis=0), made.std(axis=0))


def held_out_score(
    model: Sequential, task: Task, dataset: Dataset, kept: int, validated: Array | None = None
) -> dict[str, Any] | None:
    """The score of a trained network on the test part, else on that of the validation; None where nothing is held out.

    The first `kept` rows of the dataset were trained on; others behind them are its validation part. `validated` are
    the predictions of the validation part, where they are not those of the model.
    """
    held: Dataset
    if dataset.test is not None:
        part, held = "test", dataset.test
    elif dataset.validation is not None:
        part, held = "validation", dataset.validation
    elif kept < dataset.rows:
        part, held = "validation", Dataset(dataset.x[kept:], dataset.y[kept:], dataset.classes)
    else:
        return None
    if part == "validation" and validated is not None:
        return score(task, Baseline.of(task, dataset.y[:kept]), validated, held, part)
    with np.errstate(all="ignore"):
        predictions = task.in_units(model.predict(held.x, verbose=0))
    return score(task, Baseline.of(task, dataset.y[:kept]), predictions, held, part)


def score_of(held: HeldOut, task: Task, y: Array) -> dict[str, Any] | None:
    """The score of predictions for held-out rows, beside the baseline of training targets `y`."""
    return score(task, Baseline.of(task, y), held.predictions, held.data, held.part)


def score(task: Task, baseline: Baseline, predictions: Array, held: Dataset, part: str) -> dict[str, Any] | None:
    """The score of predictions (rows, units), in the data's units, on the held-out `part`; None where there is none.

    `skill` is the share of the baseline's loss that the network saves: 1 is perfect, 0 no better than knowing nothing.
    """
    y = task.in_units(task.encoded(held.y))
    measured = _measured(task, baseline, predictions, y)
    if measured is None:
        return None
    metric, metrics, baseline_metrics = measured
    value, least = metrics[metric], baseline_metrics[metric]
    return {
        "part": part,
        "metric": metric,
        "value": finite(value),
        "baseline": finite(least),
        "skill": finite(1 - value / least) if least > 0 else None,
        "higher_is_better": False,
        "metrics": {name: finite(one) for name, one in metrics.items()},
        "baseline_metrics": {name: finite(one) for name, one in baseline_metrics.items()},
        "rows": held.rows,
    }


Metrics = dict[str, float]


def _measured(task: Task, baseline: Baseline, predictions: Array, y: Array) -> tuple[str, Metrics, Metrics] | None:
    """The name of the metric that counts, the metrics, and those of the baseline."""
    if not len(y) or not np.isfinite(predictions).all():
        return None
    if task.targets is Targets.NUMBERS:
        return _of_numbers(baseline, predictions.reshape(len(y), -1).astype(np.float64), y.reshape(len(y), -1))
    scores = task.outputs.scores(predictions)
    if task.targets is Targets.BINARY and task.units > 1:
        likelihood = task.outputs.likelihood(predictions)
        return None if likelihood is None else _of_labels(baseline, likelihood, y)
    if scores is None or not task.outputs.are_probabilities:
        return None
    return _of_classes(task, baseline, normalized(scores), y)


def _of_numbers(baseline: Baseline, predictions: Array, y: Array) -> tuple[str, Metrics, Metrics]:
    names, made = ("metrics", "baseline"), []
    spread = np.maximum(baseline.deviations, _SMALLEST)
    constant = np.broadcast_to(baseline.means, y.shape)
    middle = np.broadcast_to(baseline.medians, y.shape)
    for guess, absolute in ((predictions, predictions), (constant, middle)):
        squares = np.square(y - guess).mean(axis=0)
        around = np.square(y - y.mean(axis=0)).mean(axis=0)
        one = {"rmse": float(np.sqrt(squares.mean())), "mae": float(np.abs(y - absolute).mean())}
        if (around > 0).all():
            one["r2"] = float((1 - squares / around).mean())
        if y.shape[1] > 1:
            # Targets in different units: each counts by its deviation in the training rows.
            one["normalized_rmse"] = float(np.sqrt((squares / np.square(spread)).mean()))
        made.append(one)
    metric = "normalized_rmse" if y.shape[1] > 1 else "rmse"
    found = dict(zip(names, made, strict=True))
    return metric, found["metrics"], found["baseline"]


def _of_labels(baseline: Baseline, p: Array, y: Array) -> tuple[str, Metrics, Metrics]:
    truth = y > 0.5
    made = []
    for guess in (p.astype(np.float64), np.broadcast_to(baseline.means, y.shape)):
        there = np.clip(np.where(truth, guess, 1 - guess), _SMALLEST, 1.0)
        made.append(
            {
                "log_loss": float(-np.log(there).mean()),
                "accuracy": float(((guess > 0.5) == truth).mean()),
                "brier": float(np.square(guess - truth).mean()),
            }
        )
    return "log_loss", made[0], made[1]


def _of_classes(task: Task, baseline: Baseline, p: Array, y: Array) -> tuple[str, Metrics, Metrics] | None:
    truth, shares = true_classes(task, y), baseline.means
    if task.targets is Targets.BINARY:
        shares = np.array([1 - shares[0], shares[0]])
    counted = (truth >= 0) & (truth < p.shape[1])
    if not counted.any() or p.shape[1] < 2:
        return None
    truth, p = truth[counted], p[counted]
    constant = normalized(np.broadcast_to(shares[: p.shape[1]], p.shape))
    made = []
    for guess in (p, constant):
        confidence = guess.max(axis=1) if p.shape[1] > 2 else guess[:, 1]
        right = (guess.argmax(axis=1) == truth) if p.shape[1] > 2 else truth == 1
        made.append(
            {
                "log_loss": log_loss(guess, truth),
                "accuracy": float((_chosen(task, guess) == truth).mean()),
                "brier": brier(guess, truth),
                "expected_calibration_error": calibration_error(reliability(confidence, right)),
            }
        )
    return "log_loss", made[0], made[1]


def _chosen(task: Task, p: Array) -> Array:
    """The class that each row is taken for."""
    decision = task.outputs.decision
    return p.argmax(axis=1) if decision is None or p.shape[1] != 2 else (p[:, 1] > decision).astype(np.int64)

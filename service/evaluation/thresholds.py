"""The threshold above which a row is taken for the second of two classes, tuned for a metric or for costs.

It is the best one on rows that were held out, in the middle of the range of thresholds that do as well. It is kept only
where thresholds that were tuned on the other rows do better on each fifth of them than the one that needs no rows. That
one is 0.5, and for costs the share of a false positive in those of both mistakes, which is best where probabilities are
right (Elkan 2001, "The Foundations of Cost-Sensitive Learning").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.evaluation.held_out import HeldOut
from service.evaluation.probabilities import normalized
from service.evaluation.report import true_classes
from service.spec.certainty import ThresholdSpec
from service.task import Task

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DEFAULT, FOLDS, FEWEST_ROWS = 0.5, 5, 20


@dataclass(frozen=True, slots=True)
class Threshold:
    """A probability of the second class, and what it was tuned on."""

    value: float
    asked: Mapping[str, Any]
    part: str
    rows: int
    before: float
    """The metric, or the mean cost, at 0.5."""
    after: float
    """The same at the threshold that needs no rows, or of each row at the one that the other folds gave."""

    @classmethod
    def tune(cls, task: Task, held: HeldOut, asked: ThresholdSpec) -> Self | None:
        """The threshold that held-out rows teach; None where they are too few, or there are not two classes."""
        scores = task.outputs.scores(held.predictions)
        if scores is None or scores.shape[1] != 2 or not np.isfinite(scores).all():
            return None
        truth = true_classes(task, task.encoded(held.data.y))
        known = (truth == 0) | (truth == 1)
        p, y = normalized(scores[known])[:, 1], truth[known] == 1
        if len(y) < FEWEST_ROWS or y.all() or not y.any():
            return None
        fold = np.random.default_rng(0).permutation(len(y)) % FOLDS
        others = np.array([best(p[fold != one], y[fold != one], asked) for one in range(FOLDS)])[fold]
        plain = without_rows(asked)
        before, after, tuned = (value(*counts(p > at, y), asked) for at in (DEFAULT, plain, others))
        found, after = (best(p, y, asked), tuned) if tuned > after else (plain, after)
        sign = -1.0 if asked.cost is not None else 1.0
        told = asked.model_dump(exclude_none=True)
        return cls(found, told, held.part, len(y), sign * float(before), sign * float(after))

    def to_json(self) -> dict[str, Any]:
        """The threshold, what it was tuned for, the held-out part, its rows, and what came of it."""
        told = {"value": self.value, **self.asked, "part": self.part, "rows": self.rows}
        return {**told, "before": self.before, "after": self.after}


def without_rows(asked: ThresholdSpec) -> float:
    """The threshold that is best where probabilities are right, as far as that is known without rows."""
    if asked.cost is None or asked.cost.false_positive + asked.cost.false_negative == 0:
        return DEFAULT
    return asked.cost.false_positive / (asked.cost.false_positive + asked.cost.false_negative)


def best(p: Floats, y: Flags, asked: ThresholdSpec) -> float:
    """The threshold with the highest value: of equal ones the middle of the range that is nearest to `without_rows`."""
    order = np.argsort(p, kind="stable")
    ranked, hits = p[order], y[order]
    distinct = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    below, positives = np.append(0, distinct + 1), np.append(0, np.cumsum(hits)[distinct])
    fn, fp = positives, (len(y) - below) - (hits.sum() - positives)
    values = np.asarray(value(hits.sum() - fn, fp, fn, below - fn, asked))
    edges = np.concatenate([[0.0], ranked[distinct], [1.0]])
    middles = (edges[:-1] + edges[1:]) / 2
    good = np.flatnonzero(values >= values.max() - 1e-12)
    return float(f"{middles[good[np.abs(middles[good] - without_rows(asked)).argmin()]]:.9g}")


def counts(chosen: Flags, y: Flags) -> tuple[Any, Any, Any, Any]:
    """True and false positives, false and true negatives."""
    return (chosen & y).sum(), (chosen & ~y).sum(), (~chosen & y).sum(), (~chosen & ~y).sum()


def value(tp: Any, fp: Any, fn: Any, tn: Any, asked: ThresholdSpec) -> Any:
    """What is to be large, for counts (thresholds,): the metric, or the mean cost with its sign turned."""
    if asked.cost is not None:
        return -(asked.cost.false_positive * fp + asked.cost.false_negative * fn) / (tp + fp + fn + tn)
    with np.errstate(all="ignore"):
        if asked.metric == "accuracy":
            made = (tp + tn) / (tp + fp + fn + tn)
        elif asked.metric == "balanced_accuracy":
            made = (tp / (tp + fn) + tn / (tn + fp)) / 2
        elif asked.metric == "f1":
            made = 2 * tp / (2 * tp + fp + fn)
        else:
            sides = [np.asarray(one, float) for one in (tp + fp, tp + fn, tn + fp, tn + fn)]
            made = (np.asarray(tp, float) * tn - np.asarray(fp, float) * fn) / np.sqrt(np.prod(sides, axis=0))
    return np.nan_to_num(made)

"""How far a network errs on rows that were held out, and the intervals and sets of classes that follow from it.

Split-conformal prediction (Vovk et al. 2005; Lei et al. 2018): of n held-out rows the ceil((n + 1) * level)-th smallest
score bounds a new one with at least that probability, whatever the network is, if new rows are like the held-out ones.
Numbers are scored by the distance from the prediction, or by that of their logarithms where the training took these;
classes by one minus the probability of what was true (Sadinle et al. 2019, "least ambiguous sets").
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from service.data.datasets import Dataset
from service.evaluation.probabilities import normalized
from service.evaluation.report import true_classes
from service.nn.losses import Targets
from service.task import Task

Array = NDArray[Any]
Floats = NDArray[np.float64]
Form = Literal["absolute", "log", "classes"]

MOST_SCORES, MOST_OF_ALL, MOST_OUTPUTS = 1000, 20_000, 1000
"""Scores that are kept of each output and of all outputs; more outputs than this have no intervals."""

_ROUNDING = 1e-9
"""So much (n + 1) * level may lie above a whole number only because it was rounded."""


@dataclass(frozen=True, slots=True)
class Conformity:
    """Scores of held-out rows, sorted, for each output; or of the true class alone, where the outputs are classes."""

    part: str
    rows: int
    forms: tuple[Form, ...]
    scores: tuple[tuple[float, ...], ...]
    """Of each output those at `kept_ranks`."""

    @classmethod
    def of(cls, task: Task, predictions: Array, held: Dataset, part: str) -> Self | None:
        """The scores of predictions (rows, units), in the data's units, on held-out rows; None where there are none."""
        y = task.in_units(task.encoded(held.y))
        if not len(y) or not np.isfinite(predictions).all():
            return None
        scored = (
            _of_numbers(task, predictions, y) if task.targets is Targets.NUMBERS else _of_classes(task, predictions, y)
        )
        if scored is None or not len(scored[1]) or not 1 <= len(scored[0]) <= MOST_OUTPUTS:
            return None
        forms, scores = scored
        if not np.isfinite(scores).all():
            return None
        ranked = np.sort(scores, axis=0)[kept_ranks(len(scores), len(forms)) - 1]
        columns = tuple(tuple(float(f"{value:.10g}") for value in column) for column in ranked.T.tolist())
        return cls(part, len(scores), forms, columns)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Self | None:
        """The scores that `to_json` described; None for None."""
        if value is None:
            return None
        outputs = value["outputs"]
        forms, scores = (tuple(one[key] for one in outputs) for key in ("form", "scores"))
        return cls(value["part"], value["rows"], forms, tuple(map(tuple, scores)))

    def to_json(self) -> dict[str, Any]:
        """The held-out part, its rows, and the sorted scores of each output."""
        outputs = [{"form": form, "scores": list(scores)} for form, scores in zip(self.forms, self.scores, strict=True)]
        return {"part": self.part, "rows": self.rows, "outputs": outputs}

    @property
    def is_of_classes(self) -> bool:
        """Whether it makes sets of classes; else it makes intervals."""
        return self.forms == ("classes",)

    @property
    def highest_level(self) -> float:
        """The highest level that so few held-out rows can promise."""
        return self.rows / (self.rows + 1)

    def bounds(self, level: float) -> Floats:
        """The score of each output that a new row exceeds with a probability of at most 1 - `level`.

        `level` is at most `highest_level`.
        """
        rank = math.ceil((self.rows + 1) * level - _ROUNDING)
        place = int(np.searchsorted(kept_ranks(self.rows, len(self.forms)), max(1, rank)))
        return np.array([scores[place] for scores in self.scores])

    def intervals(self, predictions: Array, level: float) -> Floats:
        """The low and high end (rows, outputs, 2) of each prediction (rows, outputs)."""
        middle, bounds = predictions.reshape(len(predictions), -1).astype(np.float64), self.bounds(level)
        logs = np.array([form == "log" for form in self.forms])
        with np.errstate(all="ignore"):
            low = np.where(logs, middle * np.exp(-bounds), middle - bounds)
            high = np.where(logs, middle * np.exp(bounds), middle + bounds)
        return np.stack([low, high], axis=-1)

    def sets(self, probabilities: Array, level: float) -> NDArray[np.bool_]:
        """Which classes (rows, classes) are in the set of each row, for the probabilities (rows, classes) of it."""
        made: NDArray[np.bool_] = 1.0 - normalized(probabilities) <= self.bounds(level)[0] + _ROUNDING
        return made


def kept_ranks(rows: int, outputs: int) -> NDArray[np.int64]:
    """The ranks, from 1, of the scores that are kept of so many rows: all, or those of evenly spaced levels."""
    most = max(20, min(MOST_SCORES, MOST_OF_ALL // outputs))
    if rows <= most:
        return np.arange(1, rows + 1)
    levels = -(-np.arange(1, most, dtype=np.int64) * (rows + 1) // most)
    return np.unique(np.append(np.minimum(levels, rows), rows))


Scored = tuple[tuple[Form, ...], Floats]


def _of_numbers(task: Task, predictions: Array, y: Array) -> Scored | None:
    guess, truth = (values.reshape(len(y), -1).astype(np.float64) for values in (predictions, y))
    if guess.shape != truth.shape:
        return None
    transforms: Sequence[str] = ("none",) if task.scale is None else task.scale.transforms
    if len(transforms) == 1:  # arrays have one for all their targets
        transforms = [*transforms] * guess.shape[1]
    forms: tuple[Form, ...] = tuple("log" if transform == "log" else "absolute" for transform in transforms)
    scores = np.abs(truth - guess)
    for place, form in enumerate(forms):
        if form == "log":
            with np.errstate(all="ignore"):
                scores[:, place] = np.abs(np.log(truth[:, place]) - np.log(guess[:, place]))
    return forms, scores


def _of_classes(task: Task, predictions: Array, y: Array) -> Scored | None:
    scores = task.outputs.scores(predictions)
    if scores is None or not task.outputs.are_probabilities or (task.targets is Targets.BINARY and task.units > 1):
        return None
    truth = true_classes(task, y)
    known = (truth >= 0) & (truth < scores.shape[1])
    p = normalized(scores[known])
    return ("classes",), 1.0 - p[np.arange(len(p)), truth[known], None]

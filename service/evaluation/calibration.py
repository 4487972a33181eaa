"""The temperature that makes probabilities mean what they say, learnt from rows that were held out.

It is the least of the log loss on these rows (Guo et al. 2017, "On Calibration of Modern Neural Networks"), within
bounds and with a penalty on the square of its logarithm, so that few rows, or rows that are all predicted rightly,
change little. It is kept only where temperatures that were learnt from the other rows make the log loss of each fifth
of them smaller: otherwise it is 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.evaluation.held_out import HeldOut
from service.evaluation.report import true_classes
from service.nn.losses import Targets
from service.task import Task
from service.task.calibration import logits, outputs_of

Array = NDArray[Any]
Floats = NDArray[np.float64]
Losses = Callable[[Any], Floats]
"""The log loss of each row at temperatures."""

HOTTEST, SMOOTHING, FOLDS, FEWEST_ROWS = 5.0, 10.0, 5, 20
_STEPS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A temperature, 1 where none is better, and what it was learnt from."""

    temperature: float
    part: str
    rows: int
    log_loss_before: float
    log_loss_after: float
    """Of each row at the temperature that the other folds gave."""
    predictions: Array
    """The held-out predictions, each at the temperature that was learnt without it."""

    @classmethod
    def learn(cls, task: Task, held: HeldOut) -> Self | None:
        """The temperature that held-out rows teach; None where they are too few, or the outputs have none."""
        z, y = logits(task, held.predictions), task.encoded(held.data.y)
        if z is None or len(z) < FEWEST_ROWS:
            return None
        known = np.ones(len(z), bool) if task.targets is Targets.BINARY else _known(task, y, z.shape[1])
        if known.sum() < FEWEST_ROWS:
            return None
        losses = _losses(task, z[known], y[known])
        at = _cross_fitted(losses, int(known.sum()))
        before, after = (float(losses(temperature).mean()) for temperature in (np.ones(1), at))
        temperature = fitted(losses) if after < before else 1.0
        made = held.predictions
        if after < before:
            each = np.full(len(z), temperature)
            each[known] = at
            made = outputs_of(task, z / each[:, None]).astype(made.dtype)
        return cls(temperature, held.part, int(known.sum()), before, after, made)

    def to_json(self) -> dict[str, Any]:
        """The temperature, the held-out part, its rows, and their log loss without it and with it."""
        log_loss = {"before": self.log_loss_before, "after": self.log_loss_after}
        return {"temperature": self.temperature, "part": self.part, "rows": self.rows, "log_loss": log_loss}


def fitted(losses: Losses, rows: Any = slice(None), smoothing: float = SMOOTHING) -> float:
    """The temperature within bounds with the least loss of these rows, and of being far from 1."""

    def total(logarithm: float) -> float:
        return float(losses(np.exp(logarithm))[rows].sum()) + smoothing * logarithm**2

    edge = float(np.log(HOTTEST))
    tried = np.linspace(-edge, edge, 33)
    best = int(np.argmin([total(one) for one in tried]))
    low, high = tried[max(best - 1, 0)], tried[min(best + 1, len(tried) - 1)]
    share = (np.sqrt(5) - 1) / 2
    for _ in range(_STEPS):  # the golden section keeps the least between two points
        left, right = high - share * (high - low), low + share * (high - low)
        low, high = (low, right) if total(left) < total(right) else (left, high)
    return float(f"{np.exp((low + high) / 2):.6g}")


def _cross_fitted(losses: Losses, rows: int) -> Floats:
    """For each row the temperature that the rows of the other folds give."""
    fold = np.random.default_rng(0).permutation(rows) % FOLDS
    given = np.array([fitted(losses, fold != one) for one in range(FOLDS)])
    made: Floats = given[fold]
    return made


def _known(task: Task, y: Array, units: int) -> NDArray[np.bool_]:
    truth = true_classes(task, y)
    made: NDArray[np.bool_] = (truth >= 0) & (truth < units)
    return made


def _losses(task: Task, z: Floats, y: Array) -> Losses:
    if task.targets is Targets.BINARY:
        signed = np.where(y.reshape(z.shape) > 0.5, -z, z)
        return lambda temperature: np.logaddexp(0, signed / np.reshape(temperature, (-1, 1))).sum(axis=1)
    truth = true_classes(task, y)
    apart = z - z[np.arange(len(z)), truth][:, None]
    return lambda temperature: np.logaddexp.reduce(apart / np.reshape(temperature, (-1, 1)), axis=1)

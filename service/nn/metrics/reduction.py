"""The mean and the sum of plain numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.nn.metrics.metric import Array, MeanOfRows


class _OfNumbers(MeanOfRows):
    """Takes numbers where other metrics take targets and predictions; each row becomes one number first."""

    def merge(self, numbers: Array, kept: int) -> Array:
        """One number for all that the axes after the first `kept` hold."""
        raise NotImplementedError

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes in some numbers, with a weight for each number or each row."""
        numbers = np.asarray(values, np.float64)
        weights = np.ones(numbers.shape[:1]) if sample_weight is None else np.asarray(sample_weight, np.float64)
        numbers = self.merge(numbers, weights.ndim)
        weights = np.broadcast_to(weights, numbers.shape)
        self.total += float(self.merge(numbers * weights, 1).sum())
        self.count += float(self.merge(weights, 1).sum())

    def __call__(self, values: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        self.update_state(values, sample_weight)
        return self.result()


@dataclass
class Mean(_OfNumbers):
    """The (weighted) mean of numbers."""

    name: str | None = "mean"
    dtype: Any = None

    def merge(self, numbers: Array, kept: int) -> Array:
        return numbers.mean(axis=tuple(range(kept, numbers.ndim)))


@dataclass
class Sum(_OfNumbers):
    """The (weighted) sum of numbers."""

    name: str | None = "sum"
    dtype: Any = None

    def merge(self, numbers: Array, kept: int) -> Array:
        return numbers.sum(axis=tuple(range(kept, numbers.ndim)))

    def result(self) -> float:
        return self.total

"""The mean and the sum of plain numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.nn.metrics.metric import MeanOfRows


class _OfNumbers(MeanOfRows):
    """Takes numbers where other metrics take targets and predictions."""

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes in some numbers, each with its weight."""
        numbers = np.asarray(values, np.float64)
        if sample_weight is None:
            self.add(numbers.reshape(-1), None)
            return
        given = np.asarray(sample_weight, np.float64)
        numbers = numbers.mean(axis=tuple(range(given.ndim, numbers.ndim)))
        self.add(numbers.reshape(-1), np.broadcast_to(given, numbers.shape).reshape(-1))

    def __call__(self, values: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        self.update_state(values, sample_weight)
        return self.result()


@dataclass
class Mean(_OfNumbers):
    """The (weighted) mean of numbers."""

    name: str | None = "mean"
    dtype: Any = None


@dataclass
class Sum(_OfNumbers):
    """The (weighted) sum of numbers."""

    name: str | None = "sum"
    dtype: Any = None

    def result(self) -> float:
        return self.total

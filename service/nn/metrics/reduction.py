"""The mean and the sum of plain numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from service.nn.metrics.metric import Array, MeanOfRows, weighed


class _OfNumbers(MeanOfRows):
    """Takes numbers where other metrics take targets and predictions; each row becomes one number first."""

    merge: ClassVar[Callable[..., Array]]

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes in some numbers, with a weight for all, for each row or for each number."""
        numbers = np.asarray(values, np.float64)
        weights = np.ones(numbers.shape[:1]) if sample_weight is None else np.asarray(sample_weight, np.float64)
        numbers, weights = weighed(numbers, weights, type(self).merge)
        self.total += float(numbers.sum())
        self.count += float(weights.sum())

    def __call__(self, values: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        self.update_state(values, sample_weight)
        return self.result()


@dataclass
class Mean(_OfNumbers):
    """The (weighted) mean of numbers."""

    merge = np.mean

    name: str | None = "mean"
    dtype: Any = None


@dataclass
class Sum(_OfNumbers):
    """The (weighted) sum of numbers."""

    merge = np.sum

    name: str | None = "sum"
    dtype: Any = None

    def result(self) -> float:
        return self.total

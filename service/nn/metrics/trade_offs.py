"""The best of one rate where another is at least a given value."""

from dataclasses import dataclass
from typing import Annotated, Any

from service.nn.arguments import Range
from service.nn.metrics.confusion import ClassId, ConfusionMetric
from service.nn.metrics.metric import REGISTRY, Array, divide


class _AtLeast(ConfusionMetric):
    """The best of one rate where another is at least a given value."""

    num_thresholds: int

    def at(self) -> list[float]:
        n = self.num_thresholds
        return [0.5] if n == 1 else [0.0, *((i + 1) / (n - 1) for i in range(n - 2)), 1.0]

    def rates(self) -> tuple[float, Array, Array]:
        """The demanded value, the rate it is demanded of, and the rate to make large."""
        raise NotImplementedError

    def result(self) -> float:
        demanded, constrained, wanted = self.rates()
        feasible = wanted[constrained >= demanded]
        return float(feasible.max()) if feasible.size else 0.0

    def sensitivity_rate(self) -> Array:
        """tp / (tp + fn) at each threshold."""
        rate: Array = divide(self.tp, self.tp + self.fn)
        return rate

    def specificity_rate(self) -> Array:
        """tn / (tn + fp) at each threshold."""
        rate: Array = divide(self.tn, self.tn + self.fp)
        return rate

    def precision_rate(self) -> Array:
        """tp / (tp + fp) at each threshold."""
        rate: Array = divide(self.tp, self.tp + self.fp)
        return rate


Share = Annotated[float, Range(minimum=0, maximum=1)]
Count = Annotated[int, Range(minimum=1, maximum=10_000)]


@REGISTRY.register()
@dataclass
class SensitivityAtSpecificity(_AtLeast):
    """The best sensitivity where specificity is at least `specificity`."""

    specificity: Share
    num_thresholds: Count = 200
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def rates(self) -> tuple[float, Array, Array]:
        return self.specificity, self.specificity_rate(), self.sensitivity_rate()


@REGISTRY.register()
@dataclass
class SpecificityAtSensitivity(_AtLeast):
    """The best specificity where sensitivity is at least `sensitivity`."""

    sensitivity: Share
    num_thresholds: Count = 200
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def rates(self) -> tuple[float, Array, Array]:
        return self.sensitivity, self.sensitivity_rate(), self.specificity_rate()


@REGISTRY.register()
@dataclass
class PrecisionAtRecall(_AtLeast):
    """The best precision where recall is at least `recall`."""

    recall: Share
    num_thresholds: Count = 200
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def rates(self) -> tuple[float, Array, Array]:
        return self.recall, self.sensitivity_rate(), self.precision_rate()


@REGISTRY.register()
@dataclass
class RecallAtPrecision(_AtLeast):
    """The best recall where precision is at least `precision`."""

    precision: Share
    num_thresholds: Count = 200
    class_id: ClassId = None
    name: str | None = None
    dtype: Any = None

    def rates(self) -> tuple[float, Array, Array]:
        return self.precision, self.precision_rate(), self.sensitivity_rate()

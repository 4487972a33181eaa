"""What a metric is: a number gathered over many batches."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from service.nn.arguments import ArgumentError
from service.nn.registry import Configurable, Registry, snake_case

Array = np.ndarray[Any, Any]


class Metric(Configurable):
    """Gathers predictions by `update_state` and answers `result`; `reset_state` starts again."""

    keras_module: ClassVar[str] = "keras.metrics"
    takes_classes: ClassVar[bool] = False
    name: str | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.name is None:
            self.name = snake_case(type(self).__name__)
        self.reset_state()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch: targets, predictions (rows, units), and a weight for each row."""
        y_pred = np.asarray(y_pred)
        y_true = self._aligned(np.asarray(y_true), y_pred)
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64).reshape(-1)
        self.update(y_true, y_pred, weights)

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        """Takes in a batch whose shapes are already right."""
        raise NotImplementedError

    def result(self) -> Any:
        """The metric over everything since the last reset."""
        raise NotImplementedError

    def scalar(self) -> float:
        """The result as one number for the history; a vector over classes becomes its mean."""
        return float(np.mean(self.result()))

    def reset_state(self) -> None:
        """Forgets everything."""
        raise NotImplementedError

    def get_state(self) -> dict[str, Array]:
        """Everything gathered since the last reset."""
        given = {field.name for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        gathered = {name: value for name, value in vars(self).items() if name not in given}
        return {name: np.array(value) for name, value in gathered.items()}

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Goes on from what `get_state` gave."""
        for name, value in state.items():
            setattr(self, name, value.copy() if value.ndim else value.item())

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def _aligned(self, y_true: Array, y_pred: Array) -> Array:
        if self.takes_classes:
            return y_true[..., 0] if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 else y_true
        if y_true.shape == y_pred.shape:
            return y_true
        if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        if y_true.ndim == y_pred.ndim - 1 and y_true.shape == y_pred.shape[:-1]:
            if y_pred.shape[-1] == 1:
                return y_true[..., None]
            return np.eye(y_pred.shape[-1], dtype=y_pred.dtype)[y_true.astype(np.int64)]
        raise ArgumentError("y_true", f"of shape {y_pred.shape}", y_true.shape)


class MeanOfRows(Metric):
    """A metric that is the (weighted) mean of a number for each row."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """The number of each row."""
        raise NotImplementedError

    def rows(self, y_true: Any, y_pred: Any) -> Array:
        """The number of each row, from targets in any accepted form."""
        y_pred = np.asarray(y_pred)
        return self.values(self._aligned(np.asarray(y_true), y_pred), y_pred)

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        values = self.values(y_true, y_pred)
        if values.ndim > 1 and (weights is None or weights.size != values.size):
            values = values.reshape(len(values), -1).mean(axis=1)
        self.add(values.reshape(-1), weights)

    def add(self, values: Array, weights: Array | None) -> None:
        """Takes in the numbers of some rows."""
        if weights is None:
            self.total += float(np.count_nonzero(values) if values.dtype == bool else values.sum(dtype=np.float64))
            self.count += values.size
        else:
            self.total += float((values * weights).sum())
            self.count += float(weights.sum())

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        self.total, self.count = 0.0, 0.0


REGISTRY: Registry[Metric] = Registry("metric")


def divide(numerator: Any, denominator: Any) -> Any:
    """The quotient, 0 where the denominator is 0."""
    numerator, denominator = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    quotient = np.zeros(np.broadcast_shapes(numerator.shape, denominator.shape))
    return np.divide(numerator, denominator, out=quotient, where=denominator != 0)

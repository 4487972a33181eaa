"""What a metric is: a number gathered over many batches."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from service.nn import config
from service.nn.arguments import ArgumentError
from service.nn.losses.loss import check_axis
from service.nn.registry import Configurable, Registry, snake_case

Array = np.ndarray[Any, Any]


class Metric(Configurable):
    """Accumulates predictions in `update_state` and returns the value in `result`; `reset_state` starts again."""

    keras_module: ClassVar[str] = "keras.metrics"
    takes_classes: ClassVar[bool] = False
    by_batch: ClassVar[bool] = False
    """Whether its value depends on how the rows are cut into batches."""
    name: str | None

    @property
    def kind(self) -> str:
        """The class of the metric, by which it is known which way is better."""
        return type(self).__name__

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.name is None:
            self.name = snake_case(type(self).__name__)
        self.reset_state()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch: targets, predictions (rows, units), and weights: one, one for each row or each output."""
        y_true, y_pred = self.pair(y_true, y_pred)
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        self.update(y_true, y_pred, weights)

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        """Takes in a batch whose shapes are already right."""
        raise NotImplementedError

    def result(self) -> Any:
        """The metric over everything since the last reset."""
        raise NotImplementedError

    def value(self) -> float | list[float]:
        """The result for the history: a number, or a list where it is a vector over classes or thresholds."""
        result = np.asarray(self.result(), np.float64)
        values: list[float] = result.tolist()
        return float(result.reshape(-1)[0]) if result.size == 1 else values

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

    def pair(self, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
        """Targets and predictions as arrays of shapes that belong together; whole predictions become floats."""
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        if y_pred.dtype.kind != "f":
            y_pred = y_pred.astype(config.floatx())
        if y_true.ndim == 2 and y_pred.ndim == 1 and y_true.shape[-1] == 1:
            y_pred = y_pred[:, None]
        check_axis(getattr(self, "axis", -1), y_pred.ndim, is_last=self.takes_classes)
        return self._aligned(y_true, y_pred), y_pred

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
    """A metric that is the (weighted) mean of a number for each row or output."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """The number of each row, or of each output."""
        raise NotImplementedError

    def rows(self, y_true: Any, y_pred: Any) -> Array:
        """The number of each row, from targets in any accepted form."""
        return self.values(*self.pair(y_true, y_pred))

    def update(self, y_true: Array, y_pred: Array, weights: Array | None) -> None:
        self.add(self.values(y_true, y_pred), weights)

    def add(self, values: Array, weights: Array | None) -> None:
        """Takes in the numbers of some rows."""
        if weights is None:
            total = float(np.count_nonzero(values) if values.dtype == bool else values.sum(dtype=np.float64))
            self.total += total * values.shape[0] / max(1, values.size) if values.ndim > 1 else total
            self.count += values.shape[0] if values.ndim else 1
        else:
            values, weights = weighed(values.astype(np.float64), weights, np.mean)
            self.total += float(values.sum())
            self.count += float(weights.sum())

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        self.total, self.count = 0.0, 0.0


@dataclasses.dataclass
class MeanOfFunction(MeanOfRows):
    """The mean of what a given function returns for the targets and predictions of each batch."""

    by_batch: ClassVar[bool] = True

    function: Callable[[Array, Array], Any]
    name: str | None = None

    def __post_init__(self) -> None:
        self.name = self.name or getattr(self.function, "__name__", None)
        super().__post_init__()

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(self.function(y_true, y_pred))


def weighed(values: Array, weights: Array, reduce: Callable[..., Array]) -> tuple[Array, Array]:
    """The weighted values and the weights of the rows, by Keras's rules for weights of any rank."""
    if values.ndim == weights.ndim + 1 and values.shape[-1] == 1:
        values, weights = (values, weights[:, None]) if weights.ndim == 1 else (values[..., 0], weights)
    elif weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        values, weights = (values[:, None], weights) if values.ndim == 1 else (values, weights[..., 0])
    rank = weights.ndim
    if values.ndim > rank:
        values = np.asarray(reduce(values, axis=tuple(range(rank, values.ndim))))
    weights = broadcast("sample_weight", weights, values.shape)
    values = values * weights
    if rank > 1:
        weights = np.asarray(reduce(weights, axis=tuple(range(1, rank))))
    if values.ndim > 1:
        values = np.asarray(reduce(values, axis=tuple(range(1, values.ndim))))
    return values, weights


def broadcast(name: str, weights: Array, shape: tuple[int, ...]) -> Array:
    """The weights for values of this shape; `ArgumentError` where they do not belong to it."""
    try:
        return np.broadcast_to(weights, shape)
    except ValueError:
        raise ArgumentError(name, f"of a shape that goes with {shape}", weights.shape) from None


REGISTRY: Registry[Metric] = Registry("metric")


def divide(numerator: Any, denominator: Any) -> Any:
    """The quotient, 0 where the denominator is 0."""
    numerator, denominator = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    quotient = np.zeros(np.broadcast_shapes(numerator.shape, denominator.shape))
    return np.divide(numerator, denominator, out=quotient, where=denominator != 0)

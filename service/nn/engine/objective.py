"""The loss and metrics that were given to `compile`, accumulated over batches."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.nn import losses, metrics
from service.nn.arguments import ArgumentError
from service.nn.losses.loss import Loss

Array = np.ndarray[Any, Any]


class Objective:
    """Loss and metrics resolved for the shapes of a model's output and of its targets."""

    def __init__(
        self,
        loss: Any,
        metric_names: Sequence[Any] | None,
        weighted_metric_names: Sequence[Any] | None,
        loss_weight: float = 1.0,
    ) -> None:
        self._given = (loss, metric_names or [], weighted_metric_names or [])
        self.loss_weight = loss_weight
        self._shapes: Any = None
        self.loss: Loss = losses.MeanSquaredError()
        self.metrics: list[metrics.Metric] = []
        self.weighted_metrics: list[metrics.Metric] = []
        self.named: dict[str, metrics.Metric] = {}
        self._by_batch: list[metrics.Metric] = []
        self._total = self._rows = 0.0

    def resolve(self, output_shape: tuple[Any, ...], y: Array) -> None:
        """Chooses what depends on shapes; ArgumentError where loss, outputs and targets cannot belong together."""
        shapes = (output_shape[1:], y.shape[1:])
        if shapes == self._shapes:
            return
        loss, names, weighted = self._given
        self.loss = losses.resolve(loss, output_shape, y.shape)
        if self.loss.reduction in ("none", None):
            raise ArgumentError("loss", "reduced to one number to train or evaluate", "reduction 'none'")
        probe = np.zeros((1, *y.shape[1:]), y.dtype)
        self.loss.prepare(probe, (1, *output_shape[1:]), np.float32)
        self.metrics = [metrics.resolve(name, output_shape, y.shape) for name in names]
        self.weighted_metrics = [metrics.resolve(name, output_shape, y.shape) for name in weighted]
        for part in (self.loss, *self.metrics, *self.weighted_metrics):
            check_by_row(part, len(output_shape))
        self.named = named(self.metrics, self.weighted_metrics)
        self._by_batch = [metric for metric in self.named.values() if metric.by_batch]
        self._shapes = shapes

    def reset(self) -> None:
        """Starts a new epoch or evaluation."""
        self._total = self._rows = 0.0
        for metric in (*self.metrics, *self.weighted_metrics):
            metric.reset_state()

    def add(self, y: Array, y_pred: Array, weights: Array | None, bounds: list[tuple[int, int]]) -> None:
        """Adds a block: prepared targets, predictions, row weights, and the bounds of its batches."""
        values = self.loss.call(y, y_pred)
        simple = weights is None and self.loss.mask(y) is None and values.ndim == 1
        if simple and self.loss.reduction in ("sum_over_batch_size", "mean"):
            self._total += self.loss_weight * float(values.sum(dtype=np.float64))
        else:
            for start, stop in bounds:
                part = None if weights is None else weights[start:stop]
                factors = self.loss.row_weights(y[start:stop], values[start:stop].shape, values.dtype, part)
                reduced = self.loss_weight * float((values[start:stop] * factors).sum(dtype=np.float64))
                self._total += reduced * (stop - start)
        self._rows += len(y)
        for metric in self.metrics:
            if not metric.by_batch:
                metric.update_state(y, y_pred)
        for metric in self.weighted_metrics:
            if not metric.by_batch:
                metric.update_state(y, y_pred, weights)
        if self._by_batch:
            self._add_by_batch(y, y_pred, weights, bounds)

    def _add_by_batch(self, y: Array, y_pred: Array, weights: Array | None, bounds: list[tuple[int, int]]) -> None:
        for metric in self._by_batch:
            given = weights if any(metric is one for one in self.weighted_metrics) else None
            for start, stop in bounds:
                part = None if given is None else given[start:stop]
                metric.update_state(y[start:stop], y_pred[start:stop], part)

    @property
    def running_loss(self) -> float:
        """The loss since the last reset."""
        return self._total / self._rows if self._rows else 0.0

    def get_state(self) -> dict[str, Array]:
        """Returns everything accumulated since the last reset."""
        state = {"sums": np.array([self._total, self._rows])}
        for place, metric in enumerate((*self.metrics, *self.weighted_metrics)):
            state |= {f"{place}.{name}": array for name, array in metric.get_state().items()}
        return state

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Continues from a state that `get_state` returned."""
        self._total, self._rows = state["sums"].tolist()
        for place, metric in enumerate((*self.metrics, *self.weighted_metrics)):
            own = {name.partition(".")[2]: state[name] for name in state if name.startswith(f"{place}.")}
            metric.set_state(own)

    def add_penalty(self, penalty: float, rows: int) -> None:
        """Adds a penalty that was counted once for a batch of `rows`."""
        self._total += penalty * rows

    def results(self) -> dict[str, Any]:
        """The loss and each metric since the last reset, by name: a number, or a list for a vector."""
        values: dict[str, Any] = {"loss": self.running_loss}
        for name, metric in self.named.items():
            values[name] = metric.value()
        return values


def check_by_row(part: Any, rank: int) -> None:
    """Raises `ArgumentError` if a loss or metric reduces the axis of rows, which arrive in batches."""
    axis = getattr(part, "axis", -1)
    if axis % rank == 0:
        raise ArgumentError("axis", "an axis of a row: rows come in batches, and are measured one by one", axis)


def named(plain: Sequence[metrics.Metric], weighted: Sequence[metrics.Metric]) -> dict[str, metrics.Metric]:
    """Returns the metrics by the names of their results: as in Keras, repeated names get a number."""
    found: dict[str, metrics.Metric] = {}
    seen: dict[str, int] = {}
    for metrics_of, prefix in ((plain, ""), (weighted, "weighted_")):
        for metric in metrics_of:
            name = str(metric.name)
            name = f"{prefix}{name}" if name in seen else name
            count = seen.get(name, 0)
            while (key := f"{name}_{count}" if count else name) in found:
                count += 1
            seen[name] = count + 1
            found[key] = metric
    return found


def metric_list(given: Any, argument: str) -> list[Any]:
    """Compile's `metrics` as a list: one, a list, or None."""
    if given is None:
        return []
    if isinstance(given, str | metrics.Metric | Mapping) or callable(given):
        return [given]
    if isinstance(given, list | tuple):
        flat = given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given
        return list(flat)
    raise ArgumentError(argument, "a list of metrics", given)

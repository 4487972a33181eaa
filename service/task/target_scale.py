"""How targets that are numbers are scaled for the training, and how outputs come back to the data's own units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.data.datasets import Dataset
from service.nn import layers
from service.nn.metrics import Metric
from service.spec import TrainingRequest
from service.spec.data import Transform

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class TargetScale:
    """A transform for each target, learned from the training rows: z = (t(y) - offset) / scale.

    t is the natural logarithm for `log`, else y itself; `none` has offset 0 and scale 1. The training sees z, so losses
    are in units of z; predictions, metrics and reports are in those of y.
    """

    transforms: tuple[Transform, ...]
    offsets: tuple[float, ...]
    scales: tuple[float, ...]

    @classmethod
    def learn(cls, y: Array, transforms: Sequence[Transform]) -> Self:
        """The scale of the training targets (rows,) or (rows, targets): their mean and population deviation."""
        columns = y.reshape(len(y), -1).astype(np.float64)
        offsets, scales = [], []
        for place, transform in enumerate(transforms):
            values = np.log(columns[:, place]) if transform == "log" else columns[:, place]
            is_plain = transform == "none"
            deviation = 1.0 if is_plain else float(values.std())
            offsets.append(0.0 if is_plain else float(values.mean()))
            scales.append(deviation or 1.0)
        return cls(tuple(transforms), tuple(offsets), tuple(scales))

    @classmethod
    def of(cls, request: TrainingRequest, dataset: Dataset) -> Self | None:
        """The scale that a request asks for, learned from its training targets; None where nothing is scaled.

        Rows that `validation_split` holds out have no part in it.
        """
        transforms = [] if request.data is None else [one.transform or "none" for one in request.data.target or ()]
        if set(transforms) <= {"none"}:
            return None
        return cls.learn(dataset.y[: max(request.fit.kept_rows(dataset.rows), 1)], transforms)

    @classmethod
    def from_json(cls, value: Sequence[Mapping[str, Any]] | None) -> Self | None:
        """The scale that `to_json` described; None for None."""
        if value is None:
            return None
        columns = [[one[key] for one in value] for key in ("transform", "offset", "scale")]
        return cls(*map(tuple, columns))

    def to_json(self) -> list[dict[str, Any]]:
        """The transform, offset and scale of each target."""
        rows = zip(self.transforms, self.offsets, self.scales, strict=True)
        return [{"transform": transform, "offset": offset, "scale": scale} for transform, offset, scale in rows]

    def scaled(self, y: Array) -> NDArray[np.float32]:
        """Targets (rows, targets) in the data's units as the training sees them."""
        values = y.astype(np.float64)
        logs = self._logs
        if logs.any():
            with np.errstate(all="ignore"):
                values = np.where(logs, np.log(values), values)
        return ((values - self.offsets) / self.scales).astype(np.float32)

    def in_units(self, z: Array) -> NDArray[Any]:
        """Outputs (rows, targets) of the network, or targets as it sees them, in the data's units."""
        values = z.astype(np.float64) * self.scales + self.offsets
        logs = self._logs
        if logs.any():
            with np.errstate(all="ignore"):
                values = np.where(logs, np.exp(values), values)
        return values.astype(z.dtype if z.dtype.kind == "f" else np.float32)

    def layers(self) -> list[layers.Layer]:
        """Layers behind the network that bring its outputs to the data's units."""
        if set(self.transforms) == {"none"}:
            return []
        made: list[layers.Layer] = [layers.Rescaling(list(self.scales), list(self.offsets), name="target_units")]
        if "log" in self.transforms:
            made.append(layers.Activation("exponential", name="target_exponential"))
        return made

    @property
    def _logs(self) -> NDArray[np.bool_]:
        return np.array([transform == "log" for transform in self.transforms])


class InUnits(Metric):
    """A metric of scaled targets and outputs, measured in the data's units."""

    def __init__(self, metric: Metric, scale: TargetScale) -> None:
        self._metric, self._scale = metric, scale
        self.name = metric.name

    @property
    def by_batch(self) -> bool:  # type: ignore[override]
        """As the metric says."""
        return self._metric.by_batch

    @property
    def kind(self) -> str:
        """As the metric says."""
        return self._metric.kind

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch of scaled targets and outputs."""
        y_pred = np.asarray(y_pred)
        y_true = np.asarray(y_true).reshape(y_pred.shape)
        self._metric.update_state(self._scale.in_units(y_true), self._scale.in_units(y_pred), sample_weight)

    def result(self) -> Any:
        """As the metric has it."""
        return self._metric.result()

    def value(self) -> float | list[float]:
        """As the metric has it."""
        return self._metric.value()

    def reset_state(self) -> None:
        """Forgets everything."""
        self._metric.reset_state()

    def get_state(self) -> dict[str, Array]:
        """Returns what the metric has accumulated."""
        return self._metric.get_state()

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Continues from a state that `get_state` returned."""
        self._metric.set_state(state)

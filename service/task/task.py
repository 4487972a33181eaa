"""The task of a training or an evaluation: its loss, its targets and what the outputs of the network mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from numpy.typing import NDArray

from service.data.datasets import Dataset
from service.nn import metrics
from service.nn.losses import Loss, Targets
from service.spec import CompileSpec, FitSpec
from service.spec.vocabulary import made
from service.task.class_weights import class_weights
from service.task.encoding import encoded
from service.task.output_meaning import OutputMeaning
from service.task.target_scale import InUnits, TargetScale


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learned: the loss that is meant for certain targets, and what the outputs of the network mean."""

    loss: Loss
    outputs: OutputMeaning
    scale: TargetScale | None = None
    """How targets are scaled for the training; None where they are learned as they are."""

    @classmethod
    def of(cls, y: NDArray[Any], outputs: OutputMeaning, scale: TargetScale | None = None) -> Self:
        """The task of targets `y` (rows,) or (rows, columns), as they were given."""
        return cls(outputs.loss.resolved(y.shape, outputs.units), outputs, scale)

    @property
    def loss_name(self) -> str:
        """What the loss is called in messages."""
        return str(self.loss.name or type(self.loss).__name__)

    @property
    def targets(self) -> Targets:
        """What the targets mean."""
        return self.loss.targets

    @property
    def units(self) -> int:
        """The number of outputs for each row."""
        return self.outputs.units

    @property
    def classes(self) -> list[str] | None:
        """The names of the classes, where they have any."""
        return self.outputs.classes

    @property
    def output_names(self) -> Sequence[str] | None:
        """The names of classes or targets by which outputs are reported.

        A single output that distinguishes two classes is reported under the names of both.
        """
        both = self.targets is Targets.BINARY and self.units == 1
        return self.outputs.target_names if self.classes is None and not both else self.classes

    def encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        """Targets in the form that the loss takes: float32 (rows, units), or int32 (rows,) for class indices."""
        made = encoded(y, self.targets, self.units)
        return made if self.scale is None else self.scale.scaled(made)

    def in_units(self, values: NDArray[Any]) -> NDArray[Any]:
        """Outputs of the network, or targets as the loss takes them, in the data's own units."""
        return values if self.scale is None else self.scale.in_units(values)

    def compilation(self, asked: CompileSpec, y: NDArray[Any]) -> dict[str, Any]:
        """The arguments of `compile`, with metrics that measure in the data's units; `y` are encoded targets."""
        arguments = asked.arguments()
        if self.scale is None:
            return arguments
        for key in ("metrics", "weighted_metrics"):
            arguments[key] = [InUnits(one, self.scale) for one in self.metrics(getattr(asked, key), y)]
        return arguments

    def class_weights(self, fit: FitSpec, dataset: Dataset) -> dict[int, float] | None:
        """The weight of each class by its index, as a request asks for it."""
        y = dataset.y[: fit.kept_rows(dataset.rows)]
        return class_weights(fit.class_weight, y, self.classes, ignored=self.loss.ignored_class)

    def metrics(self, asked: Sequence[Any] | None, y: NDArray[Any]) -> list[metrics.Metric]:
        """The metrics that are meant for encoded targets; "accuracy" is chosen by shapes."""
        shape = (len(y), 1) if y.ndim == 1 else y.shape
        given = [name if isinstance(name, str) else made("metric", name) for name in asked or ()]
        return [metrics.resolve(name, (None, self.units), shape) for name in given]

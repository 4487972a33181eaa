"""The loss of a request, which may stay open until the shapes of targets and outputs are known."""

from dataclasses import dataclass
from typing import Any, Self

from service.data.datasets import Dataset
from service.nn import losses
from service.nn.activations import Activation
from service.nn.losses import Targets
from service.nn.meaning import Outputs
from service.spec import CompileSpec
from service.spec.spelling import BY_SHAPE
from service.spec.vocabulary import made


@dataclass(frozen=True, slots=True)
class AskedLoss:
    """A loss as it was asked for: `known`, or one of the names whose meaning follows from shapes ("crossentropy")."""

    asked: Any
    known: losses.Loss | None

    @classmethod
    def of(cls, compiled: CompileSpec) -> Self:
        """The loss of a request or of a version."""
        is_open = compiled.loss in BY_SHAPE["loss"]
        return cls(compiled.loss, None if is_open else made("loss", compiled.loss))

    def resolved(self, y_shape: tuple[int, ...], units: int) -> losses.Loss:
        """The loss that is meant for targets of this shape and so many outputs."""
        return losses.resolve(self.asked, (None, units), y_shape) if self.known is None else self.known

    @property
    def classifies(self) -> bool:
        """Whether the loss chooses among classes."""
        return self.known is None or self.known.targets is not Targets.NUMBERS

    def fitting_units(self, dataset: Dataset, activation: Activation | None) -> int:
        """How many outputs the network needs for these targets: one for each class or number."""
        y = dataset.y
        if y.ndim == 2 and y.shape[1] > 1:
            return int(y.shape[1])
        if self.known is not None:
            is_single = not self.known.targets.is_one_class
        else:
            is_single = activation is not None and activation.outputs is Outputs.PROBABILITIES
        if is_single:
            return 1
        return max(2, int(y.max()) + 1 if dataset.classes is None else len(dataset.classes))

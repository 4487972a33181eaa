"""The mean of several stacks of layers, as one layer: what a bag of networks predicts."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from service.nn.arguments import ArgumentError
from service.nn.layers.column_transformer import ColumnTransformer
from service.nn.layers.layer import REGISTRY, Array, Pass, Setting, Shape


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class EnsembleAverage(ColumnTransformer):
    """y = the mean over groups of what their layers make of their columns: bagging (Breiman 1996) in one network.

    `transformers` are objects with `columns` and `layers`, as in ColumnTransformer; each group is a member, and all
    give the same number of outputs. Members may see all columns or only some, as in random subspaces (Ho 1998).
    """

    fuses: ClassVar[bool] = False
    remainder: Literal["drop"] = "drop"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """A row as wide as the outputs of one member."""
        places = [part.place for part in self._place(input_shape)]
        widths = {place.stop - place.start for place in places}
        if len(widths) > 1:
            raise ArgumentError("transformers", "groups with the same number of outputs", sorted(widths))
        return (input_shape[0], *widths)

    def build(self, input_shape: Shape) -> None:
        """Makes the weights of all members, in their order."""
        self.compute_output_shape(input_shape)
        super().build(input_shape)

    @property
    def output_activation(self) -> str | None:
        """The activation that the outputs of all members have gone through, where it is the same one."""
        lasts = [part.layers[-1] if part.layers else None for part in self._parts]
        names = {None if last is None else last.output_activation for last in lasts}
        return names.pop() if len(names) == 1 else None

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """Each member gets its share of dy."""
        members, units = len(self._parts), self.compute_output_shape(shape)[-1]
        inner = super().connect(shape, setting)
        mean = np.empty((shape[0], units), setting.dtype)
        spread = np.empty((shape[0], members, units), setting.dtype)

        def forward(x: Array) -> Array:
            return inner.forward(x).reshape(spread.shape).mean(axis=1, out=mean)

        def backward(dy: Array) -> Array:
            np.divide(dy[:, None, :], members, out=spread)
            return inner.backward(spread.reshape(shape[0], -1))

        return Pass(forward, backward)

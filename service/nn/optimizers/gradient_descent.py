"""Steps along the gradient, with or without momentum, and along its sign."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from service.nn import openblas
from service.nn.arguments import Range
from service.nn.optimizers.optimizer import REGISTRY, Array, Optimizer, Rate, Share
from service.nn.optimizers.updates import Update


@REGISTRY.register()
@dataclass
class SGD(Optimizer):
    """m = momentum m - rate g; w += m (with nesterov: w += momentum m - rate g)."""

    learning_rate: Rate = 0.01
    momentum: Share = 0.0
    nesterov: bool = False

    def slots(self) -> tuple[str, ...]:
        """Only momentum needs one."""
        return ("momentum",) if self.momentum else ()

    def connect(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array) -> Update:
        """Each sum of the formula is one pass where NumPy's BLAS multiplies and adds at once."""
        if not openblas.offered(w.dtype):
            return super().connect(w, g, slots, scratch)
        one, momentum = (openblas.scalar(w.dtype, value) for value in (1, self.momentum))
        passes = [openblas.axpby(self._descent, g, one, w)]
        if slots:
            (m,) = slots
            moves = (
                [openblas.axpby(momentum, m, one, w), *passes] if self.nesterov else [openblas.axpby(one, m, one, w)]
            )
            passes = [openblas.axpby(self._descent, g, momentum, m), *moves]

        def update(rate: float) -> None:
            for each in passes:
                each()

        return update

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """As the formula."""
        np.multiply(g, rate, out=scratch)
        if not slots:
            w -= scratch
            return
        (m,) = slots
        m *= self.momentum
        m -= scratch
        if self.nesterov:
            w -= scratch
            np.multiply(m, self.momentum, out=scratch)
            w += scratch
        else:
            w += m


@REGISTRY.register()
@dataclass
class Lion(Optimizer):
    """w -= rate sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g (Chen et al. 2023)."""

    learning_rate: Rate = 0.001
    beta_1: Annotated[float, Range(above=0, maximum=1)] = 0.9
    beta_2: Share = 0.99

    def slots(self) -> tuple[str, ...]:
        """The momentum."""
        return ("momentum",)

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """The sign first, the momentum after it."""
        (m,) = slots
        np.subtract(m, g, out=scratch)
        scratch *= self.beta_1
        scratch += g
        np.sign(scratch, out=scratch)
        scratch *= rate
        w -= scratch
        np.subtract(m, g, out=scratch)
        scratch *= self.beta_2
        np.add(scratch, g, out=m)

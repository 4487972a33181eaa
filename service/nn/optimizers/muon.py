"""Steps along orthogonalized momentum, for the matrices of a model."""

import math
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from service.nn.arguments import Range
from service.nn.optimizers.adam import Below1, Epsilon
from service.nn.optimizers.optimizer import REGISTRY, Array, Optimizer, Rate, Share
from service.nn.variable import Parameters, Variable


@REGISTRY.register()
@dataclass
class Muon(Optimizer):
    """Orthogonalized momentum for matrices (Jordan et al. 2024), Adam for everything else."""

    whole_variables = True

    learning_rate: Rate = 0.001
    adam_beta_1: Below1 = 0.9
    adam_beta_2: Below1 = 0.999
    adam_weight_decay: Annotated[float, Range(minimum=0)] | None = 0.004
    epsilon: Epsilon = 1e-7
    weight_decay: Annotated[float, Range(minimum=0)] | None = field(default=0.004, kw_only=True)
    exclude_layers: list | tuple | None = field(default=None, kw_only=True)  # type: ignore[type-arg]
    exclude_embeddings: bool = field(default=True, kw_only=True)
    muon_a: float = field(default=3.4445, kw_only=True)
    muon_b: float = field(default=-4.775, kw_only=True)
    muon_c: float = field(default=2.0315, kw_only=True)
    adam_lr_ratio: Annotated[float, Range(minimum=0)] = field(default=1, kw_only=True)
    momentum: Share = field(default=0.95, kw_only=True)
    ns_steps: Annotated[int, Range(minimum=1)] = field(default=5, kw_only=True)
    nesterov: bool = field(default=True, kw_only=True)
    rms_rate: Annotated[float, Range(above=0)] | None = field(default=0.2, kw_only=True)

    def slots(self) -> tuple[str, ...]:
        """The momentum, and for Adam's variables the mean square."""
        return ("momentum", "velocity")

    def build(self, parameters: Parameters) -> None:
        """Decides which variables are matrices to orthogonalize."""
        super().build(parameters)
        self._matrices = {
            id(piece[0])
            for piece, variable in zip(self._pieces, parameters.variables, strict=True)
            if self.orthogonalizes(variable)
        }
        self._plain = False

    def orthogonalizes(self, variable: Variable) -> bool:
        """Whether the weight is a matrix that is not left to Adam."""
        is_embedding = self.exclude_embeddings and "embedding" in variable.path.lower()
        excluded = is_embedding or any(word in variable.path for word in self.exclude_layers or ())
        return len(variable.shape) == 2 and not excluded

    def decay(self, rate: float) -> None:
        """Matrices and Adam's variables have a weight decay each."""
        assert self.parameters is not None
        for (w, _, _), variable in zip(self._pieces, self.parameters.variables, strict=True):
            share = self.weight_decay if id(w) in self._matrices else self.adam_weight_decay
            if share:
                np.multiply(w, 1 - rate * share * self.decay_factor(variable), out=w)

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """One of two rules."""
        if id(w) in self._matrices:
            self._update_matrix(w, g, slots[0], rate)
        else:
            self._update_adam(w, g, slots, rate * self.adam_lr_ratio)

    def _update_matrix(self, w: Array, g: Array, m: Array, rate: float) -> None:
        m *= self.momentum
        m += g
        direction = orthogonalize(
            g + self.momentum * m if self.nesterov else m,
            (self.muon_a, self.muon_b, self.muon_c),
            self.ns_steps,
        )
        size = 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(w.shape))
        w -= (rate * size) * direction

    def _update_adam(self, w: Array, g: Array, slots: tuple[Array, ...], rate: float) -> None:
        t = self.step_number
        m, v = slots
        m += (1 - self.adam_beta_1) * (g - m)
        v += (1 - self.adam_beta_2) * (g * g - v)
        size = rate * math.sqrt(1 - self.adam_beta_2**t) / (1 - self.adam_beta_1**t)
        w -= size * m / (np.sqrt(v) + self.epsilon)


def orthogonalize(x: Array, coefficients: tuple[float, float, float], steps: int) -> Array:
    """The nearest matrix with singular values near one, by Newton-Schulz iterations."""
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    y = x.T if tall else x
    y = y / (math.sqrt(float(np.square(y).sum())) + 1e-7)
    for _ in range(steps):
        square = y @ y.T
        y = a * y + (b * square + c * square @ square) @ y
    return y.T if tall else y

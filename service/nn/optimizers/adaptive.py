"""Steps scaled by the size of past gradients."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from service.nn import openblas
from service.nn.arguments import ArgumentError, Range
from service.nn.optimizers.optimizer import REGISTRY, Array, Optimizer, Rate, Share
from service.nn.optimizers.updates import Update
from service.nn.variable import Parameters

Epsilon = Annotated[float, Range(minimum=0)]
NotNegative = Annotated[float, Range(minimum=0)]


@REGISTRY.register()
@dataclass
class RMSprop(Optimizer):
    """v = rho v + (1 - rho) g^2; w -= rate g / sqrt(v + epsilon) (Hinton 2012).

    `centered` subtracts the squared mean gradient from v; `momentum` gathers the steps.
    """

    learning_rate: Rate = 0.001
    rho: Share = 0.9
    momentum: Share = 0.0
    epsilon: Epsilon = 1e-7
    centered: bool = False

    def slots(self) -> tuple[str, ...]:
        """The mean square, the step momentum and the mean gradient, where they are used."""
        used = (("velocity", True), ("momentum", self.momentum > 0), ("average_gradient", self.centered))
        return tuple(name for name, wanted in used if wanted)

    def connect(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array) -> Update:
        """Without momentum and mean gradient: six passes where NumPy's BLAS multiplies and adds at once."""
        if len(slots) > 1 or not openblas.offered(w.dtype):
            return super().connect(w, g, slots, scratch)
        (v,) = slots
        share, rho, one = (openblas.scalar(w.dtype, value) for value in (1 - self.rho, self.rho, 1))
        follow, move = openblas.axpby(share, scratch, rho, v), openblas.axpby(self._descent, scratch, one, w)
        epsilon = np.asarray(self.epsilon, w.dtype)

        def update(rate: float) -> None:
            np.square(g, out=scratch)
            follow()
            np.add(v, epsilon, out=scratch)
            np.sqrt(scratch, out=scratch)
            np.divide(g, scratch, out=scratch)
            move()

        return update

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """v is the first slot, then momentum, then the mean gradient."""
        v = slots[0]
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.rho
        v *= self.rho
        v += scratch
        if self.centered:
            mean = slots[-1]
            mean *= self.rho
            mean += (1 - self.rho) * g
            np.multiply(mean, mean, out=scratch)
            np.subtract(v, scratch, out=scratch)
            scratch += self.epsilon
        else:
            np.add(v, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        if self.momentum > 0:
            m = slots[1]
            m *= self.momentum
            m += scratch
            w -= m
        else:
            w -= scratch


@REGISTRY.register()
@dataclass
class Adagrad(Optimizer):
    """a += g^2; w -= rate g / sqrt(a + epsilon) (Duchi et al. 2011)."""

    learning_rate: Rate = 0.001
    initial_accumulator_value: NotNegative = 0.1
    epsilon: Epsilon = 1e-7

    def slots(self) -> tuple[str, ...]:
        """The sum of squares."""
        return ("accumulator",)

    def initial_slot(self, name: str) -> float:
        """Where the sum starts."""
        return self.initial_accumulator_value

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """Six passes."""
        (a,) = slots
        np.multiply(g, g, out=scratch)
        a += scratch
        np.add(a, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        w -= scratch


@REGISTRY.register()
@dataclass
class Adadelta(Optimizer):
    """G = rho G + (1 - rho) g^2; d = -sqrt(D + eps) / sqrt(G + eps) g; D likewise of d; w += rate d (Zeiler 2012)."""

    learning_rate: Rate = 0.001
    rho: Share = 0.95
    epsilon: Epsilon = 1e-7

    def slots(self) -> tuple[str, ...]:
        """Mean squares of gradients and of steps."""
        return ("accumulated_gradient", "accumulated_delta")

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """As the formula."""
        gradients, deltas = slots
        gradients *= self.rho
        gradients += (1 - self.rho) * g * g
        np.divide(deltas + self.epsilon, gradients + self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        scratch *= g
        deltas *= self.rho
        deltas += (1 - self.rho) * scratch * scratch
        scratch *= rate
        w -= scratch


@REGISTRY.register()
@dataclass
class Ftrl(Optimizer):
    """Follow the regularized leader, with L1, L2 and shrinkage (McMahan et al. 2013)."""

    learning_rate: Rate = 0.001
    learning_rate_power: Annotated[float, Range(maximum=0)] = -0.5
    initial_accumulator_value: NotNegative = 0.1
    l1_regularization_strength: NotNegative = 0.0
    l2_regularization_strength: NotNegative = 0.0
    l2_shrinkage_regularization_strength: NotNegative = 0.0
    beta: NotNegative = 0.0

    def slots(self) -> tuple[str, ...]:
        """The sum of squares n and the linear term z."""
        return ("accumulator", "linear")

    def initial_slot(self, name: str) -> float:
        """n starts at `initial_accumulator_value`."""
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """z += g' - (n'^p - n^p) / rate w; w = (clip(z, -l1, l1) - z) / (n'^p / rate + 2 l2), p = -power."""
        n, z = slots
        power = -self.learning_rate_power
        l2 = self.l2_regularization_strength + self.beta / (2 * rate)
        shrunk = g + 2 * self.l2_shrinkage_regularization_strength * w
        n_new = n + g * g
        rooted = np.power(n_new, power)
        z += shrunk - (rooted - np.power(n, power)) / rate * w
        l1 = self.l1_regularization_strength
        np.divide(np.clip(z, -l1, l1) - z, rooted / rate + 2 * l2, out=w)
        n[...] = n_new

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.learning_rate == 0:
            raise ArgumentError("learning_rate", "above 0 for ftrl", self.learning_rate)


@REGISTRY.register()
@dataclass
class Adafactor(Optimizer):
    """Adam's scaling from row and column means instead of a full buffer (Shazeer & Stern 2018)."""

    whole_variables = True

    learning_rate: Rate = 0.001
    beta_2_decay: float = -0.8
    epsilon_1: Epsilon = 1e-30
    epsilon_2: Epsilon = 0.001
    clip_threshold: Annotated[float, Range(above=0)] = 1.0
    relative_step: bool = True

    def slots(self) -> tuple[str, ...]:
        """The mean squares of vectors; matrices have those of their rows and columns instead."""
        return ("velocity",)

    def build(self, parameters: Parameters) -> None:
        """Rows and columns of each matrix."""
        super().build(parameters)
        self._factors = {
            id(w): (np.zeros(w.shape[:-1], w.dtype), np.zeros((*w.shape[:-2], w.shape[-1]), w.dtype))
            for w, _, _ in self._pieces
            if w.ndim >= 2
        }

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """The step is clipped to a root mean square of `clip_threshold` and scaled by that of the weights."""
        t = self.step_number
        (v,) = slots
        if self.relative_step and not callable(self.learning_rate):
            rate = min(rate, 1 / math.sqrt(t))
        alpha = max(self.epsilon_2, _rms(w)) * min(rate, 1 / math.sqrt(t))
        beta = 1 - t**self.beta_2_decay
        square = g * g + self.epsilon_1
        if w.ndim < 2:
            v *= beta
            v += (1 - beta) * square
            mean_square = v
        else:
            rows, columns = self._factors[id(w)]
            rows *= beta
            rows += (1 - beta) * square.mean(axis=-1)
            columns *= beta
            columns += (1 - beta) * square.mean(axis=-2)
            mean_square = (rows / rows.mean(axis=-1, keepdims=True))[..., None] * columns[..., None, :]
        step = g / np.sqrt(mean_square)
        step /= max(1.0, _rms(step) / self.clip_threshold)
        w -= alpha * step

    def get_state(self) -> dict[str, Array]:
        """With the means of rows and columns."""
        factors = {f"factor_{i}": a.copy() for i, a in enumerate(self._flat_factors())}
        return {**super().get_state(), **factors}

    def set_state(self, state: Mapping[str, Array]) -> None:
        """With the means of rows and columns."""
        super().set_state(state)
        for i, array in enumerate(self._flat_factors()):
            array[...] = state[f"factor_{i}"]

    def _flat_factors(self) -> list[Array]:
        return [array for pair in self._factors.values() for array in pair]


def _rms(x: Array) -> float:
    return math.sqrt(float(np.square(x).mean()))

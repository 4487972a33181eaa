"""Adam and its relatives: steps along a mean gradient, scaled by a mean square."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np

from service.nn import openblas
from service.nn.arguments import Range
from service.nn.optimizers.optimizer import REGISTRY, Array, Optimizer, Rate
from service.nn.optimizers.updates import Update
from service.nn.registry import BEYOND_KERAS
from service.nn.variable import Parameters

Epsilon = Annotated[float, Range(minimum=0)]
Below1 = Annotated[float, Range(minimum=0, below=1)]


@REGISTRY.register()
@dataclass
class Adam(Optimizer):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w -= a m / (sqrt(v) + epsilon) (Kingma & Ba 2014).

    a = rate sqrt(1 - b2^t) / (1 - b1^t) corrects the bias of both means; `amsgrad` keeps the largest v. With
    `epsilon_form` "corrected" the epsilon is added after the correction of v, as in the paper and in torch, and not
    before it as in Keras.
    """

    learning_rate: Rate = 0.001
    beta_1: Below1 = 0.9
    beta_2: Below1 = 0.999
    epsilon: Epsilon = 1e-7
    amsgrad: bool = False
    epsilon_form: Literal["uncorrected", "corrected"] = field(
        default="uncorrected", kw_only=True, metadata=BEYOND_KERAS
    )

    def slots(self) -> tuple[str, ...]:
        """Both means, divided by (1 - beta): the same steps with two passes fewer."""
        return ("momentum", "velocity", "velocity_hat") if self.amsgrad else ("momentum", "velocity")

    def build(self, parameters: Parameters) -> None:
        """The constants become arrays, which NumPy multiplies by faster than by Python's numbers."""
        dtype = parameters.values.dtype
        self._b1, self._b2 = np.asarray(self.beta_1, dtype), np.asarray(self.beta_2, dtype)
        self._scaled_epsilon = np.asarray(self.epsilon / math.sqrt(1 - self.beta_2), dtype)
        self._size = np.zeros((), dtype)
        super().build(parameters)

    @property
    def fuses_decay(self) -> bool:
        """Where the passes of `connect` are."""
        return not self.amsgrad and self.parameters is not None and openblas.offered(self.parameters.values.dtype)

    def begin(self, rate: float) -> None:
        """The step size, with the bias corrections and the factors that the slots leave out."""
        t = self.step_number
        correction = math.sqrt(1 - self.beta_2**t)
        corrected = rate * correction / (1 - self.beta_1**t)
        if self.epsilon_form == "corrected":
            self._scaled_epsilon[...] = correction * self.epsilon / math.sqrt(1 - self.beta_2)
        self._size[...] = size = corrected * (1 - self.beta_1) / math.sqrt(1 - self.beta_2)
        self._descent.value = -size

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """Ten passes."""
        m, v = slots[0], slots[1]
        np.multiply(m, self._b1, out=m)
        np.add(m, g, out=m)
        np.multiply(g, g, out=scratch)
        np.multiply(v, self._b2, out=v)
        np.add(v, scratch, out=v)
        if self.amsgrad:
            np.maximum(slots[2], v, out=slots[2])
            v = slots[2]
        np.sqrt(v, out=scratch)
        np.add(scratch, self._scaled_epsilon, out=scratch)
        np.divide(m, scratch, out=scratch)
        np.multiply(scratch, self._size, out=scratch)
        np.subtract(w, scratch, out=w)

    def connect(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array) -> Update:
        """The same in seven passes, three of which multiply and add at once, where NumPy's BLAS has them."""
        if self.amsgrad or not openblas.offered(w.dtype):
            return super().connect(w, g, slots, scratch)
        m, v = slots
        one, b1, b2 = (openblas.scalar(w.dtype, value) for value in (1, self.beta_1, self.beta_2))
        follow, follow_square = openblas.axpby(one, g, b1, m), openblas.axpby(one, scratch, b2, v)
        move, epsilon = openblas.axpby(self._descent, scratch, self._keep, w), self._scaled_epsilon
        square, sqrt, add, divide = np.square, np.sqrt, np.add, np.divide

        def update(rate: float) -> None:
            follow()
            square(g, out=scratch)
            follow_square()
            sqrt(v, out=scratch)
            add(scratch, epsilon, out=scratch)
            divide(m, scratch, out=scratch)
            move()

        return update


@REGISTRY.register()
@dataclass
class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2017)."""

    weight_decay: Annotated[float, Range(minimum=0)] = 0.004


@REGISTRY.register()
@dataclass
class Adamax(Optimizer):
    """m = b1 m + (1 - b1) g; u = max(b2 u, |g|); w -= rate m / ((1 - b1^t)(u + epsilon)) (Kingma & Ba 2014)."""

    learning_rate: Rate = 0.001
    beta_1: Below1 = 0.9
    beta_2: Below1 = 0.999
    epsilon: Epsilon = 1e-7

    def slots(self) -> tuple[str, ...]:
        """The mean gradient and the largest size."""
        return ("momentum", "norm")

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """As the formula."""
        m, u = slots
        np.subtract(g, m, out=scratch)
        scratch *= 1 - self.beta_1
        m += scratch
        np.abs(g, out=scratch)
        u *= self.beta_2
        np.maximum(u, scratch, out=u)
        np.add(u, self.epsilon, out=scratch)
        np.divide(m, scratch, out=scratch)
        scratch *= rate / (1 - self.beta_1**self.step_number)
        w -= scratch


@REGISTRY.register()
@dataclass
class Nadam(Optimizer):
    """Adam with Nesterov's look ahead; the momentum warms up as b1 (1 - 0.96^t / 2) (Dozat 2016)."""

    learning_rate: Rate = 0.001
    beta_1: Below1 = 0.9
    beta_2: Below1 = 0.999
    epsilon: Epsilon = 1e-7

    def slots(self) -> tuple[str, ...]:
        """Both means."""
        return ("momentum", "velocity")

    def build(self, parameters: Parameters) -> None:
        """The product of the warm-up factors starts at one."""
        super().build(parameters)
        self._product, self._warmed = 1.0, 0

    def begin(self, rate: float) -> None:
        """The warm-up factors of this step and the next."""
        t = self.step_number
        now, after = (self.beta_1 * (1 - 0.5 * 0.96**s) for s in (t, t + 1))
        if self._warmed != t:  # else it is another group of weights of the same step
            self._product *= now
            self._warmed = t
        self._ahead = after / (1 - self._product * after)
        self._present = (1 - now) / (1 - self._product)

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """w -= rate m^ / (sqrt(v^) + epsilon)."""
        m, v = slots
        m *= self.beta_1
        m += (1 - self.beta_1) * g
        v *= self.beta_2
        v += (1 - self.beta_2) * g * g
        np.divide(v, 1 - self.beta_2**self.step_number, out=scratch)
        np.sqrt(scratch, out=scratch)
        scratch += self.epsilon
        np.divide(self._ahead * m + self._present * g, scratch, out=scratch)
        scratch *= rate
        w -= scratch

    def get_state(self) -> dict[str, Array]:
        """With the product of the warm-up factors."""
        return {**super().get_state(), "product": np.asarray(self._product)}

    def set_state(self, state: Mapping[str, Array]) -> None:
        """With the product of the warm-up factors."""
        super().set_state(state)
        self._product, self._warmed = float(state["product"]), self.iterations


@REGISTRY.register(by_name=False)
@dataclass
class Lamb(Optimizer):
    """Adam's direction, as long for each variable as the variable itself (You et al. 2019)."""

    whole_variables = True

    learning_rate: Rate = 0.001
    beta_1: Below1 = 0.9
    beta_2: Below1 = 0.999
    epsilon: Epsilon = 1e-7

    def slots(self) -> tuple[str, ...]:
        """Both means."""
        return ("momentum", "velocity")

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """w -= rate |w| / |u| u, u = m^ / (sqrt(v^) + epsilon); the ratio is 1 where either is zero."""
        t = self.step_number
        m, v = slots
        m *= self.beta_1
        m += (1 - self.beta_1) * g
        v *= self.beta_2
        v += (1 - self.beta_2) * g * g
        np.divide(v, 1 - self.beta_2**t, out=scratch)
        np.sqrt(scratch, out=scratch)
        scratch += self.epsilon
        np.divide(m / (1 - self.beta_1**t), scratch, out=scratch)
        size, length = (math.sqrt(float(np.square(x).sum())) for x in (w, scratch))
        ratio = size / length if size > 0 and length > 0 else 1.0
        scratch *= ratio * rate
        w -= scratch

"""A part of each kind that the service has never seen."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from service.nn import activations, callbacks, initializers, layers, losses, metrics, optimizers
from service.nn.arguments import Range
from service.nn.callbacks.callback import Callback, Logs
from service.nn.initializers import Initializer
from service.nn.layers.layer import Array, Layer, Pass, Setting, Shape
from service.nn.losses import Targets
from service.nn.losses.loss import Loss, Reduction
from service.nn.meaning import Outputs
from service.nn.metrics.metric import MeanOfRows
from service.nn.optimizers.optimizer import Optimizer, Rate
from service.nn.registry import Configurable


@losses.REGISTRY.register()
@dataclass
class PolyLoss(Loss):
    """-log p + epsilon (1 - p), p the probability of the truth in one-hot rows (Leng et al. 2022)."""

    targets: ClassVar[Targets] = Targets.ONE_HOT
    epsilon: float = 1.0
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "poly_loss"

    def call(self, y_true: Array, y_pred: Array) -> Array:
        p = np.clip((y_true * y_pred).sum(axis=-1), 1e-7, 1)
        return np.asarray(self.epsilon * (1 - p) - np.log(p))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(-y_true * (1 / np.clip(y_pred, 1e-7, 1) + self.epsilon))


@activations.REGISTRY.register(outputs=Outputs.DISTRIBUTION)
def taylor_softmax(x: Array) -> Array:
    """y = f / sum f, f = 1 + x + x^2 / 2 (de Brebisson & Vincent 2016)."""
    f = 1 + x + x * x / 2
    return np.asarray(f / f.sum(axis=-1, keepdims=True))


@taylor_softmax.derivative
def _taylor_softmax_gradient(dy: Array, x: Array, y: Array) -> Array:
    total = (1 + x + x * x / 2).sum(axis=-1, keepdims=True)
    return np.asarray((dy - (dy * y).sum(axis=-1, keepdims=True)) * (1 + x) / total)


@layers.REGISTRY.register()
@dataclass(eq=False, repr=False)
class Scale(Layer):
    """y = factor x, with a factor for each feature."""

    def build(self, input_shape: Shape) -> None:
        """One factor for each feature."""
        self.factor = self.add_weight((input_shape[-1],), "ones", "factor")
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = factor dy; dfactor = the sum of x dy."""
        factor, gradient, kept = self.factor.value, self.factor.gradient, np.empty(shape, setting.dtype)

        def forward(x: Array) -> Array:
            kept[...] = x
            return x * factor

        def backward(dy: Array) -> Array:
            gradient[...] = (dy * kept).sum(axis=0)
            return dy * factor

        return Pass(forward, backward)


@optimizers.REGISTRY.register()
@dataclass
class SignDescent(Optimizer):
    """w -= rate sign(g) (Riedmiller & Braun 1993)."""

    learning_rate: Rate = 0.01

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        np.sign(g, out=scratch)
        w -= rate * scratch


@metrics.REGISTRY.register()
@dataclass
class Confidence(MeanOfRows):
    """The mean output at the true class."""

    name: str | None = "confidence"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray((y_true * y_pred).sum(axis=-1))


@initializers.REGISTRY.register()
@dataclass
class Alternating(Initializer):
    """Small numbers that take turns above and below zero."""

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.asarray(0.1 * (-1.0) ** np.arange(math.prod(shape)).reshape(shape))


@callbacks.REGISTRY.register()
@dataclass
class StopAfter(Configurable, Callback):
    """Ends the training after so many epochs."""

    epochs: Annotated[int, Range(minimum=1)] = 1

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Stops the model once there were enough."""
        self.model.stop_training = epoch + 1 >= self.epochs

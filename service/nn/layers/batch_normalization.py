"""Normalization over the batch."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn.arguments import Of, Range
from service.nn.layers.affine import Affine, Epsilon, axes_of
from service.nn.layers.layer import REGISTRY, Array, Pass, Setting, Shape

Share = Annotated[float, Range(minimum=0, maximum=1)]


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class BatchNormalization(Affine):
    """x^ = (x - mean) / sqrt(variance + epsilon) over the batch; in inference with moving means (Ioffe & Szegedy 2015).

    moving = momentum moving + (1 - momentum) batch, with the biased variance. A frozen layer is in inference.
    """

    rows_are_independent = False
    has_moving_averages = True

    axis: int = -1
    momentum: Share = 0.99
    epsilon: Epsilon = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Annotated[Any, Of("initializer")] = "zeros"
    gamma_initializer: Annotated[Any, Of("initializer")] = "ones"
    moving_mean_initializer: Annotated[Any, Of("initializer")] = "zeros"
    moving_variance_initializer: Annotated[Any, Of("initializer")] = "ones"
    beta_regularizer: Annotated[Any, Of("regularizer")] = None
    gamma_regularizer: Annotated[Any, Of("regularizer")] = None
    beta_constraint: Annotated[Any, Of("constraint")] = None
    gamma_constraint: Annotated[Any, Of("constraint")] = None

    def build(self, input_shape: Shape) -> None:
        """Four weights of the size of `axis`."""
        shape = (input_shape[axes_of(self.axis, len(input_shape))[0]],)
        self._add_affine(shape, scale=self.scale, center=self.center)
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, "moving_mean", trainable=False)
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, "moving_variance", trainable=False
        )
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        axes_of(self.axis, len(input_shape))
        return tuple(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """Over fixed memory where a table is learned from, else by the formula as it stands."""
        if len(shape) == 2 and self.axis in (-1, 1) and setting.training and self.trainable:
            return self.connect_rows(shape, setting)
        return self.connect_any(shape, setting)

    def connect_any(self, shape: Shape, setting: Setting) -> Pass:
        """dx = (dx^ - mean(dx^) - x^ mean(dx^ x^)) / deviation, means over the batch."""
        axis = self.axis % len(shape)
        summed = tuple(i for i in range(len(shape)) if i != axis)
        broad = tuple(shape[axis] if i == axis else 1 for i in range(len(shape)))
        moving_mean, moving_variance = self.moving_mean.value, self.moving_variance.value
        from_batch = setting.training and self.trainable
        normalized = inverse = np.empty(0)

        def forward(x: Array) -> Array:
            nonlocal normalized, inverse
            if from_batch:
                # As in Keras, the moving variance is the biased one.
                mean, variance = x.mean(axis=summed), x.var(axis=summed)
                moving_mean[...] = self.momentum * moving_mean + (1 - self.momentum) * mean
                moving_variance[...] = self.momentum * moving_variance + (1 - self.momentum) * variance
            else:
                mean, variance = moving_mean, moving_variance
            inverse = (1 / np.sqrt(variance + self.epsilon)).reshape(broad)
            normalized = (x - mean.reshape(broad)) * inverse
            return self._affine(normalized, broad)

        def backward(dy: Array) -> Array:
            dx = self._affine_backward(dy, normalized, broad, summed)
            if from_batch:
                along = (dx * normalized).mean(axis=summed, keepdims=True)
                dx = dx - dx.mean(axis=summed, keepdims=True) - normalized * along
            return dx * inverse

        return Pass(forward, backward)

    def connect_rows(self, shape: Shape, setting: Setting) -> Pass:
        """The same for rows to train on: means are products with ones, and x^ is (x - mean) times 1 / deviation."""
        rows, units = shape
        dtype = setting.dtype
        momentum, rest, epsilon, one = (
            np.asarray(value, dtype) for value in (self.momentum, 1 - self.momentum, self.epsilon, 1)
        )
        share, ones = np.full(rows, 1 / rows, dtype), np.ones(rows, dtype)
        centred, product, y = (np.empty(shape, dtype) for _ in range(3))
        mean, variance, inverse, factor, along, small = (np.empty(units, dtype) for _ in range(6))
        moving = ((self.moving_mean.value, mean), (self.moving_variance.value, variance))
        gamma = None if self.gamma is None else self.gamma.value
        gamma_gradient = along if self.gamma is None else self.gamma.gradient
        beta = None if self.beta is None else self.beta.value
        beta_gradient = small if self.beta is None else self.beta.gradient
        dot, add, subtract, multiply = np.dot, np.add, np.subtract, np.multiply

        def forward(x: Array) -> Array:
            dot(share, x, out=mean)
            subtract(x, mean, out=centred)
            np.square(centred, out=product)
            dot(share, product, out=variance)
            for remembered, now in moving:
                multiply(remembered, momentum, out=remembered)
                multiply(now, rest, out=small)
                add(remembered, small, out=remembered)
            add(variance, epsilon, out=inverse)
            np.sqrt(inverse, out=inverse)
            np.divide(one, inverse, out=inverse)
            multiply(inverse, one if gamma is None else gamma, out=factor)
            multiply(centred, factor, out=y)
            return y if beta is None else add(y, beta, out=y)

        def backward(dy: Array) -> Array:
            # gamma's gradient is sum(dy x^) with x^ = centred * inverse, which is never stored.
            multiply(dy, centred, out=product)
            dot(ones, product, out=along)
            multiply(along, inverse, out=gamma_gradient)
            dot(ones, dy, out=beta_gradient)
            multiply(gamma_gradient, inverse, out=mean)
            multiply(mean, share[0], out=mean)
            multiply(centred, mean, out=product)
            subtract(dy, product, out=dy)
            multiply(beta_gradient, share[0], out=mean)
            subtract(dy, mean, out=dy)
            return multiply(dy, factor, out=dy)

        return Pass(forward, backward)

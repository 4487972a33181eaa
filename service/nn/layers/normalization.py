"""Layers that bring their inputs to a common scale."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn.arguments import ArgumentError, Of, Range
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape
from service.nn.variable import Variable

Epsilon = Annotated[float, Range(minimum=0)]
Share = Annotated[float, Range(minimum=0, maximum=1)]
Axis = int | list | tuple  # type: ignore[type-arg]


class _Affine(Layer):
    """y = gamma x^ + beta, with weights only where `scale` and `center` ask for them."""

    # The gradients are looked up in backward, so that halves of a batch on two threads would write over each other.
    rows_are_independent = False

    gamma: Variable | None = None
    beta: Variable | None = None

    def _add_affine(self, shape: Shape, *, scale: bool, center: bool) -> None:
        if scale:
            self.gamma = self.add_weight(
                shape,
                getattr(self, "gamma_initializer", "ones"),
                "gamma" if hasattr(self, "gamma_initializer") else "scale",
                regularizer=getattr(self, "gamma_regularizer", None),
                constraint=getattr(self, "gamma_constraint", None),
            )
        if center:
            self.beta = self.add_weight(
                shape,
                getattr(self, "beta_initializer", "zeros"),
                "beta",
                regularizer=getattr(self, "beta_regularizer", None),
                constraint=getattr(self, "beta_constraint", None),
            )

    def _affine(self, x: Array, shape: Shape) -> Array:
        if self.gamma is not None:
            x = x * self.gamma.value.reshape(shape)
        return x if self.beta is None else x + self.beta.value.reshape(shape)

    def _affine_backward(self, dy: Array, x: Array, shape: Shape, summed: tuple[int, ...]) -> Array:
        """Stores the gradients of gamma and beta; answers the gradient to x^."""
        if self.trainable and self.gamma is not None:
            self.gamma.gradient[...] = (dy * x).sum(axis=summed).reshape(self.gamma.shape)
        if self.trainable and self.beta is not None:
            self.beta.gradient[...] = dy.sum(axis=summed).reshape(self.beta.shape)
        return dy if self.gamma is None else dy * self.gamma.value.reshape(shape)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class BatchNormalization(_Affine):
    """x^ = (x - mean) / sqrt(variance + epsilon) over the batch; in inference with moving means (Ioffe & Szegedy 2015).

    moving = momentum moving + (1 - momentum) batch, with the biased variance. A frozen layer is in inference.
    """

    rows_are_independent = False

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
        shape = (input_shape[self.axis],)
        self._add_affine(shape, scale=self.scale, center=self.center)
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, "moving_mean", trainable=False)
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, "moving_variance", trainable=False
        )
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
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


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class LayerNormalization(_Affine):
    """x^ = (x - mean) / sqrt(variance + epsilon) over the units of each row (Ba et al. 2016)."""

    axis: Axis = -1
    epsilon: Epsilon = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Annotated[Any, Of("initializer")] = "zeros"
    gamma_initializer: Annotated[Any, Of("initializer")] = "ones"
    beta_regularizer: Annotated[Any, Of("regularizer")] = None
    gamma_regularizer: Annotated[Any, Of("regularizer")] = None
    beta_constraint: Annotated[Any, Of("constraint")] = None
    gamma_constraint: Annotated[Any, Of("constraint")] = None

    def build(self, input_shape: Shape) -> None:
        """gamma and beta of the size of the normalized axes."""
        shape = tuple(input_shape[axis] for axis in _axes(self.axis, len(input_shape)))
        self._add_affine(shape, scale=self.scale, center=self.center)
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = (dx^ - mean(dx^) - x^ mean(dx^ x^)) / deviation, means over the row."""
        axes = _axes(self.axis, len(shape))
        broad = tuple(size if i in axes else 1 for i, size in enumerate(shape))
        summed = tuple(i for i in range(len(shape)) if i not in axes)
        normalized = inverse = np.empty(0)

        def forward(x: Array) -> Array:
            nonlocal normalized, inverse
            inverse = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + self.epsilon)
            normalized = (x - x.mean(axis=axes, keepdims=True)) * inverse
            return self._affine(normalized, broad)

        def backward(dy: Array) -> Array:
            dx = self._affine_backward(dy, normalized, broad, summed)
            along = (dx * normalized).mean(axis=axes, keepdims=True)
            return (dx - dx.mean(axis=axes, keepdims=True) - normalized * along) * inverse

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class GroupNormalization(_Affine):
    """Layer normalization within each of `groups` equal parts of `axis` (Wu & He 2018); -1 is a group for each unit."""

    groups: int = 32
    axis: int = -1
    epsilon: Epsilon = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Annotated[Any, Of("initializer")] = "zeros"
    gamma_initializer: Annotated[Any, Of("initializer")] = "ones"
    beta_regularizer: Annotated[Any, Of("regularizer")] = None
    gamma_regularizer: Annotated[Any, Of("regularizer")] = None
    beta_constraint: Annotated[Any, Of("constraint")] = None
    gamma_constraint: Annotated[Any, Of("constraint")] = None

    def build(self, input_shape: Shape) -> None:
        """gamma and beta of the size of `axis`, which `groups` must divide."""
        units = input_shape[self.axis]
        groups = units if self.groups == -1 else self.groups
        if groups < 1 or units % groups:
            raise ArgumentError("groups", f"a divisor of the {units} units (or -1)", self.groups)
        self._add_affine((units,), scale=self.scale, center=self.center)
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = (dx^ - mean(dx^) - x^ mean(dx^ x^)) / deviation, means over the group."""
        axis = self.axis % len(shape)
        units = shape[axis]
        groups = units if self.groups == -1 else self.groups
        split = (*shape[:axis], groups, units // groups, *shape[axis + 1 :])
        within = tuple(i for i in range(1, len(split)) if i != axis)
        broad = tuple(units if i == axis else 1 for i in range(len(shape)))
        summed = tuple(i for i in range(len(shape)) if i != axis)
        normalized = inverse = np.empty(0)

        def forward(x: Array) -> Array:
            nonlocal normalized, inverse
            grouped = x.reshape(split)
            inverse = 1 / np.sqrt(grouped.var(axis=within, keepdims=True) + self.epsilon)
            normalized = (grouped - grouped.mean(axis=within, keepdims=True)) * inverse
            return self._affine(normalized.reshape(shape), broad)

        def backward(dy: Array) -> Array:
            dx = self._affine_backward(dy, normalized.reshape(shape), broad, summed).reshape(split)
            along = (dx * normalized).mean(axis=within, keepdims=True)
            return ((dx - dx.mean(axis=within, keepdims=True) - normalized * along) * inverse).reshape(shape)

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class RMSNormalization(_Affine):
    """y = scale x / sqrt(mean(x^2) + epsilon) over the units of each row (Zhang & Sennrich 2019)."""

    axis: Axis = -1
    epsilon: Epsilon = 1e-6

    def build(self, input_shape: Shape) -> None:
        """A scale of the size of the normalized axes."""
        shape = tuple(input_shape[axis] for axis in _axes(self.axis, len(input_shape)))
        self._add_affine(shape, scale=True, center=False)
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = (dx^ - x^ mean(dx^ x^)) / root mean square."""
        axes = _axes(self.axis, len(shape))
        broad = tuple(size if i in axes else 1 for i, size in enumerate(shape))
        summed = tuple(i for i in range(len(shape)) if i not in axes)
        normalized = inverse = np.empty(0)

        def forward(x: Array) -> Array:
            nonlocal normalized, inverse
            inverse = 1 / np.sqrt(np.square(x).mean(axis=axes, keepdims=True) + self.epsilon)
            normalized = x * inverse
            return self._affine(normalized, broad)

        def backward(dy: Array) -> Array:
            dx = self._affine_backward(dy, normalized, broad, summed)
            return (dx - normalized * (dx * normalized).mean(axis=axes, keepdims=True)) * inverse

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class UnitNormalization(Layer):
    """y = x / |x| along `axis`."""

    axis: Axis = -1

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = (dy - y sum(dy y)) / |x|; |x|^2 is at least 1e-12."""
        axes = _axes(self.axis, len(shape))
        y = inverse = np.empty(0)

        def forward(x: Array) -> Array:
            nonlocal y, inverse
            inverse = 1 / np.sqrt(np.maximum(np.square(x).sum(axis=axes, keepdims=True), 1e-12))
            y = x * inverse
            return y

        def backward(dy: Array) -> Array:
            return (dy - y * (dy * y).sum(axis=axes, keepdims=True)) * inverse

        return Pass(forward, backward)


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    given = [axis] if isinstance(axis, int) else list(axis)
    return tuple(sorted(item % rank for item in given))

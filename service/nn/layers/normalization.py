"""Layers that bring their inputs to a common scale."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn.arguments import ArgumentError, Of
from service.nn.layers.affine import Affine, Axis, Epsilon, axes_of
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class LayerNormalization(Affine):
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
        shape = tuple(input_shape[axis] for axis in axes_of(self.axis, len(input_shape)))
        self._add_affine(shape, scale=self.scale, center=self.center)
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        axes_of(self.axis, len(input_shape))
        return tuple(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """Over fixed memory for the rows of a table, else by the formula as it stands."""
        if len(shape) == 2 and axes_of(self.axis, 2) == (1,):
            return self.connect_rows(shape, setting)
        return self.connect_any(shape, setting)

    def connect_any(self, shape: Shape, setting: Setting) -> Pass:
        """dx = (dx^ - mean(dx^) - x^ mean(dx^ x^)) / deviation, means over the row."""
        axes = axes_of(self.axis, len(shape))
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

    def connect_rows(self, shape: Shape, setting: Setting) -> Pass:
        """The same for rows: means are products with ones."""
        rows, units = shape
        dtype = setting.dtype
        share, ones = np.full((units, 1), 1 / units, dtype), np.ones(rows, dtype)
        epsilon, one = np.asarray(self.epsilon, dtype), np.ones((), dtype)
        normalized, product, y = (np.empty(shape, dtype) for _ in range(3))
        mean, inverse = np.empty((rows, 1), dtype), np.empty((rows, 1), dtype)
        gamma = self.gamma if self.gamma is None else self.gamma.value
        beta = self.beta if self.beta is None else self.beta.value
        gamma_gradient = self.gamma.gradient if self.trainable and self.gamma is not None else None
        beta_gradient = self.beta.gradient if self.trainable and self.beta is not None else None
        dot, add, subtract, multiply = np.dot, np.add, np.subtract, np.multiply

        def forward(x: Array) -> Array:
            dot(x, share, out=mean)
            subtract(x, mean, out=normalized)
            np.square(normalized, out=product)
            dot(product, share, out=inverse)
            add(inverse, epsilon, out=inverse)
            np.sqrt(inverse, out=inverse)
            np.divide(one, inverse, out=inverse)
            multiply(normalized, inverse, out=normalized)
            scaled = normalized if gamma is None else multiply(normalized, gamma, out=y)
            return scaled if beta is None else add(scaled, beta, out=y)

        def backward(dy: Array) -> Array:
            if gamma_gradient is not None:
                multiply(dy, normalized, out=product)
                dot(ones, product, out=gamma_gradient)
            if beta_gradient is not None:
                dot(ones, dy, out=beta_gradient)
            if gamma is not None:
                multiply(dy, gamma, out=dy)
            multiply(dy, normalized, out=product)
            dot(product, share, out=mean)
            multiply(normalized, mean, out=product)
            dot(dy, share, out=mean)
            subtract(dy, product, out=dy)
            subtract(dy, mean, out=dy)
            return multiply(dy, inverse, out=dy)

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class GroupNormalization(Affine):
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups < 1 and self.groups != -1:
            raise ArgumentError("groups", "an integer >= 1, or -1 for a group of each unit", self.groups)

    def build(self, input_shape: Shape) -> None:
        """gamma and beta of the size of `axis`, which `groups` must divide."""
        units = input_shape[axes_of(self.axis, len(input_shape))[0]]
        groups = units if self.groups == -1 else self.groups
        if groups < 1 or units % groups:
            raise ArgumentError("groups", f"a divisor of the {units} units (or -1)", self.groups)
        self._add_affine((units,), scale=self.scale, center=self.center)
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        axes_of(self.axis, len(input_shape))
        return tuple(input_shape)

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
class RMSNormalization(Affine):
    """y = scale x / sqrt(mean(x^2) + epsilon) over the units of each row (Zhang & Sennrich 2019)."""

    axis: Axis = -1
    epsilon: Epsilon = 1e-6

    def build(self, input_shape: Shape) -> None:
        """A scale of the size of the normalized axes."""
        self.compute_output_shape(input_shape)  # raises where the axis does not suit
        shape = tuple(input_shape[axis] for axis in axes_of(self.axis, len(input_shape)))
        self._add_affine(shape, scale=True, center=False)
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same; as in Keras, the scale goes with the last axes only."""
        axes = axes_of(self.axis, len(input_shape))
        if axes[-1] != len(input_shape) - 1 or len(axes) != len(input_shape) - axes[0]:
            raise ArgumentError("axis", "the last axis, or the last axes", self.axis)
        return tuple(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = (dx^ - x^ mean(dx^ x^)) / root mean square."""
        axes = axes_of(self.axis, len(shape))
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

    rescales_inputs = True

    axis: Axis = -1

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        axes_of(self.axis, len(input_shape))
        return tuple(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = (dy - y sum(dy y)) / |x|; |x|^2 is at least 1e-12."""
        axes = axes_of(self.axis, len(shape))
        y = inverse = np.empty(0)

        def forward(x: Array) -> Array:
            nonlocal y, inverse
            inverse = 1 / np.sqrt(np.maximum(np.square(x).sum(axis=axes, keepdims=True), 1e-12))
            y = x * inverse
            return y

        def backward(dy: Array) -> Array:
            return (dy - y * (dy * y).sum(axis=axes, keepdims=True)) * inverse

        return Pass(forward, backward)

"""Layers that change shape or scale and learn nothing."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn import regularizers
from service.nn.arguments import ArgumentError, Range
from service.nn.layers.affine import axes_of
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Identity(Layer):
    """y = x."""

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """Nothing in either direction."""
        return Pass(lambda x: x, lambda dy: dy)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class ActivityRegularization(Identity):
    """y = x, with a penalty l1 * sum |x| + l2 * sum x^2 on it."""

    l1: Annotated[float, Range(minimum=0)] = 0.0
    l2: Annotated[float, Range(minimum=0)] = 0.0

    @property
    def penalty(self) -> regularizers.Regularizer | None:
        """The penalty that l1 and l2 make."""
        return regularizers.L1L2(l1=self.l1, l2=self.l2)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Flatten(Layer):
    """The places of a row one after another."""

    data_format: str | None = None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(rows, all places of a row)."""
        return (input_shape[0], math.prod(input_shape[1:]))

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """A view in either direction."""
        flat = self.compute_output_shape(shape)
        return Pass(lambda x: x.reshape(flat), lambda dy: dy.reshape(shape))


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Reshape(Layer):
    """The places of a row in another shape; one size may be -1."""

    target_shape: tuple | list  # type: ignore[type-arg]

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = list(self.target_shape)
        if not all(isinstance(size, int) and not isinstance(size, bool) and size >= -1 for size in sizes):
            raise ArgumentError("target_shape", "made of integers >= 0, one of which may be -1", self.target_shape)
        if sizes.count(-1) > 1:
            raise ArgumentError("target_shape", "a shape with at most one -1", self.target_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(rows, target shape)."""
        places = math.prod(input_shape[1:])
        target = [int(size) for size in self.target_shape]
        if target.count(-1) == 1:
            known = math.prod(size for size in target if size != -1)
            target = [places // known if size == -1 and known else size for size in target]
        if math.prod(target) != places:
            raise ArgumentError("target_shape", f"a shape of {places} places", self.target_shape)
        return (input_shape[0], *target)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """A view in either direction."""
        target = self.compute_output_shape(shape)
        return Pass(lambda x: x.reshape(target), lambda dy: dy.reshape(shape))


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Permute(Layer):
    """The axes of a row in another order; `dims` counts them from 1."""

    dims: tuple | list  # type: ignore[type-arg]

    def __post_init__(self) -> None:
        super().__post_init__()
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError("dims", f"an order of the numbers 1 to {len(self.dims)}", self.dims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The sizes in the new order."""
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx is dy in the old order."""
        order = (0, *self.dims)
        back = tuple(np.argsort(order))
        return Pass(
            lambda x: np.ascontiguousarray(x.transpose(order)), lambda dy: np.ascontiguousarray(dy.transpose(back))
        )


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class RepeatVector(Layer):
    """Each row `n` times: (rows, units) becomes (rows, n, units)."""

    n: Annotated[int, Range(minimum=1)]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One axis more."""
        return (input_shape[0], self.n, input_shape[1])

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx is the sum over the repetitions."""
        return Pass(lambda x: np.repeat(x[:, None, :], self.n, axis=1), lambda dy: dy.sum(axis=1))


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Rescaling(Layer):
    """y = x scale + offset."""

    rescales_inputs = True

    scale: Any
    offset: Any = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("scale", self.scale), ("offset", self.offset)):
            numbers = value.ravel() if isinstance(value, np.ndarray) else value
            numbers = numbers if isinstance(numbers, list | tuple | np.ndarray) else [numbers]
            if not all(isinstance(x, int | float | np.number) and not isinstance(x, bool) for x in numbers):
                raise ArgumentError(name, "a number or a list of numbers", value)

    @property
    def rescales_outputs(self) -> bool:
        """Always: `scale` and `offset` are given."""
        return True

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = dy scale."""
        scale, offset = np.asarray(self.scale, setting.dtype), np.asarray(self.offset, setting.dtype)

        def forward(x: Array) -> Array:
            return x * scale + offset

        def backward(dy: Array) -> Array:
            return dy * scale

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Normalization(Layer):
    """y = (x - mean) / max(sqrt(variance), 1e-7) for each place of `axis`; `adapt` takes them from data.

    `invert` goes the other way.
    """

    axis: int | list | tuple | None = -1  # type: ignore[type-arg]
    mean: Any = None
    variance: Any = None
    invert: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.mean is None) != (self.variance is None):
            raise ArgumentError("variance", "given together with mean", self.variance)

    def build(self, input_shape: Shape) -> None:
        """Adapted layers keep mean, variance and the number of rows as weights; given ones have no weights."""
        if self.mean is None:
            shape = tuple(input_shape[axis] for axis in self._kept(len(input_shape)))
            self.adapted_mean = self.add_weight(shape, "zeros", "mean", trainable=False)
            self.adapted_variance = self.add_weight(shape, "ones", "variance", trainable=False)
            self.count = self.add_weight((), "zeros", "count", trainable=False)
            self.count.value = np.zeros((), np.int32)
        super().build(input_shape)

    def adapt(self, data: Any) -> None:
        """Takes mean and (population) variance from `data`, rows first."""
        data = np.asarray(data)
        if data.ndim == 1:
            data = data[:, None]
        if not self.built:
            self.build((None, *data.shape[1:]))
        axes = tuple(i for i in range(data.ndim) if i not in self._kept(data.ndim))
        self.adapted_mean.assign(data.mean(axis=axes, dtype=np.float64))
        self.adapted_variance.assign(data.var(axis=axes, dtype=np.float64))
        self.count.assign(len(data))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        self._kept(len(input_shape))
        return tuple(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = dy / deviation."""
        kept = self._kept(len(shape))
        broad = tuple(size if i in kept else 1 for i, size in enumerate(shape))

        def parts() -> tuple[Array, Array]:
            mean = self.adapted_mean.value if self.mean is None else np.asarray(self.mean, setting.dtype)
            variance = self.adapted_variance.value if self.mean is None else np.asarray(self.variance, setting.dtype)
            mean, variance = (np.broadcast_to(part, [broad[i] for i in kept]) for part in (mean, variance))
            return mean.reshape(broad), np.maximum(np.sqrt(variance), 1e-7).reshape(broad).astype(setting.dtype)

        def forward(x: Array) -> Array:
            mean, deviation = parts()
            return x * deviation + mean if self.invert else (x - mean) / deviation

        def backward(dy: Array) -> Array:
            deviation = parts()[1]
            return dy * deviation if self.invert else dy / deviation

        return Pass(forward, backward)

    def _kept(self, rank: int) -> tuple[int, ...]:
        given = [] if self.axis is None else [self.axis] if isinstance(self.axis, int) else list(self.axis)
        return axes_of(given, rank) if given else ()

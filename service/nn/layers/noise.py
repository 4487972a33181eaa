"""Layers that disturb training and do nothing in inference."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from service.nn import randomness
from service.nn.activations.exponentials import SELU_ALPHA, SELU_SCALE
from service.nn.arguments import ArgumentError, Of, Range
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape
from service.nn.optimizers import schedules
from service.nn.registry import BEYOND_KERAS

Drawing = Callable[[], np.random.Generator]
"""Returns the random numbers of the current step."""

Rate = Annotated[float, Range(minimum=0, maximum=1)]


class _Noise(Layer):
    """What the noise layers share: silence in inference, and random numbers for each step."""

    rows_are_independent = False
    seed: int | None

    def _silent(self) -> bool:
        raise NotImplementedError

    def _disturb(self, shape: Shape, setting: Setting, drawing: Drawing) -> Pass:
        raise NotImplementedError

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """The identity unless it trains."""
        if not setting.training or self._silent():
            return Pass(lambda x: x, lambda dy: dy)
        clock = setting.clock
        stream = (
            randomness.Stream(clock.seed, randomness.NOISE, setting.index)
            if self.seed is None
            else randomness.Stream(self.seed, randomness.NOISE)
        )
        return self._disturb(shape, setting, lambda: stream.at(clock.place))


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Dropout(_Noise):
    """y = x / (1 - rate) with probability 1 - rate, else 0 (Srivastava et al. 2014).

    `rate_schedule`, which Keras does not have, multiplies the rate as the training goes on.
    """

    rate: Rate
    noise_shape: tuple | list | None = None  # type: ignore[type-arg]
    seed: int | None = None
    rate_schedule: Annotated[Any, Of("learning rate schedule")] = field(
        default=None, kw_only=True, metadata=BEYOND_KERAS
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_noise_shape(self.noise_shape)
        if self.rate_schedule is not None:
            self.rate_schedule = schedules.get(self.rate_schedule)

    @property
    def rows_are_independent(self) -> bool:  # type: ignore[override]
        """Whether each row has random numbers of its own."""
        return self.noise_shape is None

    def _silent(self) -> bool:
        return self.rate == 0

    def _disturb(self, shape: Shape, setting: Setting, drawing: Drawing) -> Pass:
        noise_shape = _noise_shape(self.noise_shape, shape)
        size = math.prod(noise_shape)
        kept = np.empty(noise_shape, bool)
        factor = np.empty(noise_shape, setting.dtype)
        y = np.empty(shape, setting.dtype)
        clock, schedule = setting.clock, self.rate_schedule
        scale, least = _odds(self.rate)
        before = -(-size // shape[0] * setting.rows_before // 4)

        def forward(x: Array) -> Array:
            nonlocal scale, least
            if schedule is not None:
                scale, least = _odds(min(1.0, self.rate * schedule.at(clock.step, clock.fraction)))
            bits: Any = drawing().bit_generator
            bits.advance(before)
            words = bits.random_raw(-(-size // 4)).view(np.uint16)
            np.greater_equal(words[:size].reshape(noise_shape), least, out=kept)
            np.copyto(factor, kept)
            np.multiply(factor, scale, out=factor)
            return np.multiply(x, factor, out=y)

        def backward(dy: Array) -> Array:
            return np.multiply(dy, factor, out=dy)

        return Pass(forward, backward)


def _odds(rate: float) -> tuple[float, np.uint16]:
    """What is kept is multiplied by the one; 16 random bits below the other mean that a value is dropped."""
    return 0.0 if rate == 1 else 1 / (1 - rate), np.uint16(min(round(rate * 2**16), 2**16 - 1))


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class AlphaDropout(_Noise):
    """Dropout that keeps mean and variance of selu's output (Klambauer et al. 2017)."""

    rate: Rate
    noise_shape: tuple | list | None = None  # type: ignore[type-arg]
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_noise_shape(self.noise_shape)

    def _silent(self) -> bool:
        return self.rate == 0

    def _disturb(self, shape: Shape, setting: Setting, drawing: Drawing) -> Pass:
        dropped = -SELU_ALPHA * SELU_SCALE
        a = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * dropped**2)) if self.rate < 1 else 0.0
        b = -a * dropped * self.rate
        noise_shape = _noise_shape(self.noise_shape, shape)
        kept: Array = np.empty(noise_shape, bool)

        def forward(x: Array) -> Array:
            nonlocal kept
            kept = drawing().random(noise_shape, np.float32) >= self.rate
            return (a * np.where(kept, x, x.dtype.type(dropped)) + b).astype(x.dtype)

        def backward(dy: Array) -> Array:
            return (dy * kept * a).astype(dy.dtype)

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class GaussianDropout(_Noise):
    """y = x n with n normal, mean 1, variance rate / (1 - rate)."""

    rate: Annotated[float, Range(minimum=0, below=1)]
    seed: int | None = None

    def _silent(self) -> bool:
        return self.rate == 0

    def _disturb(self, shape: Shape, setting: Setting, drawing: Drawing) -> Pass:
        stddev = math.sqrt(self.rate / (1 - self.rate))
        factor: Array = np.empty(0)

        def forward(x: Array) -> Array:
            nonlocal factor
            factor = (1 + stddev * drawing().standard_normal(shape, np.float32)).astype(x.dtype)
            return x * factor

        def backward(dy: Array) -> Array:
            return np.multiply(dy, factor, out=dy)

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class GaussianNoise(_Noise):
    """y = x + n with n normal, mean 0 and deviation `stddev`."""

    stddev: Annotated[float, Range(minimum=0, maximum=1)]
    seed: int | None = None

    def _silent(self) -> bool:
        return self.stddev == 0

    def _disturb(self, shape: Shape, setting: Setting, drawing: Drawing) -> Pass:
        def forward(x: Array) -> Array:
            noise = drawing().standard_normal(shape, np.float32)
            return (x + self.stddev * noise).astype(x.dtype)

        return Pass(forward, lambda dy: dy)


def _check_noise_shape(noise_shape: tuple[Any, ...] | list[Any] | None) -> None:
    for size in noise_shape or ():
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
            raise ArgumentError("noise_shape", "made of integers >= 1, or null for the input's own", size)


def _noise_shape(noise_shape: tuple[int | None, ...] | list[int | None] | None, shape: Shape) -> tuple[int, ...]:
    if noise_shape is None:
        return shape
    if len(noise_shape) != len(shape):
        raise ArgumentError("noise_shape", f"of the input's rank {len(shape)}", noise_shape)
    return tuple(size if wanted is None else wanted for wanted, size in zip(noise_shape, shape, strict=True))

"""Initial weights: distributions by Keras's names.

Sources: Glorot & Bengio 2010, He et al. 2015, LeCun et al. 1998, Saxe et al. 2014 (orthogonal).
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from service.nn import config, registry
from service.nn.arguments import ArgumentError, Range
from service.nn.registry import Configurable, Registry

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

# A standard normal cut off at two standard deviations has this standard deviation.
TRUNCATED_DEVIATION = 0.87962566103423978


class Initializer(Configurable):
    """Makes the first value of a weight; `draw` is its formula, `seed` makes it the same every time."""

    keras_module: ClassVar[str] = "keras.initializers"
    seed: int | None = None

    def __call__(self, shape: Shape, dtype: str | None = None) -> Array:
        return self.draw(tuple(shape), np.random.default_rng(self.seed)).astype(dtype or config.floatx())

    def initialize(self, shape: Shape, dtype: Any, rng: np.random.Generator) -> Array:
        """A first value from the model's stream of random numbers, unless the initializer has its own seed."""
        generator = rng if self.seed is None else np.random.default_rng(self.seed)
        return self.draw(shape, generator).astype(dtype)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """An array of `shape` in float64."""
        raise NotImplementedError


REGISTRY: Registry[Initializer] = Registry("initializer")


@REGISTRY.register("zero")
@dataclass
class Zeros(Initializer):
    """Zero everywhere."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.zeros(shape)


@REGISTRY.register("one")
@dataclass
class Ones(Initializer):
    """One everywhere."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.ones(shape)


@REGISTRY.register()
@dataclass
class Constant(Initializer):
    """`value` everywhere."""

    value: float = 0.0

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.full(shape, self.value)


@REGISTRY.register("IdentityInitializer")
@dataclass
class Identity(Initializer):
    """`gain` on the diagonal, zero elsewhere; two-dimensional weights only."""

    gain: float = 1.0

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if len(shape) != 2:
            raise ArgumentError("shape", "two-dimensional for the identity initializer", shape)
        return self.gain * np.eye(*shape)


@REGISTRY.register("normal")
@dataclass
class RandomNormal(Initializer):
    """Normal distribution."""

    mean: float = 0.0
    stddev: Annotated[float, Range(minimum=0)] = 0.05
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(self.mean, self.stddev, shape)


@REGISTRY.register()
@dataclass
class TruncatedNormal(Initializer):
    """Normal distribution without the values beyond two standard deviations."""

    mean: float = 0.0
    stddev: Annotated[float, Range(minimum=0)] = 0.05
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return self.mean + self.stddev * truncated_normal(shape, rng)


@REGISTRY.register("uniform")
@dataclass
class RandomUniform(Initializer):
    """Uniform distribution over [minval, maxval)."""

    minval: float = -0.05
    maxval: float = 0.05
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.maxval < self.minval:
            raise ArgumentError("maxval", f"at least minval ({self.minval})", self.maxval)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.uniform(self.minval, self.maxval, shape)


@REGISTRY.register()
@dataclass
class VarianceScaling(Initializer):
    """Mean 0 and variance scale / n, where n is fan_in, fan_out or their mean."""

    scale: Annotated[float, Range(above=0)] = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal"
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        fan_in, fan_out = fans(shape)
        n = max(1.0, {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3 * self.scale / n)
            return rng.uniform(-limit, limit, shape)
        stddev = math.sqrt(self.scale / n)
        if self.distribution == "untruncated_normal":
            return rng.normal(0, stddev, shape)
        return stddev / TRUNCATED_DEVIATION * truncated_normal(shape, rng)


@dataclass
class _Scaled(Initializer):
    """A variance scaling with everything fixed but the seed."""

    seed: int | None = None
    fixed: ClassVar[VarianceScaling]

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return self.fixed.draw(shape, rng)


@REGISTRY.register()
@dataclass
class GlorotUniform(_Scaled):
    """Uniform within +-sqrt(6 / (fan_in + fan_out))."""

    fixed = VarianceScaling(1.0, "fan_avg", "uniform")


@REGISTRY.register()
@dataclass
class GlorotNormal(_Scaled):
    """Truncated normal of variance 2 / (fan_in + fan_out)."""

    fixed = VarianceScaling(1.0, "fan_avg", "truncated_normal")


@REGISTRY.register()
@dataclass
class HeUniform(_Scaled):
    """Uniform within +-sqrt(6 / fan_in)."""

    fixed = VarianceScaling(2.0, "fan_in", "uniform")


@REGISTRY.register()
@dataclass
class HeNormal(_Scaled):
    """Truncated normal of variance 2 / fan_in."""

    fixed = VarianceScaling(2.0, "fan_in", "truncated_normal")


@REGISTRY.register()
@dataclass
class LecunUniform(_Scaled):
    """Uniform within +-sqrt(3 / fan_in)."""

    fixed = VarianceScaling(1.0, "fan_in", "uniform")


@REGISTRY.register()
@dataclass
class LecunNormal(_Scaled):
    """Truncated normal of variance 1 / fan_in."""

    fixed = VarianceScaling(1.0, "fan_in", "truncated_normal")


@REGISTRY.register("OrthogonalInitializer")
@dataclass
class Orthogonal(Initializer):
    """`gain` times a random matrix with orthonormal rows or columns."""

    gain: float = 1.0
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if len(shape) < 2:
            raise ArgumentError("shape", "at least two-dimensional for the orthogonal initializer", shape)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        return self.gain * (q.T if rows < columns else q).reshape(shape)


@REGISTRY.register()
@dataclass
class RandomSigns(Initializer):
    """+1 or -1, each with probability 1/2 (Wen et al. 2020, "BatchEnsemble")."""

    in_keras = False

    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return 2.0 * rng.integers(0, 2, shape) - 1


def fans(shape: Shape) -> tuple[float, float]:
    """Numbers of inputs and outputs that a weight of `shape` connects."""
    if len(shape) < 2:
        n = float(shape[0]) if shape else 1.0
        return n, n
    return float(math.prod(shape[:-1])), float(shape[-1] * math.prod(shape[:-2]))


def truncated_normal(shape: Shape, rng: np.random.Generator) -> Array:
    """Standard normal values, drawn again until each lies within two standard deviations."""
    values = rng.normal(size=shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.normal(size=int(outside.sum()))
    return values


def get(identifier: Any) -> Any:
    """The initializer of a name or configuration, or the object itself; None is none."""
    if identifier is None or isinstance(identifier, Initializer):
        return identifier
    return REGISTRY.get(identifier)


def serialize(initializer: Initializer) -> Any:
    """The initializer's class name and configuration, in Keras's form."""
    return registry.serialize(initializer)


def deserialize(config: Any) -> Initializer:
    """The initializer of a configuration."""
    return REGISTRY.get(config)


__all__ = [
    "REGISTRY",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomSigns",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]

"""Initial weights that depend on the rows of the training; `initialization` shows them these."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from service.nn.arguments import ArgumentError, Range
from service.nn.initializers import REGISTRY, Array, Initializer, Shape


class DataDependent(Initializer):
    """An initializer that depends on training rows; `draw` returns the values used until it has seen them."""

    in_keras = False

    def draw_from(self, seen: Array, shape: Shape, rng: np.random.Generator) -> Array:
        """A first value: for a kernel `seen` are the inputs, for a bias the outputs before it, rows first."""
        raise NotImplementedError


@REGISTRY.register()
@dataclass
class UnitVariance(DataDependent):
    """Standard normal kernels, each unit divided by the deviation of its outputs over the training rows.

    Salimans & Kingma 2016 ("Weight Normalization", section 3), as RealMLP has it (Holzmueller et al. 2024).
    """

    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(size=shape)

    def draw_from(self, seen: Array, shape: Shape, rng: np.random.Generator) -> Array:
        """Units whose outputs do not vary are left as they are drawn."""
        if len(shape) != 2:
            raise ArgumentError("kernel_initializer", "unit_variance for kernels of Dense layers only", shape)
        kernel = self.draw(shape, rng if self.seed is None else np.random.default_rng(self.seed))
        deviation = np.std(seen @ kernel.astype(seen.dtype), axis=0, dtype=np.float64)
        return kernel / np.where(deviation > 0, deviation, 1)


@REGISTRY.register()
@dataclass
class ConvexCombination(DataDependent):
    """Biases by which the zero of each unit lies at a random mixture of `points` training rows.

    b = -sum w z over rows drawn for each unit, z its outputs before the bias, w exponential numbers divided by their
    sum (Steinwart 2019, "A Sober Look at Neural Network Initializations"; `he+5` of RealMLP).
    """

    points: Annotated[int, Range(minimum=1)] = 5
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.zeros(shape)

    def draw_from(self, seen: Array, shape: Shape, rng: np.random.Generator) -> Array:
        """The same from the outputs that were seen."""
        if shape != seen.shape[1:]:
            raise ArgumentError("bias_initializer", "convex_combination for biases of Dense layers only", shape)
        rng = rng if self.seed is None else np.random.default_rng(self.seed)
        rows = rng.integers(0, len(seen), (self.points, *shape))
        weights = rng.exponential(size=rows.shape)
        return -(np.take_along_axis(seen, rows, axis=0) * weights / weights.sum(axis=0)).sum(axis=0)

"""Learned vectors for numbers: each feature of a row becomes several (Gorishniy et al. 2022).

"On Embeddings for Numerical Features in Tabular Deep Learning". Rows (rows, features) become (rows, features *
output_dim), the vectors of the features side by side.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn.arguments import ArgumentError, Of, Range
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape, require_width


class _NumericalEmbedding(Layer):
    """What embeddings of numbers share: their shapes. Inside, features come before rows."""

    in_keras = False

    output_dim: int

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """`output_dim` values for each feature."""
        if len(input_shape) != 2:
            raise ArgumentError("input_shape", "that of rows of features", input_shape)
        return (input_shape[0], input_shape[1] * self.output_dim)

    def _by_rows(self, y: Array, out: Array) -> Array:
        """(features, rows, output_dim) as rows."""
        features, rows, width = y.shape
        np.copyto(out.reshape(rows, features, width), y.transpose(1, 0, 2))
        return out

    def _by_features(self, dy: Array) -> Array:
        """Rows as (features, rows, output_dim)."""
        return np.ascontiguousarray(dy.reshape(len(dy), -1, self.output_dim).transpose(1, 0, 2))


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class PeriodicEmbedding(_NumericalEmbedding):
    """y = cos(2 pi x frequencies + phases) @ amplitudes + offsets, all of them learned for each feature.

    Gorishniy et al. 2022 in the form of RealMLP (Holzmueller et al. 2024, "PBLD" without the column itself). A small
    `frequency_stddev` makes smooth functions.
    """

    output_dim: Annotated[int, Range(minimum=1)] = 3
    num_frequencies: Annotated[int, Range(minimum=1)] = 16
    frequency_stddev: Annotated[float, Range(above=0)] = 0.1

    def build(self, input_shape: Shape) -> None:
        """Waves for each feature, and what is taken of each of them."""
        features, waves, width = require_width(self, input_shape), self.num_frequencies, self.output_dim
        limit = 1 / math.sqrt(waves)
        normal = {"class_name": "RandomNormal", "stddev": self.frequency_stddev}
        self.frequencies = self.add_weight((features, waves), normal, "frequencies")
        self.phases = self.add_weight((features, waves), _uniform(math.pi), "phases")
        self.amplitudes = self.add_weight((features, waves, width), _uniform(limit), "amplitudes")
        self.offsets = self.add_weight((features, width), _uniform(limit), "offsets")
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """du = -sin(u) (dy @ amplitudes.T) for u = 2 pi x frequencies + phases; sums are products with ones."""
        (rows, features), waves, width, dtype = shape, self.num_frequencies, self.output_dim, setting.dtype
        frequencies, phases, amplitudes, offsets = (weight.value for weight in self.weights)
        d_frequencies, d_phases, d_amplitudes, d_offsets = (weight.gradient for weight in self.weights)
        turns, cosines = np.ones((features, rows, 2), dtype), np.ones((features, rows, waves + 1), dtype)
        lines, mixture = np.empty((features, 2, waves), dtype), np.empty((features, waves + 1, width), dtype)
        d_lines, d_mixture = np.empty_like(lines), np.empty_like(mixture)
        u, du = (np.empty((features, rows, waves), dtype) for _ in range(2))
        y, out = np.empty((features, rows, width), dtype), np.empty((rows, features * width), dtype)
        turn, learns, needs_dx = np.asarray(2 * math.pi, dtype), self.trainable, setting.needs_input_gradient

        def forward(x: Array) -> Array:
            np.multiply(x.T, turn, out=turns[:, :, 0])
            lines[:, 0], lines[:, 1] = frequencies, phases
            mixture[:, :waves], mixture[:, waves] = amplitudes, offsets
            np.matmul(turns, lines, out=u)
            np.cos(u, out=cosines[:, :, :waves])
            np.matmul(cosines, mixture, out=y)
            return self._by_rows(y, out)

        def backward(dy: Array) -> Array:
            dy = self._by_features(dy)
            np.sin(u, out=u)
            np.matmul(dy, amplitudes.transpose(0, 2, 1), out=du)
            np.multiply(u, du, out=du)
            if learns:
                np.matmul(cosines.transpose(0, 2, 1), dy, out=d_mixture)
                np.matmul(turns.transpose(0, 2, 1), du, out=d_lines)
                d_amplitudes[...], d_offsets[...] = d_mixture[:, :waves], d_mixture[:, waves]
                np.negative(d_lines[:, 0], out=d_frequencies)
                np.negative(d_lines[:, 1], out=d_phases)
            if not needs_dx:
                return np.zeros(shape, dtype)
            dx = np.matmul(du, frequencies[:, :, None])[:, :, 0].T
            return np.ascontiguousarray(dx * -turn)

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class PiecewiseLinearEmbedding(_NumericalEmbedding):
    """y = x slopes + offsets + e @ kernel, where e says how far x has come through each bin, from 0 to 1.

    The first bin goes on below its beginning and the last one beyond its end. Version B of Gorishniy et al. 2022 in
    the tabm package: the kernel starts at zero. The bins lie between `num_bins` quantiles of the training rows, or
    `bin_boundaries` (a list for each feature).
    """

    output_dim: Annotated[int, Range(minimum=1)] = 16
    num_bins: Annotated[int, Range(minimum=1)] = 48
    bin_boundaries: list | tuple | None = None  # type: ignore[type-arg]
    kernel_initializer: Annotated[Any, Of("initializer")] = "zeros"

    def __post_init__(self) -> None:
        super().__post_init__()
        for edges in self.bin_boundaries or ():
            check_edges(edges)
        if self.bin_boundaries is not None:
            self.num_bins = max(2, *(len(edges) for edges in self.bin_boundaries)) - 1

    def build(self, input_shape: Shape) -> None:
        """Bins for each feature, and what each of them adds."""
        features, width = require_width(self, input_shape), self.output_dim
        if self.bin_boundaries is not None and len(self.bin_boundaries) != features:
            raise ArgumentError("bin_boundaries", f"a list for each of {features} features", len(self.bin_boundaries))
        limit = _uniform(1 / math.sqrt(width))
        self.kernel = self.add_weight((features, self.num_bins, width), self.kernel_initializer, "kernel")
        self.slopes = self.add_weight((features, width), limit, "slopes")
        self.offsets = self.add_weight((features, width), limit, "offsets")
        self.edges = self.add_weight((features, self.num_bins + 1), "zeros", "edges", trainable=False)
        default = [np.linspace(-3, 3, self.num_bins + 1)] * features
        self.edges.assign(padded(self.bin_boundaries or default, self.num_bins + 1))
        super().build(input_shape)

    @property
    def initializes_from_data(self) -> bool:
        """Whether the bins were left to the training rows."""
        return self.bin_boundaries is None

    def initialize_from(self, x: Array, y: Array) -> None:
        """Takes the edges of the bins: the different ones among the quantiles of each feature."""
        if self.bin_boundaries is None:
            quantiles = np.quantile(x.astype(np.float64), np.linspace(0, 1, self.num_bins + 1), axis=0)
            self.edges.assign(padded([np.unique(column.astype(x.dtype)) for column in quantiles.T], self.num_bins + 1))

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """de = dy @ kernel.T, which reaches x only through the bin that it lies in."""
        rows, features = shape
        kernel, slopes, offsets = self.kernel.value, self.slopes.value, self.offsets.value
        gradients, learns = [weight.gradient for weight in self.weights], self.trainable
        edges, known = self.edges.value, np.full_like(self.edges.value, np.nan)
        start = share = low = high = known
        e = np.empty((features, rows, self.num_bins), setting.dtype)
        y, linear = (np.empty((features, rows, self.output_dim), setting.dtype) for _ in range(2))
        out, needs_dx = np.empty((rows, features * self.output_dim), setting.dtype), setting.needs_input_gradient
        turned = np.empty((features, rows), setting.dtype)

        def forward(x: Array) -> Array:
            nonlocal start, share, low, high
            if not np.array_equal(edges, known):  # others were assigned
                np.copyto(known, edges)
                start, share, low, high = (part[:, None, :] for part in bins_of(edges))
            np.copyto(turned, x.T)
            np.subtract(turned[:, :, None], start, out=e)
            np.multiply(e, share, out=e)
            np.maximum(e, low, out=e)
            np.minimum(e, high, out=e)
            np.matmul(e, kernel, out=y)
            np.multiply(turned[:, :, None], slopes[:, None, :], out=linear)
            np.add(y, linear, out=y)
            np.add(y, offsets[:, None, :], out=y)
            return self._by_rows(y, out)

        def backward(dy: Array) -> Array:
            dy = self._by_features(dy)
            if learns:
                np.matmul(e.transpose(0, 2, 1), dy, out=gradients[0])
                np.matmul(turned[:, None, :], dy, out=gradients[1][:, None, :])
                dy.sum(axis=1, out=gradients[2])
            if not needs_dx:
                return np.zeros(shape, setting.dtype)
            de = np.matmul(dy, kernel.transpose(0, 2, 1)) * ((e > low) & (e < high)) * share
            dx = de.sum(axis=2) + np.matmul(dy, slopes[:, :, None])[:, :, 0]
            return np.ascontiguousarray(dx.T)

        return Pass(forward, backward)


def bins_of(edges: Array) -> tuple[Array, Array, Array, Array]:
    """Of each bin, for e = min(max((x - start) share, low), high): start, share, low and high, (features, bins)."""
    start, width = edges[:, :-1], np.diff(edges, axis=1)
    share = np.divide(1, width, out=np.zeros_like(width), where=width > 0)
    low, high = np.zeros_like(share), np.ones_like(share)
    low[:, 0] = -3e38
    last = np.maximum((width > 0).sum(axis=1) - 1, 0)
    high[np.arange(len(high)), last] = 3e38
    return start, share, low, high


def check_edges(edges: Any) -> None:
    """Raises `ArgumentError` unless these are two or more finite numbers that rise."""
    numbers = edges if isinstance(edges, list | tuple) else []
    plain = all(isinstance(edge, int | float) and not isinstance(edge, bool) for edge in numbers)
    rises = plain and len(numbers) >= 2 and all(a < b for a, b in itertools.pairwise(numbers))
    if not rises or not all(map(math.isfinite, numbers)):
        raise ArgumentError("bin_boundaries", "lists of two or more numbers that rise, one for each feature", edges)


def padded(edges: Any, length: int) -> Array:
    """The edges of each feature, the last one repeated up to this length: bins without width are none."""
    return np.array([[*row, *[row[-1]] * (length - len(row))] for row in (list(one) for one in edges)])


def _uniform(limit: float) -> dict[str, Any]:
    return {"class_name": "RandomUniform", "minval": -limit, "maxval": limit}

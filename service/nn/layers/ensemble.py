"""Layers of an efficient ensemble: members that share most of their weights and are trained in one pass.

EnsembleScale makes `members` views of each row, layers such as Dense treat these as so many more rows, and
EnsembleDense returns the mean of the outputs of its members. This is TabM-mini of Gorishniy et al. 2024 ("TabM:
Advancing Tabular Deep Learning with Parameter-Efficient Ensembling"), after BatchEnsemble (Wen et al. 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from service.nn import activations, initializers
from service.nn.arguments import ArgumentError, Of, Range
from service.nn.initializers import Initializer
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape, require_width


class _Repeated(Initializer):
    """What another one gives for each chunk of features, as often as the chunk is long."""

    def __init__(self, initial: Initializer, chunks: Sequence[int] | None) -> None:
        self._initial = initial
        self._chunks = chunks
        self.seed = initial.seed

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if self._chunks is None:
            return self._initial.draw(shape, rng)
        return np.repeat(self._initial.draw((shape[0], len(self._chunks)), rng), self._chunks, axis=1)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class EnsembleScale(Layer):
    """y[row, member] = x[row] scale[member]: (rows, features) becomes (rows, members, features).

    `chunks` are the numbers of inputs that stand for one column of a table each, such as the places of a one-hot
    category; their initial scales are the same.
    """

    in_keras = False

    members: Annotated[int, Range(minimum=1)] = 32
    scale_initializer: Annotated[Any, Of("initializer")] = "random_signs"
    chunks: list | tuple | None = None  # type: ignore[type-arg]

    def __post_init__(self) -> None:
        super().__post_init__()
        for chunk in self.chunks or ():
            if not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1:
                raise ArgumentError("chunks", "a list of integers >= 1", self.chunks)

    def build(self, input_shape: Shape) -> None:
        """A scale for each member and feature."""
        features = require_width(self, input_shape)
        if len(input_shape) != 2:
            raise ArgumentError("input_shape", "that of rows of features", input_shape)
        if self.chunks is not None and sum(self.chunks) != features:
            raise ArgumentError("chunks", f"a list with the sum {features}, the number of inputs", self.chunks)
        initializer = _Repeated(initializers.get(self.scale_initializer), self.chunks)
        self.scale = self.add_weight((self.members, features), initializer, "scale")
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One axis more, between rows and features."""
        return (input_shape[0], self.members, *input_shape[1:])

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = the sum over members of dy scale; dscale = the sum over rows of dy x."""
        scale, gradient, learns = self.scale.value, self.scale.gradient, self.trainable
        y = product = np.empty((shape[0], self.members, shape[1]), setting.dtype)  # no more needed going back
        dx, needs_dx = np.empty(shape, setting.dtype), setting.needs_input_gradient
        ones = np.ones(shape[0], setting.dtype)
        x = dx

        def forward(inputs: Array) -> Array:
            nonlocal x
            x = inputs
            return np.multiply(x[:, None, :], scale, out=y)

        def backward(dy: Array) -> Array:
            if learns:
                np.multiply(dy, x[:, None, :], out=product)
                np.dot(ones, product.reshape(shape[0], -1), out=gradient.reshape(-1))
            if needs_dx:
                np.multiply(dy, scale, out=product)
                product.sum(axis=1, out=dx)
            return dx

        return Pass(forward, backward)


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class EnsembleDense(Layer):
    """y = the mean over members m of activation(x[:, m] @ kernel[m] + bias[m]), for x (rows, members, features).

    As the last layer it is trained by the mean of the members' losses, each on its own output; the losses and metrics
    that are told are those of the mean output.
    """

    in_keras = False

    units: Annotated[int, Range(minimum=1)]
    activation: Annotated[Any, Of("activation")] = None
    use_bias: bool = True
    kernel_initializer: Annotated[Any, Of("initializer")] = "glorot_uniform"
    bias_initializer: Annotated[Any, Of("initializer")] = "zeros"
    kernel_regularizer: Annotated[Any, Of("regularizer")] = None
    bias_regularizer: Annotated[Any, Of("regularizer")] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output_activation == "glu":
            raise ArgumentError("activation", "one that keeps the number of units", self.activation)

    def build(self, input_shape: Shape) -> None:
        """A kernel and a bias for each member; the fans of an initializer are those of one member."""
        if len(input_shape) != 3 or None in input_shape[1:]:
            raise ArgumentError("input_shape", "(rows, members, features), such as EnsembleScale makes", input_shape)
        members, features = input_shape[1:]
        self.kernel = self.add_weight(
            (members, features, self.units), self.kernel_initializer, "kernel", regularizer=self.kernel_regularizer
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (members, self.units), self.bias_initializer, "bias", regularizer=self.bias_regularizer
            )
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """A row of units."""
        return (input_shape[0], self.units)

    @property
    def output_activation(self) -> str | None:
        """The name of the activation that each member's output has gone through."""
        return activations.REGISTRY.get(self.activation).name

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """A product for each member, members before rows; a gradient by the mean is shared among them."""
        rows, members, features = shape
        kernel, kernel_gradient, learns = self.kernel.value, self.kernel.gradient, self.trainable
        bias, bias_gradient = (self.bias.value, self.bias.gradient) if self.use_bias else (None, None)
        flat = (members * rows, self.units)
        z, spread = np.empty(flat, setting.dtype), np.empty(flat, setting.dtype)
        z_each = z.reshape(members, rows, self.units)
        activate, deactivate = activations.REGISTRY.get(self.activation).connect(flat, setting.dtype)
        mean, share = np.empty((rows, self.units), setting.dtype), np.full(members, 1 / members, setting.dtype)
        dx = np.empty(shape if setting.needs_input_gradient else (0, members, features), setting.dtype)
        fused, needs_dx = setting.fused, setting.needs_input_gradient
        x, y = dx, z

        def forward(inputs: Array) -> Array:
            nonlocal x, y
            x = inputs
            np.matmul(x.transpose(1, 0, 2), kernel, out=z_each)
            if bias is not None:
                np.add(z_each, bias[:, None, :], out=z_each)
            y = activate(z)
            np.dot(share, y.reshape(members, -1), out=mean.reshape(-1))
            return mean

        def backward(dy: Array) -> Array:
            if len(dy) == rows:
                np.multiply(dy, share[:, None, None], out=spread.reshape(members, rows, -1))
                dy = spread
            dz = (dy if fused else deactivate(dy, y)).reshape(members, rows, -1)
            if learns:
                np.matmul(x.transpose(1, 2, 0), dz, out=kernel_gradient)
                if bias_gradient is not None:
                    dz.sum(axis=1, out=bias_gradient)
            if needs_dx:
                np.matmul(dz, kernel.transpose(0, 2, 1), out=dx.transpose(1, 0, 2))
            return dx

        return Pass(forward, backward, lambda: y)

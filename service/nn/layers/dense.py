"""The fully connected layer."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np

from service.nn import activations, openblas, randomness
from service.nn.activations.rectifiers import zeros_like
from service.nn.arguments import ArgumentError, Of, Range
from service.nn.data_initializers import DataDependent
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape, require_width
from service.nn.registry import BEYOND_KERAS


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Dense(Layer):
    """y = activation(x @ kernel + bias); kernel (features, units), bias (units,), y (rows, units).

    With `parametrization` "ntk", which Keras does not have, it is x @ kernel / sqrt(features) + bias (Jacot et al.
    2018): kernels of deviation 1 then suit every width, and so does one learning rate.
    """

    units: Annotated[int, Range(minimum=1)]
    activation: Annotated[Any, Of("activation")] = None
    use_bias: bool = True
    kernel_initializer: Annotated[Any, Of("initializer")] = "glorot_uniform"
    bias_initializer: Annotated[Any, Of("initializer")] = "zeros"
    kernel_regularizer: Annotated[Any, Of("regularizer")] = None
    bias_regularizer: Annotated[Any, Of("regularizer")] = None
    activity_regularizer: Annotated[Any, Of("regularizer")] = None
    kernel_constraint: Annotated[Any, Of("constraint")] = None
    bias_constraint: Annotated[Any, Of("constraint")] = None
    parametrization: Literal["standard", "ntk"] = field(default="standard", metadata=BEYOND_KERAS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output_activation == "glu" and self.units % 2:
            raise ArgumentError("units", "even for glu, which halves them", self.units)

    def build(self, input_shape: Shape) -> None:
        """Kernel and bias for inputs of this width."""
        self.kernel = self.add_weight(
            (require_width(self, input_shape), self.units),
            self.kernel_initializer,
            "kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                "bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        super().build(input_shape)

    @property
    def kernel_factor(self) -> float:
        """What the kernel is multiplied by before it is used."""
        return 1 / math.sqrt(self.kernel.shape[0]) if self.parametrization == "ntk" else 1.0

    @property
    def initializes_from_data(self) -> bool:
        """Whether an initializer of kernel or bias wants to see rows."""
        return any(isinstance(weight.initializer, DataDependent) for weight in self.weights)

    def initialize_from(self, x: Array, y: Array) -> None:
        """The kernel from the inputs, then the bias from the outputs before it."""
        x = x.reshape(-1, x.shape[-1]) * x.dtype.type(self.kernel_factor)
        for place, weight in enumerate(self.weights):
            if isinstance(weight.initializer, DataDependent):
                rng = randomness.generator(self._own_seed(), randomness.WEIGHTS, place)
                seen = x if weight is self.kernel else x @ self.kernel.value
                weight.assign(weight.initializer.draw_from(seen, weight.shape, rng))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The last axis becomes `units` (half of it for glu)."""
        units = self.units // 2 if self.output_activation == "glu" else self.units
        return (*input_shape[:-1], units)

    @property
    def output_activation(self) -> str | None:
        """The activation's name."""
        return activations.REGISTRY.get(self.activation).name

    @property
    def joins(self) -> bool:
        """A bias to join with the kernel, and relu, which can write beside the ones."""
        plain = self.use_bias and self.parametrization == "standard" and self.penalty is None
        return plain and self.output_activation == "relu"

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """The passes of the parametrization, with a column of ones where one comes or is wanted."""
        if setting.takes_ones or setting.gives_ones:
            return self.connect_joined(shape, setting)
        if self.parametrization == "ntk":
            return self.connect_scaled(shape, setting)
        return self.connect_plain(shape, setting, self.kernel.value)

    def connect_scaled(self, shape: Shape, setting: Setting) -> Pass:
        """The plain passes with a scaled copy of the kernel, which is computed again for each batch."""
        stored, gradient, learns = self.kernel.value, self.kernel.gradient, self.trainable
        kernel, factor = np.empty_like(stored), np.asarray(self.kernel_factor, setting.dtype)
        plain_forward, plain_backward, _ = self.connect_plain(shape, setting, kernel)

        def forward(x: Array) -> Array:
            np.multiply(stored, factor, out=kernel)
            return plain_forward(x)

        def backward(dy: Array) -> Array:
            dx = plain_backward(dy)
            if learns:
                np.multiply(gradient, factor, out=gradient)
            return dx

        return Pass(forward, backward)

    def connect_plain(self, shape: Shape, setting: Setting, kernel: Array) -> Pass:
        """Two products backward, one forward; the bias gradient is a product with ones."""
        kernel_gradient = self.kernel.gradient
        bias = self.bias.value if self.use_bias else None
        bias_gradient = self.bias.gradient if self.use_bias else None
        rows = int(np.prod(shape[:-1]))
        z = np.empty((rows, self.units), setting.dtype)
        z_shaped = z.reshape(*shape[:-1], self.units)
        activate, deactivate = activations.REGISTRY.get(self.activation).connect(z_shaped.shape, setting.dtype)
        dx = np.empty((rows if setting.needs_input_gradient else 0, shape[-1]), setting.dtype)
        dx_shaped = dx.reshape(shape) if setting.needs_input_gradient else dx
        ones = np.ones(rows, setting.dtype)
        flat = len(shape) == 2
        learns, fused, needs_dx = self.trainable, setting.fused, setting.needs_input_gradient
        dot, add, times_transposed = np.dot, np.add, connect_transposed(kernel, rows)
        x = y = z

        def forward(inputs: Array) -> Array:
            nonlocal x, y
            x = inputs if flat else inputs.reshape(rows, -1)
            dot(x, kernel, out=z)
            if bias is not None:
                add(z, bias, out=z)
            y = activate(z_shaped)
            return y

        def backward(dy: Array) -> Array:
            dz = dy if fused else deactivate(dy, y)
            if not flat:
                dz = dz.reshape(rows, -1)
            if learns:
                dot(x.T, dz, out=kernel_gradient)
                if bias_gradient is not None:
                    dot(ones, dz, out=bias_gradient)
            if needs_dx:
                times_transposed(dz, dx)
            return dx_shaped

        return Pass(forward, backward)

    def connect_joined(self, shape: Shape, setting: Setting) -> Pass:
        """The same with kernel and bias as one matrix: [x 1] @ [[kernel], [bias]].

        Between small layers the bias costs as much as the product: here it rides along in both directions.
        """
        rows, width = shape
        kernel = self.kernel.value
        matrix, matrix_gradient = kernel, self.kernel.gradient
        joined = setting.parameters.joined(self.kernel, self.bias) if setting.parameters is not None else None
        if setting.takes_ones and joined is not None:
            matrix, matrix_gradient = joined
        bias, bias_gradient = self.bias.value, self.bias.gradient
        z = np.empty((rows, self.units), setting.dtype)
        activate, deactivate = activations.REGISTRY.get(self.activation).connect(z.shape, setting.dtype)
        with_ones = np.ones((rows, self.units + 1), setting.dtype)
        beside_ones = with_ones[:, :-1]
        zero, zeros = np.zeros((), setting.dtype), zeros_like(z.shape, setting.dtype)
        dx = np.empty((rows if setting.needs_input_gradient else 0, width), setting.dtype)
        ones = np.ones(rows, setting.dtype)
        takes, gives, fused, needs_dx = (
            setting.takes_ones,
            setting.gives_ones,
            setting.fused,
            setting.needs_input_gradient,
        )
        dot, times_transposed = np.dot, connect_transposed(kernel, rows)
        x = y = z

        def forward(inputs: Array) -> Array:
            nonlocal x, y
            x = inputs
            dot(x, matrix, out=z)
            if not takes:
                np.add(z, bias, out=z)
            if gives:
                np.maximum(z, zeros, out=beside_ones)
                return with_ones
            y = activate(z)
            return y

        def backward(dy: Array) -> Array:
            if gives:
                np.greater(z, zero, out=z)
                dz = np.multiply(dy, z, out=dy)
            else:
                dz = dy if fused else deactivate(dy, y)
            dot(x.T, dz, out=matrix_gradient)
            if not takes:
                dot(ones, dz, out=bias_gradient)
            if needs_dx:
                times_transposed(dz, dx)
            return dx

        return Pass(forward, backward)


# OpenBLAS has kernels without packing for products of at most so many multiplications.
SMALL_PRODUCT = 1_000_000
# Below, a copy takes as long as it saves.
FEWEST = {"rows": 32, "features": 64, "units": 32}


def connect_transposed(kernel: Array, rows: int) -> Callable[[Array, Array], object]:
    """dz @ kernel.T into dx, for a kernel (features, units), dz (rows, units) and dx (rows, features).

    Small matrices are multiplied so much slower by a transposed one that to transpose it first pays.
    """
    features, units = kernel.shape
    large = rows >= FEWEST["rows"] and features >= FEWEST["features"] and units >= FEWEST["units"]
    if not large or rows * features * units > SMALL_PRODUCT or not openblas.offered(kernel.dtype):
        return lambda dz, dx: np.dot(dz, kernel.T, out=dx)
    turned = np.empty((units, features), kernel.dtype)
    turn = openblas.transpose(kernel, turned)

    def times_transposed(dz: Array, dx: Array) -> None:
        turn()
        np.dot(dz, turned, out=dx)

    return times_transposed

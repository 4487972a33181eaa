"""Learned vectors for whole numbers."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from service.nn.arguments import ArgumentError, Of, Range
from service.nn.layers.layer import REGISTRY, Array, Layer, Pass, Setting, Shape
from service.nn.variable import Variable


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class Embedding(Layer):
    """y = embeddings[x]: whole numbers (rows, ...) become vectors (rows, ..., output_dim).

    Numbers outside [0, input_dim) get the nearest vector. `mask_zero` is refused: nothing carries a mask.
    """

    input_dim: Annotated[int, Range(minimum=1)] = field()  # the base class has one of another meaning
    output_dim: Annotated[int, Range(minimum=1)] = field()
    embeddings_initializer: Annotated[Any, Of("initializer")] = "uniform"
    embeddings_regularizer: Annotated[Any, Of("regularizer")] = None
    embeddings_constraint: Annotated[Any, Of("constraint")] = None
    mask_zero: bool = False
    weights: Any = None

    def __post_init__(self) -> None:
        initial = self.weights
        super().__post_init__()
        if self.mask_zero:
            # A mask would change what the layers behind it and the loss count, and nothing here carries one.
            raise ArgumentError("mask_zero", "False, as masks are not supported", self.mask_zero)
        self._initial = initial

    @property
    def embeddings(self) -> Variable:
        """The vectors; a layer that was given them has them before it is built, as in Keras."""
        if not self.built and self._initial is not None:
            self.build(())
        return self._embeddings

    def declared_input_shape(self) -> Shape | None:
        """`input_dim` is the vocabulary here, not a width."""
        return None if self.input_shape is None else tuple(self.input_shape)

    @property
    def vocabulary(self) -> int | None:
        """`input_dim`, the number of vectors."""
        return self.input_dim

    def get_config(self) -> dict[str, Any]:
        """Without the weights."""
        config = super().get_config()
        del config["weights"]
        return config

    def build(self, input_shape: Shape) -> None:
        """One vector for each number."""
        self._embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            "embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        if self._initial is not None:
            self._embeddings.assign(self._initial[0] if isinstance(self._initial, list) else self._initial)
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One axis more."""
        return (*input_shape, self.output_dim)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """The gradient of a vector is the sum over the places where it was used."""
        table, gradient = self.embeddings.value, self.embeddings.gradient
        index = np.empty(0, np.int64)

        def forward(x: Array) -> Array:
            nonlocal index
            index = np.clip(x, 0, self.input_dim - 1).astype(np.int64)
            return table[index]

        def backward(dy: Array) -> Array:
            if self.trainable:
                gradient.fill(0)
                np.add.at(gradient, index, dy)
            return np.zeros(shape, setting.dtype)

        return Pass(forward, backward)

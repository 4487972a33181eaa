"""Layers of their own for some columns of the input, put side by side again."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Required, TypedDict

import numpy as np

from service.nn import randomness
from service.nn.arguments import ArgumentError, Doc, Of, Range
from service.nn.layers.layer import REGISTRY, Array, Clock, Layer, Pass, Setting, Shape, require_width
from service.nn.registry import snake_case
from service.nn.variable import Variable


class Transformer(TypedDict, total=False):
    """A group of columns and the layers that it goes through; without layers the columns stay as they are."""

    columns: Required[
        Annotated[list[Annotated[int, Range(minimum=0)]], Doc("Places of the columns, from 0; groups may share some.")]
    ]
    layers: Annotated[list[Annotated[Any, Of("layer")]], Doc("Layers that the columns go through, in their order.")]


# Places of inner layers, whose random numbers differ from those of all layers outside and of each other.
_INNER = 1 << 20


@dataclass
class _Part:
    """Some columns, the layers that they go through one after the other, and where their outputs stand."""

    columns: list[int]
    layers: list[Layer]
    place: slice = field(default_factory=lambda: slice(0, 0))


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class ColumnTransformer(Layer):
    """Gives each group of columns to layers of its own and puts their outputs side by side, as scikit-learn's does.

    `transformers` are objects with `columns` (places from 0; groups may share some) and `layers`; a group without
    layers passes on as it is, and so do, behind the others, columns of no group, unless `remainder` is "drop". What
    has more than one axis is flattened. So embeddings of numbers and of categories stand beside one-hot columns.
    """

    in_keras = False

    transformers: list[Transformer]
    remainder: Literal["passthrough", "drop"] = "passthrough"

    def __post_init__(self) -> None:
        super().__post_init__()
        given: Any = self.transformers
        if not isinstance(given, list | tuple) or not given:
            raise ArgumentError(
                "transformers", "a list of at least one object with columns and layers", self.transformers
            )
        made = [_made(place, given) for place, given in enumerate(self.transformers)]
        self.transformers = [{"columns": part.columns, "layers": part.layers} for part in made]
        self._parts = made
        self._name_inner()

    @property
    def inner_layers(self) -> list[Layer]:
        """The layers of all groups, in their order."""
        return [layer for part in self._parts for layer in part.layers]

    @property
    def parts(self) -> list[tuple[list[int], list[Layer]]]:
        """The columns and layers of each group, after `build` with those of the remainder."""
        return [(part.columns, part.layers) for part in self._parts]

    def _name_inner(self) -> None:
        taken: set[str] = set()
        for layer in self.inner_layers:
            base = layer.name or snake_case(type(layer).__name__)
            name, number = base, 0
            while name in taken:
                number += 1
                name = f"{base}_{number}"
            if layer.name is not None and name != layer.name:
                raise ArgumentError("transformers", "layers of different names", layer.name)
            layer.name = name
            taken.add(name)

    def build(self, input_shape: Shape) -> None:
        """Makes the weights of all groups, in their order."""
        self._place(input_shape)
        for number, part in enumerate(self._parts):
            shape: Shape = (input_shape[0], len(part.columns))
            for place, layer in enumerate(part.layers):
                layer.dtype = layer.dtype or self.dtype
                rng = randomness.generator(self._own_seed(), randomness.WEIGHTS, number, place)
                layer.weights_seed = int(rng.integers(2**62))
                layer.build(shape)
                shape = tuple(layer.compute_output_shape(shape))
                for weight in layer.weights:
                    # A group of columns may have groups of its own.
                    own = weight.path.partition("/")[2] if isinstance(layer, ColumnTransformer) else weight.name
                    weight.path = f"{self.name or snake_case(type(self).__name__)}/{layer.name}/{own}"
        self.weights = [weight for layer in self.inner_layers for weight in layer.weights]
        super().build(input_shape)

    def _place(self, input_shape: Shape) -> list[_Part]:
        """The groups and the remainder, with the places of their outputs."""
        width = require_width(self, input_shape)
        if len(input_shape) != 2:
            raise ArgumentError("input_shape", "that of rows of columns", input_shape)
        self._parts = self._parts[: len(self.transformers)]
        named = {column for part in self._parts for column in part.columns}
        if max(named) >= width:
            raise ArgumentError("transformers", f"of columns below {width}, the number of inputs", max(named))
        rest = [column for column in range(width) if column not in named]
        if rest and self.remainder == "passthrough":
            self._parts.append(_Part(rest, []))
        start = 0
        for part in self._parts:
            shape: Shape = (1, len(part.columns))
            for layer in part.layers:
                shape = tuple(layer.compute_output_shape(shape))
            part.place = slice(start, start + int(np.prod(shape[1:])))
            start = part.place.stop
        return self._parts

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """A row of the outputs of all groups."""
        return (input_shape[0], self._place(input_shape)[-1].place.stop)

    def weight_shapes(self, input_shape: Shape) -> list[Shape]:
        """Those of all groups."""
        shapes: list[Shape] = []
        for part in self._place(input_shape):
            shape: Shape = (input_shape[0], len(part.columns))
            for layer in part.layers:
                shapes += layer.weight_shapes(shape)
                shape = tuple(layer.compute_output_shape(shape))
        return shapes

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights of all groups that training changes."""
        inner = [weight for layer in self.inner_layers for weight in layer.trainable_weights]
        return inner if self.trainable else []

    @property
    def rows_are_independent(self) -> bool:  # type: ignore[override]
        """Whether they are in all groups."""
        return all(layer.rows_are_independent and layer.penalty is None for layer in self.inner_layers)

    @property
    def initializes_from_data(self) -> bool:
        """Whether a layer of a group wants to see rows."""
        return any(layer.initializes_from_data for layer in self.inner_layers)

    def initialize_from(self, x: Array, y: Array) -> None:
        """Lets the layers of each group see their inputs."""
        setting = Setting(training=False, dtype=x.dtype, clock=Clock(0))
        for part in self._parts:
            seen = np.ascontiguousarray(x[:, part.columns])
            for layer in part.layers:
                layer.initialize_from(seen, y)
                seen = layer.connect(seen.shape, setting).forward(seen).copy()

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx is the sum over the groups of what comes back through each."""
        rows, total = shape[0], self._place(shape)[-1].place.stop
        y, dx = np.empty((rows, total), setting.dtype), np.empty(shape, setting.dtype)
        chains = [_connect(part, number, rows, setting) for number, part in enumerate(self._parts)]
        needs_dx = setting.needs_input_gradient

        def forward(x: Array) -> Array:
            for part, (chain, _) in zip(self._parts, chains, strict=True):
                np.copyto(y[:, part.place], chain(x))
            return y

        def backward(dy: Array) -> Array:
            dx.fill(0)
            for part, (_, chain) in zip(self._parts, chains, strict=True):
                found = chain(np.ascontiguousarray(dy[:, part.place]))
                if needs_dx:
                    dx[:, part.columns] += found
            return dx

        return Pass(forward, backward)


Chain = tuple[Callable[[Array], Array], Callable[[Array], Array]]


def _connect(part: _Part, number: int, rows: int, setting: Setting) -> Chain:
    """Forward of all columns to the outputs of one group, and backward to its columns."""
    shape: Shape = (rows, len(part.columns))
    taken, passes, learns, stops = np.empty(shape, setting.dtype), [], setting.needs_input_gradient, 0
    for place, layer in enumerate(part.layers):
        index = _INNER * (1 + setting.index) + (number << 10) + place
        inner = dataclasses.replace(
            setting, index=index, needs_input_gradient=learns, fused=False, takes_ones=False, gives_ones=False
        )
        passes.append(layer.connect(shape, inner))
        shape = tuple(layer.compute_output_shape(shape))
        stops = stops if learns else place
        learns = learns or bool(layer.trainable_weights)
    backwards = [made.backward for made in reversed(passes[stops:])] if learns else []

    def forward(x: Array) -> Array:
        out = np.take(x, part.columns, axis=1, out=taken, mode="clip")
        for made in passes:
            out = made.forward(out)
        return out.reshape(rows, -1)

    def backward(dy: Array) -> Array:
        dy = dy.reshape(shape)
        for step in backwards:
            dy = step(dy)
        return dy

    return forward, backward


def _made(place: int, given: Any) -> _Part:
    """The group of columns that an object describes; `ArgumentError` says what is wrong with it."""
    if not isinstance(given, Mapping) or not set(given) <= {"columns", "layers"}:
        raise ArgumentError("transformers", "a list of objects with columns and layers", given)
    columns, inner = given.get("columns"), given.get("layers", [])
    whole = isinstance(columns, list | tuple) and all(type(one) is int and one >= 0 for one in columns)
    if not whole or not columns or len(set(columns)) < len(columns):
        raise ArgumentError("transformers", f"a list of different columns, from 0, in group {place}", columns)
    if not isinstance(inner, list | tuple):
        raise ArgumentError("transformers", f"a list of layers in group {place}", inner)
    made = [layer if isinstance(layer, Layer) else REGISTRY.get(layer) for layer in inner]
    return _Part(list(columns), made)

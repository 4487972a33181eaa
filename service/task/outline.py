"""The outline of a network: its layers, their output shapes, and the number of their weights."""

from dataclasses import dataclass
from typing import Any

from service.nn import layers

Shape = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A network's layers without the input, their places in the spec, and their output shapes."""

    layers: list[layers.Layer]
    places: list[int]
    shapes: list[Shape]
    parameters: int
    """The number of parameters."""
    is_built: bool

    @property
    def units(self) -> int:
        """The number of outputs for each row."""
        return int(self.shapes[-1][-1])

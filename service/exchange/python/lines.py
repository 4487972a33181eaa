"""The body of a script's `predict` in the making."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.nn import activations, layers


class ScriptLines:
    """The lines of a script's `predict`, and the functions that they call."""

    def __init__(self, columns: int, words: Mapping[type[layers.Layer], Callable[["ScriptLines", Any], None]]) -> None:
        self._words = words
        self.lines: list[str] = []
        self.weights: dict[str, Any] = {}
        self.functions: list[Any] = []
        self.shape: tuple[Any, ...] = (None, columns)
        self.place = ""

    def write(self, place: str, layer: layers.Layer) -> None:
        """The lines of a layer, whose weights are stored under this place; `KeyError` if there are no words for it."""
        write, shape = self._words[type(layer)], tuple(layer.compute_output_shape(self.shape))
        self.place = place
        write(self, layer)
        self.shape = shape
        if not isinstance(layer, layers.ColumnTransformer):  # whose layers have written theirs
            self.weights |= {f"{place}_{weight.name}": weight.value for weight in layer.weights}

    def say(self, expression: str) -> None:
        """One more line: x becomes this."""
        self.lines.append(f"x = {expression}")

    def call(self, function: Any, *arguments: str) -> None:
        """One more line: x becomes what this function makes of it."""
        self.functions.append(function)
        self.say(f"{function.__name__}({', '.join(('x', *arguments))})")

    def weight(self, name: str, broad: Sequence[int] | None = None) -> str:
        """The expression for a weight of the layer at hand, as it goes with rows."""
        stored = f'WEIGHTS["{self.place}_{name}"]'
        if broad is None or all(size == 1 for size in broad[:-1]):
            return stored
        return f"{stored}.reshape({tuple(broad)})"

    def axes(self, axis: Any) -> tuple[int, ...]:
        """Axes counted from the front, in order."""
        given = [axis] if isinstance(axis, int) else list(axis)
        return tuple(sorted(one % len(self.shape) for one in given))

    def broad(self, axis: Any) -> list[int]:
        """The shape of a row in which only these axes are wider than 1."""
        kept = self.axes(axis)
        return [size if place in kept else 1 for place, size in enumerate(self.shape)]


def call_activation(script: ScriptLines, name: Any) -> None:
    """The line of an activation, none if it changes nothing."""
    function = activations.REGISTRY.get(name)
    if function is not activations.linear:
        script.call(function)

"""What an activation is: a function of an array, with its gradient written directly below it."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from service.nn import registry
from service.nn.arguments import ArgumentError
from service.nn.meaning import Interval, Outputs

Array = np.ndarray[Any, Any]


class InPlace(NamedTuple):
    """A fast form over fixed memory.

    `forward(x)` may overwrite x with its result; `backward(dy, y)` may overwrite dy with the gradient to x.
    """

    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array], Array]


# The fast form for arrays of a shape and type; None where there is none for the type.
Form = Callable[..., InPlace | None]
F = TypeVar("F", bound=Form)
# Gradient to x, from the gradient `dy` to the output, the input `x` and the output `y`.
Gradient = Callable[..., Array]


class Activation:
    """A named function of an array; `gradient` is its derivative, `connect` its form for training loops.

    `outputs` says what its outputs mean, and `output_range` their minimum and maximum where the meaning does not. With
    `can_die` a unit may get stuck at the same output for every row, where no gradient leads back.
    """

    def __init__(
        self,
        value: Callable[..., Array],
        *,
        output_range: Interval | None = None,
        outputs: Outputs = Outputs.NUMBERS,
        can_die: bool = False,
    ) -> None:
        functools.update_wrapper(self, value)
        self.outputs, self.can_die = outputs, can_die
        self.output_range = outputs.range if output_range is None else output_range
        self.name = value.__name__
        self._value = value
        self._gradient: Gradient | None = None
        self._in_place: Form | None = None
        self._formed: frozenset[str] = frozenset()

    def __call__(self, x: Any, *args: Any, **arguments: Any) -> Any:
        return self._value(np.asarray(x), *args, **arguments)

    def __repr__(self) -> str:
        return f"<activation {self.name}>"

    def derivative(self, gradient: Gradient) -> Gradient:
        """Decorator: `gradient` is the derivative of this activation."""
        self._gradient = gradient
        return gradient

    def in_place(self, form: F) -> F:
        """Decorator: `form(shape, dtype)` is the fast form; of other arguments it takes those in its signature."""
        self._in_place = form
        self._formed = frozenset(inspect.signature(form).parameters)
        return form

    def gradient(self, dy: Array, x: Array, y: Array, **arguments: Any) -> Array:
        """Gradient to x, where y = self(x) and dy is the gradient to y; shape of x."""
        assert self._gradient is not None
        return self._gradient(dy, x, y, **arguments)

    def connect(self, shape: tuple[int, ...], dtype: Any, **arguments: Any) -> InPlace:
        """Forward and backward for arrays of one shape; both may overwrite what they are given."""
        form = self._in_place(shape, dtype, **arguments) if self._in_place and self._formed >= set(arguments) else None
        if form is not None:
            return form
        saved: list[Array] = []

        def forward(x: Array) -> Array:
            saved[:] = [x]
            return self(x, **arguments)

        def backward(dy: Array, y: Array) -> Array:
            return self.gradient(dy, saved[0], y, **arguments)

        return InPlace(forward, backward)


class ActivationRegistry:
    """The known activations by name."""

    kind = "activation"

    def __init__(self) -> None:
        self._by_name: dict[str, Activation] = {}

    def register(
        self,
        *aliases: str,
        output_range: Interval | None = None,
        outputs: Outputs = Outputs.NUMBERS,
        can_die: bool = False,
    ) -> Callable[[Callable[..., Array]], Activation]:
        """Decorator: turns a function into the activation of its name, with the facts that `Activation` lists."""

        def decorate(value: Callable[..., Array]) -> Activation:
            made = Activation(value, output_range=output_range, outputs=outputs, can_die=can_die)
            for name in (made.name, *aliases):
                self._by_name[name] = made
            return made

        return decorate

    def names(self) -> list[str]:
        """Every text that `get` accepts."""
        return sorted(self._by_name)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, identifier: Any) -> Activation:
        """The activation of a name; None is `linear`; `{"class_name": "relu"}` is a name, too."""
        if identifier is None:
            return self._by_name["linear"]
        if isinstance(identifier, Activation) and identifier.name in self._by_name:
            return identifier
        if isinstance(identifier, Mapping):
            name = identifier.get("class_name", identifier.get("config"))
            if name == "function":
                name = identifier.get("config")
            return self.get(name if isinstance(name, str) else str(name))
        if not isinstance(identifier, str):
            raise ArgumentError("activation", "the name of an activation", identifier)
        if identifier not in self._by_name:
            raise registry.UnknownNameError(self.kind, identifier, self.names())
        return self._by_name[identifier]


REGISTRY = ActivationRegistry()

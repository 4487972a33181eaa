"""Every argument of a layer, optimizer, loss or metric is checked against its annotation when the object is made."""

import dataclasses
import functools
import math
import numbers
import types
import typing
from collections.abc import Hashable, Mapping
from typing import Any, cast

from service.nn.glossary import MEANINGS


class ArgumentError(ValueError):
    """An argument has a wrong value: `argument` is its name, and the message says what was expected and received."""

    def __init__(self, argument: str, expected: str, received: object) -> None:
        super().__init__(f"{argument} must be {expected}; received {describe(received)}.")
        self.argument = argument
        self.expected = expected


class WrongTypeError(ArgumentError, TypeError):
    """An argument has a value of a wrong type."""


@dataclasses.dataclass(frozen=True)
class Range:
    """Bounds of a number: `minimum` and `maximum` belong to the range, `above` and `below` do not."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        bounds = [
            (">=", self.minimum),
            (">", self.above),
            ("<=", self.maximum),
            ("<", self.below),
        ]
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


@dataclasses.dataclass(frozen=True)
class Of:
    """Marks an argument that names an entry of a registry, such as `Of("initializer")`."""

    kind: str


@dataclasses.dataclass(frozen=True)
class Doc:
    """The meaning of an argument, in one sentence, next to its type: `Annotated[int, Doc("Number of outputs.")]`."""

    text: str

    def __str__(self) -> str:
        return self.text


def meaning(cls: type[object], argument: str) -> str:
    """Returns the meaning of an argument: its own `Doc`, else the entry of the glossary, else an empty text."""
    own = [item for item in getattr(hints(cast(Hashable, cls))[argument], "__metadata__", ()) if isinstance(item, Doc)]
    if own:
        return own[0].text
    words = (f"{parent.__name__}.{argument}" for parent in cls.__mro__)
    return next((MEANINGS[word] for word in words if word in MEANINGS), None) or MEANINGS.get(argument, "")


def describe(value: object) -> str:
    """Returns a short text for an error message, which shows at most a line of the value."""
    if isinstance(value, str | int | float | bool | type(None)):
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "..."
    if isinstance(value, list | tuple) and len(value) <= 4 and all(isinstance(item, int | float) for item in value):
        return repr(value)
    return f"a value of type {type(value).__name__}"


@functools.cache
def hints(cls: type[object]) -> Mapping[str, Any]:
    """The annotations of a class and its parents, with their `Annotated` metadata."""
    return typing.get_type_hints(cls, include_extras=True)


def check_fields(instance: Any) -> None:
    """Raises `ArgumentError` unless every dataclass field of `instance` fits its annotation.

    Whole numbers are accepted for floats and stored as floats, NumPy scalars become Python's.
    """
    annotations = hints(cast(Hashable, type(instance)))
    for field in dataclasses.fields(instance):
        if field.init:
            value = getattr(instance, field.name)
            checked = _checked(field.name, annotations[field.name], value)
            if checked is not value:
                object.__setattr__(instance, field.name, checked)


def _checked(name: str, hint: Any, value: Any) -> Any:
    bounds: Range | None = None
    if typing.get_origin(hint) is typing.Annotated:
        hint, *metadata = typing.get_args(hint)
        if any(isinstance(item, Of) for item in metadata):
            return value
        bounds = next((item for item in metadata if isinstance(item, Range)), None)
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if value is None and type(None) in options:
        return None
    for option in options:
        if typing.get_origin(option) is typing.Annotated:
            return _checked(name, option, value)
        accepted, converted = _fits(option, value)
        if accepted:
            if bounds is not None and (not math.isfinite(converted) or converted not in bounds):
                raise ArgumentError(name, f"{_words(options)} {bounds}", value)
            return converted
    expected = _words(options)
    raise WrongTypeError(name, f"{expected} {bounds}" if bounds else expected, value)


def _fits(option: Any, value: Any) -> tuple[bool, Any]:
    if option is Any or not isinstance(option, type):
        if typing.get_origin(option) is typing.Literal:
            return value in typing.get_args(option), value
        return True, value
    if option is bool:
        return isinstance(value, bool), value
    if option is int:
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        return whole, int(value) if whole else value
    if option is float:
        real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        return real, float(value) if real else value
    return isinstance(value, option), value


def _words(options: tuple[Any, ...]) -> str:
    words = {int: "an integer", float: "a number", bool: "true or false", str: "a text", type(None): "null"}
    texts = []
    for option in options:
        if typing.get_origin(option) is typing.Literal:
            texts += [repr(choice) for choice in typing.get_args(option)]
        else:
            texts.append(words.get(option) or str(getattr(option, "__name__", option)))
    return " or ".join(texts)

"""Normalizes the accepted spellings of layers, optimizers, losses and the like to one form."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from service.formats.arrays import kind_of
from service.nn import (
    activations,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from service.nn.arguments import ArgumentError
from service.nn.keras_form import understood
from service.nn.registry import split_config
from service.nn.suggestions import hint
from service.spec.keras_2 import in_words_of_keras_3

REGISTRIES: Mapping[str, Any] = {
    "activation": activations.REGISTRY,
    "callback": callbacks.REGISTRY,
    "constraint": constraints.REGISTRY,
    "initializer": initializers.REGISTRY,
    "layer": layers.REGISTRY,
    "loss": losses.REGISTRY,
    "metric": metrics.REGISTRY,
    "optimizer": optimizers.REGISTRY,
    "regularizer": regularizers.REGISTRY,
    "learning rate schedule": optimizers.schedules.REGISTRY,
}
"""The registry of each kind of thing that a spec names."""

BY_SHAPE: Mapping[str, tuple[str, ...]] = {
    "loss": ("crossentropy", "ce"),
    "metric": tuple(metrics.BY_SHAPE),
}
"""Names beyond the registries: what they mean follows from the shapes of outputs and targets."""

_KERAS = ("keras", "tf_keras", "tensorflow", "builtins")
_BY_CLASS = ("callback", "layer", "learning rate schedule")


def normalized(kind: str, value: Any, *, number: bool = False) -> Any:
    """A name as it is, an object as `{"class_name": ..., arguments}`; PydanticCustomError for anything else."""
    if number and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if kind == "activation" and isinstance(value, Mapping):
        value = value.get("class_name") if value.get("class_name") != "function" else value.get("config")
    if isinstance(value, str) and not number:
        _check_name(kind, value)
        return value
    if not isinstance(value, Mapping):
        way = "a number" if number else f"the name of {_a(kind)}"
        raise refusal("wrong_type", f"Expected {way}, or an object with class_name; received {kind_of(value)}.")
    value = in_words_of_keras_3(kind, value)
    class_name = _class_name(kind, value)
    _, arguments = split_config(kind, value)
    if "config" in value:
        arguments = understood(REGISTRIES[kind].classes()[class_name], arguments)
    return {**arguments, "class_name": class_name}


def refusal(code: str, detail: str, at: str | None = None) -> PydanticCustomError:
    """A pydantic error with our own code and text; `at` is the key inside the value that it is about."""
    context = {"detail": detail} if at is None else {"detail": detail, "at": at}
    return PydanticCustomError(code, "{detail}", context)


def _check_name(kind: str, name: str) -> None:
    registry = REGISTRIES[kind]
    if name in BY_SHAPE.get(kind, ()):
        return
    if name not in registry:
        raise _unknown(kind, name)
    if kind != "activation":
        cls = registry.class_of(name)
        needed = [field.name for field in dataclasses.fields(cls) if field.init and default_of(field) is ...]
        if needed:
            form = f'{{"class_name": "{cls.__name__}", "{needed[0]}": ...}}'
            raise refusal("missing", f"{cls.__name__} cannot go without {', '.join(needed)}. Write {form}.")
        try:
            registry.get(name)
        except ArgumentError as error:
            raise refusal("missing", str(error)) from None


def _class_name(kind: str, value: Mapping[str, Any]) -> str:
    registry = REGISTRIES[kind]
    name, config = value.get("class_name"), value.get("config", {})
    if not isinstance(name, str):
        raise refusal("missing", f"Expected class_name, the name of {_a(kind)}.", "class_name")
    if not isinstance(config, Mapping):
        raise refusal("wrong_type", f"Expected an object of arguments; received {kind_of(config)}.", "config")
    module, registered = value.get("module"), value.get("registered_name")
    if str(module or "keras").split(".")[0] not in _KERAS or registered not in (None, name):
        raise refusal("custom_object", f"Expected one of Keras's own classes; this {kind} is custom code.", "module")
    if name in registry.classes():
        return name
    if name in registry:
        return str(registry.class_of(name).__name__)
    raise _unknown(kind, name, "class_name")


def _unknown(kind: str, name: str, at: str | None = None) -> PydanticCustomError:
    name = name[:60]
    everything = [*REGISTRIES[kind].names(), *BY_SHAPE.get(kind, ())]
    classes = [] if kind == "activation" else list(REGISTRIES[kind].classes())
    short = sorted(set(everything) - set(classes))
    shown = sorted(classes) if at or kind in _BY_CLASS else short
    said = f"{name!r} is not the name of {_a(kind)}.{hint(name, shown) or hint(name, everything)}"
    return refusal("unknown_name", f"{said} Known: {', '.join(shown)}.", at)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def default_of(field: dataclasses.Field[Any]) -> Any:
    """The default of an argument, `...` where it has none."""
    if field.default is not dataclasses.MISSING:
        return field.default
    return ... if field.default_factory is dataclasses.MISSING else field.default_factory()

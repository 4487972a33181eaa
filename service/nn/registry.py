"""One table for each kind of thing that a spec can name, such as layers, optimizers or losses."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

from service.nn import arguments
from service.nn.keras_form import understood
from service.nn.suggestions import closest

T = TypeVar("T")


class UnknownNameError(ValueError):
    """A name is in no registry of its kind; `known` are the names that are, `close` those that look alike."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        self.kind, self.known = kind, known
        self.close = closest(name, known, n=3)
        hint = f" Did you mean {' or '.join(map(repr, self.close))}?" if self.close else ""
        article = "an" if kind[0] in "aeiou" else "a"
        super().__init__(f"{name[:40]!r} is not the name of {article} {kind}.{hint} Known: {', '.join(known)}.")


class Configurable:
    """An object whose dataclass fields are its configuration, so that configs are written and read in one place.

    `in_keras` says whether Keras has a class of this name and meaning.
    """

    in_keras: ClassVar[bool] = True

    def __post_init__(self) -> None:
        arguments.check_fields(self)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object, as JSON-ready values.

        An argument that Keras does not know is left out while it has its default, so that Keras reads the rest.
        """
        values = {field: getattr(self, field.name) for field in config_fields(type(self))}
        return {field.name: serialize(value) for field, value in values.items() if _is_told(field, value)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The object that `get_config` described; an unknown key is an `ArgumentError` that lists the known ones."""
        known = [field.name for field in dataclasses.fields(cls) if field.init]  # type: ignore[arg-type]
        for key in config:
            if key not in known:
                close = closest(key, known)
                hint = f" (did you mean {close[0]!r}?)" if close else ""
                raise arguments.ArgumentError(key, f"one of the arguments {', '.join(known)}{hint}", key)
        return cls(**config)


BEYOND_KERAS = {"beyond_keras": True}
"""The metadata of a field that is no argument of the class in Keras."""


def _is_told(field: dataclasses.Field[Any], value: Any) -> bool:
    return not field.metadata.get("beyond_keras") or value != field.default


def config_fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    """The fields of a class that belong to its configuration."""
    fields = dataclasses.fields(cls)
    return tuple(field for field in fields if field.init and field.metadata.get("config", True))


def serialize(value: Any) -> Any:
    """JSON-ready form of an argument; an object becomes Keras's `module, class_name, config, registered_name`."""
    if isinstance(value, Configurable):
        module = getattr(type(value), "keras_module", "keras")
        config = value.get_config()
        return {
            "module": module,
            "class_name": type(value).__name__,
            "config": config,
            "registered_name": None,
        }
    if isinstance(value, list | tuple):
        return [serialize(item) for item in value]
    if isinstance(value, Mapping):
        return {key: serialize(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    if callable(value):
        return getattr(value, "__name__", str(value))
    return value


def snake_case(name: str) -> str:
    """`GlorotUniform` -> `glorot_uniform`, as Keras derives names from classes."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class Registry(Generic[T]):
    """The known classes of one kind, by every name that Keras accepts for them."""

    def __init__(self, kind: str, *, ignore_case: bool = False) -> None:
        self.kind = kind
        self._ignore_case = ignore_case
        self._classes: dict[str, type[T]] = {}
        self._by_name: dict[str, type[T]] = {}

    def register(self, *aliases: str, by_name: bool = True) -> Callable[[type[T]], type[T]]:
        """Class decorator: reachable by class name, by snake_case name and by `aliases`."""

        def decorate(cls: type[T]) -> type[T]:
            self._classes[cls.__name__] = cls
            names = [cls.__name__, snake_case(cls.__name__), *aliases] if by_name else aliases
            for name in names:
                self._by_name[self._key(name)] = cls
            return cls

        return decorate

    def classes(self) -> dict[str, type[T]]:
        """Every class by its class name."""
        return dict(self._classes)

    def names(self) -> list[str]:
        """Every text that `get` accepts."""
        return sorted(self._by_name)

    def __iter__(self) -> Iterator[type[T]]:
        return iter(self._classes.values())

    def __contains__(self, name: str) -> bool:
        return self._key(name) in self._by_name

    def class_of(self, name: str) -> type[T]:
        """The class with this class name or alias; `UnknownNameError` lists the known ones."""
        if name in self._classes:
            return self._classes[name]
        try:
            return self._by_name[self._key(name)]
        except KeyError:
            raise UnknownNameError(self.kind, name, self.names()) from None

    def get(self, identifier: Any) -> T:
        """An object from its name, from `{"class_name": ..., arguments}`, or the object itself."""
        if isinstance(identifier, str):
            return self.class_of(identifier)()
        if isinstance(identifier, Mapping):
            name, config = split_config(self.kind, identifier)
            cls: Any = self.class_of(name)
            return cls.from_config(understood(cls, config) if "config" in identifier else config)
        for cls in self._classes.values():
            if isinstance(identifier, cls):
                return identifier
            if identifier is cls:
                return cls()
        raise arguments.ArgumentError(self.kind, f"the name or configuration of one ({self.kind})", identifier)

    def _key(self, name: str) -> str:
        return name.lower() if self._ignore_case else name


def split_config(kind: str, identifier: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Returns class name and arguments of an object, which stand next to `class_name` or, as in Keras, in `config`."""
    rest = {key: value for key, value in identifier.items() if key not in KERAS_KEYS}
    name = identifier.get("class_name")
    if not isinstance(name, str):
        raise arguments.ArgumentError("class_name", f"the name of a registered {kind}", name)
    config = identifier.get("config")
    if config is None:
        return name, rest
    if not isinstance(config, Mapping):
        raise arguments.ArgumentError("config", "an object of arguments", config)
    return name, {**config, **rest}


KERAS_KEYS = frozenset(
    {
        "class_name",
        "config",
        "module",
        "registered_name",
        "build_config",
        "compile_config",
        "shared_object_id",
    }
)

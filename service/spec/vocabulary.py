"""The vocabulary of requests: pydantic types derived from the signatures of `service.nn`.

Every class in a registry of `nn` becomes a pydantic model with the class's own arguments, bounds and defaults, so
that a new layer or optimizer is validated and documented by being registered. A thing is written in one of three
ways that mean the same:

    "adam"                                                      its name
    {"class_name": "Adam", "learning_rate": 0.01}               its class with arguments
    {"class_name": "Adam", "config": {"learning_rate": 0.01}}   the same as Keras writes it

Keras's further keys (`module`, `registered_name`, `build_config`) may stand next to `config`.
"""

import dataclasses
import functools
import inspect
import math
import types
from collections.abc import Mapping, Sequence
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Required,
    Self,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    Tag,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from service.nn.arguments import ArgumentError, Doc, Of, Range, hints, meaning
from service.spec.spelling import BY_SHAPE, REGISTRIES, default_of, normalized, refusal

_OWN: Mapping[str, Any] = {"dtype": Literal["float32"] | None}
_NAME, _NUMBER = "<name>", "<number>"


class Thing(BaseModel):
    """A thing with its class name and arguments; subclasses are made from the classes of `nn`."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    made_from: ClassVar[Any]

    class_name: str

    def make(self) -> Any:
        """The thing itself, a new object of `nn`."""
        return self.made_from.from_config(self.arguments())

    def arguments(self) -> dict[str, Any]:
        """The arguments that were given, ready for `from_config`."""
        given = self.model_dump(exclude_unset=True)
        return {key: value for key, value in given.items() if key != "class_name"}

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Makes the object, so that its class checks what the bounds of single arguments do not cover."""
        try:
            if not _is_finite(self.arguments()):
                raise refusal("not_finite", "Expected finite numbers only.")
            self.make()
        except ArgumentError as error:
            raise refusal("out_of_range", str(error), error.argument) from None
        except PydanticCustomError:
            raise
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise refusal("invalid", f"These arguments do not make a {self.class_name}.") from None
        return self


MODELS: dict[str, type[Thing]] = {}
"""Every model made so far, by the tag that marks it in the location of a pydantic error."""


def tag_of(kind: str, class_name: str) -> str:
    """The tag of a class, which no key of a request can be."""
    return f"<{kind} {class_name}>"


@functools.cache
def reference(kind: str, *, number: bool = False) -> Any:
    """Returns the pydantic type for any spelling of this kind; `number` allows a plain number, too."""
    registry = REGISTRIES[kind]
    names = [*registry.names(), *BY_SHAPE.get(kind, ())]
    choices: list[Any] = [Annotated[str, WithJsonSchema({"type": "string", "enum": names}), Tag(_NAME)]]
    if number:
        choices.append(Annotated[float, Tag(_NUMBER)])
    if kind != "activation":
        choices += [Annotated[model_of(kind, cls), Tag(tag_of(kind, cls.__name__))] for cls in registry]
    union: Any = Union[tuple(choices)]  # noqa: UP007

    def normalize(value: Any) -> Any:
        return value if isinstance(value, Thing) else normalized(kind, value, number=number)

    def find_tag(value: Any) -> str:
        return _find_tag(kind, value)

    return Annotated[union, Discriminator(find_tag), BeforeValidator(normalize)]


@dataclasses.dataclass(frozen=True)
class Named:
    """Marks a field of a pydantic model as a thing of this kind, in any of its spellings."""

    kind: str

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(reference(self.kind))


@functools.cache
def model_of(kind: str, cls: type) -> type[Thing]:
    """The pydantic model of a class of `nn`: the same arguments, bounds and defaults."""
    annotations = hints(cls)
    arguments: dict[str, Any] = {
        field.name: (_type_of(annotations[field.name]), Field(default_of(field), description=meaning(cls, field.name)))
        for field in sorted(dataclasses.fields(cls), key=lambda field: field.kw_only is True)
        if field.init
    }
    arguments |= {name: (annotation, arguments[name][1]) for name, annotation in _OWN.items() if name in arguments}
    class_name: Any = Literal[cls.__name__]
    made = create_model(
        cls.__name__ if cls.__name__.lower().endswith(kind) else cls.__name__ + kind.rsplit(maxsplit=1)[-1].title(),
        __base__=Thing,
        __module__=__name__,
        __doc__=inspect.getdoc(cls),
        class_name=(class_name, ...),
        **arguments,
    )
    made.made_from = cls
    MODELS[tag_of(kind, cls.__name__)] = made
    return made


def made(kind: str, value: Any) -> Any:
    """The object of `nn` that a validated name, number or thing stands for."""
    return value.make() if isinstance(value, Thing) else REGISTRIES[kind].get(value)


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    return all(map(_is_finite, value)) if isinstance(value, list) else True


def _find_tag(kind: str, value: Any) -> str:
    if isinstance(value, str):
        return _NAME
    if isinstance(value, int | float):
        return _NUMBER
    return tag_of(kind, value["class_name"] if isinstance(value, Mapping) else value.class_name)


def _type_of(hint: Any) -> Any:
    """The pydantic type of an annotation in `nn`."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *metadata = get_args(hint)
        named = [item.kind for item in metadata if isinstance(item, Of)]
        if named == ["learning_rate"]:
            return reference("learning rate schedule", number=True)
        if named:
            return reference(named[0]) | None
        bounds = next((item for item in metadata if isinstance(item, Range)), None)
        return _type_of(inner) if bounds is None else Annotated[_type_of(inner), _bounds(bounds)]
    if origin in (Union, types.UnionType):
        return Union[tuple(dict.fromkeys(_type_of(option) for option in get_args(hint)))]  # noqa: UP007
    if hint in (tuple, list) or origin in (tuple, list, Sequence):
        item = next(iter(get_args(hint)), Any)
        return list[_record_of(item) if is_typeddict(item) else Any]  # type: ignore[misc]
    return hint


class Record(BaseModel):
    """An object without a class name in a list of them; subclasses are made from the `TypedDict`s of `nn`."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


@functools.cache
def _record_of(cls: Any) -> type[Record]:
    """The pydantic model of a `TypedDict` of lists."""
    fields: dict[str, Any] = {}
    for name, told in get_type_hints(cls, include_extras=True).items():
        hint = get_args(told)[0] if get_origin(told) is Required else told
        listed, *metadata = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        doc = next((item.text for item in metadata if isinstance(item, Doc)), None)
        needed = name in cls.__required_keys__
        field = Field(description=doc) if needed else Field(default_factory=list, description=doc)
        fields[name] = (list[_item_of(*get_args(listed))], field)  # type: ignore[misc]
    return create_model(cls.__name__, __base__=Record, __module__=__name__, __doc__=inspect.getdoc(cls), **fields)


def _item_of(hint: Any) -> Any:
    """The type of the items of a list; things are looked up late, because they may have such lists themselves."""
    kinds = [item.kind for item in get_args(hint)[1:] if isinstance(item, Of)]
    return Annotated[Any, Named(kinds[0])] if kinds else _type_of(hint)


def _bounds(bounds: Range) -> Any:
    return Field(ge=bounds.minimum, le=bounds.maximum, gt=bounds.above, lt=bounds.below)

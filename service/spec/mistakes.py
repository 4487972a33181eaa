"""Turns pydantic's errors into findings, with pointers into the request as it was written."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from service.errors import Findings, pointer
from service.formats.arrays import kind_of
from service.nn.suggestions import hint
from service.spec.networks import NotAStack, stack_of, written_layers
from service.spec.request import MODEL_NAME
from service.spec.vocabulary import MODELS, Thing

_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "int_parsing_size": "an integer",
    "int_type": "an integer",
    "list_type": "a list",
    "mapping_type": "an object",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "none_required": "null",
    "string_type": "a text",
}
_BOUNDS = {
    "greater_than": ("gt", "a number > {}"),
    "greater_than_equal": ("ge", "a number >= {}"),
    "less_than": ("lt", "a number < {}"),
    "less_than_equal": ("le", "a number <= {}"),
    "string_too_long": ("max_length", "a text of length {} or less"),
    "string_too_short": ("min_length", "a text of length {} or more"),
    "too_long": ("max_length", "a list of at most {}"),
    "too_short": ("min_length", "a list of at least {}"),
    "string_pattern_mismatch": ("pattern", "a text that matches {}"),
}
_MOST_LOOKED_AT = 2000
"""This many mistakes are located and described; the others are only counted."""

_LARGEST_INTEGER = 2.0**63
_FORMS = {MODEL_NAME: 'a name of at most 100 letters, digits, ".", "-" and "_", the first a letter or digit'}


class _Place(NamedTuple):
    keys: tuple[str | int, ...]
    value: Any
    model: type[BaseModel]


class _Stack(NamedTuple):
    keys: tuple[str | int, ...]
    origins: list[tuple[str | int, ...]]
    layers: list[Any]


class _Stacks(dict[int, _Stack | None]):
    """The stacks of the networks in one document, by the identity of the network."""


def report(error: ValidationError, document: Any, root: type[BaseModel], findings: Findings) -> None:
    """Notes each mistake that pydantic found in `document`, once, and never a value longer than a word or two."""
    expectations: dict[str, tuple[str, list[str], Any]] = {}
    meanings: dict[str, str] = {}
    places: set[str] = set()
    stacks = _Stacks()
    found = error.errors(include_url=False)
    for one in found[:_MOST_LOOKED_AT]:
        place = _find(document, one["loc"], root, stacks, is_missing=one["type"] == "missing")
        context = one.get("ctx", {})
        at = pointer(*place.keys)
        places.add(at)
        if "detail" in context:
            if "at" in context:
                place = _step_in(place, context["at"], stacks)
            findings.error(pointer(*place.keys), one["type"], context["detail"] + _meaning(place))
        elif one["type"] == "missing":
            findings.error(at, "missing", f"{str(place.keys[-1])!r} is missing.")
        elif one["type"] == "extra_forbidden":
            is_told = findings.total < findings.limit  # suggestions take time to compute
            findings.error(at, "unknown_key", _about_unknown(str(place.keys[-1]), place.model) if is_told else "")
        else:
            code, expected = expectation(one["type"], context, one["msg"])
            expectations.setdefault(at, (code, [], one["input"]))[1].append(expected)
            meanings[at] = _meaning(place)
    inside = {at.rpartition("/")[0] for at in places}
    for at, (code, choices, received) in expectations.items():
        if at in inside:  # one of its forms was recognized, and the mistake is further in; these are the other forms
            continue
        choice = " or ".join(dict.fromkeys(choices))
        if received == "auto" and at.endswith("/units"):
            said = "Only the last layer that has units may leave them to the target with 'auto'"
            findings.error(at, code, f"{said}; expected {choice} here, such as 64.")
            continue
        findings.error(at, code, f"Expected {choice}; received {shown(received)}.{meanings[at]}")
    findings.total += max(0, len(found) - _MOST_LOOKED_AT)


def pointer_in(document: Any, *keys: str | int) -> str:
    """The pointer to a part of a request as it was written: with or without Keras's `config` around arguments."""
    place, stacks = _Place((), document, BaseModel), _Stacks()
    for key in keys:
        place = _step_in(place, key, stacks)
    return pointer(*place.keys)


def shown(value: Any) -> str:
    """A value in a message: numbers and short texts as they are, everything else by its kind."""
    if isinstance(value, bool) or value is None:
        return kind_of(value)
    if value in ([], ""):
        return f"an empty {'text' if value == '' else 'list'}"
    if isinstance(value, float) and abs(value) >= _LARGEST_INTEGER:
        return "a number that is too large"  # as which integers beyond 64 bits are read
    if isinstance(value, int | float) or (isinstance(value, str) and len(value) <= 40):
        return repr(value)[:60]
    return kind_of(value)


def expectation(kind: str, context: Mapping[str, Any], message: str) -> tuple[str, str]:
    """The code of a mistake, and what was expected, of the kind and context that pydantic gives it."""
    if context.get("pattern") in _FORMS:
        return "wrong_form", _FORMS[context["pattern"]]
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        bound = context[key]
        text = f"{bound:g}" if isinstance(bound, int | float) else str(bound)
        return ("out_of_range" if "number" in words else "wrong_form"), words.format(text)
    if kind in ("enum", "literal_error"):
        return "unknown_name", str(context["expected"])
    return ("not_finite" if kind == "finite_number" else "wrong_type"), _EXPECTED.get(kind, message)


def _meaning(place: _Place) -> str:
    """Returns the meaning of the field, as a sentence that ends the message."""
    key = place.keys[-1] if place.keys else None
    fields = place.model.model_fields.items()
    found = [field.description for name, field in fields if key in (name, field.alias) and field.description]
    return f" {key}: {found[0]}" if found else ""


def _about_unknown(key: str, model: type[BaseModel]) -> str:
    known = [field.alias or name for name, field in model.model_fields.items() if name != "class_name"]
    return f"Unknown key.{hint(key, known)} Known: {', '.join(known)}."


def _find(
    document: Any, loc: tuple[int | str, ...], root: type[BaseModel], stacks: _Stacks, *, is_missing: bool
) -> _Place:
    """The place of an error in the document; pydantic's location names union members, too, which are no keys."""
    place = _Place((), document, root)
    for position, key in enumerate(loc):
        if isinstance(key, str) and key in MODELS:
            place = place._replace(model=MODELS[key])
        elif _leads(place, key, stacks) or (is_missing and position == len(loc) - 1):
            place = _step_in(place, key, stacks)._replace(model=_model_of(place.model, key))
    return place


def _leads(place: _Place, key: str | int, stacks: _Stacks) -> bool:
    if _has(place.value, key) or _has(_config(place.value), key):
        return True
    return isinstance(place.value, _Stack) or _stack_at(place, key, stacks) is not None


def _model_of(model: type[BaseModel], key: str | int) -> type[BaseModel]:
    """The model of the part that stands under this key, the same model where the key leads to no other."""
    fields = model.model_fields.items()
    annotations = [field.annotation for name, field in fields if key in (name, field.alias)]
    return next((found for annotation in annotations if (found := _model_in(annotation))), model)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return None if issubclass(annotation, Thing) else annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)


def _step_in(place: _Place, key: str | int, stacks: _Stacks) -> _Place:
    stack = _stack_at(place, key, stacks)
    if stack is not None:
        return place._replace(keys=stack.keys, value=stack)
    if isinstance(place.value, _Stack) and isinstance(key, int) and key < len(place.value.layers):
        return place._replace(keys=place.value.origins[key], value=place.value.layers[key])
    config = _config(place.value)
    if not _has(place.value, key) and config is not None and isinstance(key, str):
        place = place._replace(keys=(*place.keys, "config"), value=config)
    inner = place.value[key] if _has(place.value, key) else None
    return place._replace(keys=(*place.keys, key), value=inner)


def _stack_at(place: _Place, key: str | int, stacks: _Stacks) -> _Stack | None:
    """The layers under this key, if the network there was written in another way than as a list of them in order."""
    if key != "layers" or not isinstance(place.value, Mapping):
        return None
    if id(place.value) not in stacks:
        stacks[id(place.value)] = _stack_in(place)
    return stacks[id(place.value)]


def _stack_in(place: _Place) -> _Stack | None:
    try:
        keys, _ = written_layers(place.value)
        placed = stack_of(place.value)
    except (NotAStack, RecursionError):
        return None
    if "layers" in keys and [one.keys for one in placed] == [(*keys, number) for number in range(len(placed))]:
        return None
    origins = [(*place.keys, *one.keys) for one in placed]
    return _Stack((*place.keys, *keys), origins, [one.written for one in placed])


def _config(value: Any) -> Any:
    return value.get("config") if isinstance(value, Mapping) else None


def _has(value: Any, key: str | int) -> bool:
    if isinstance(value, Mapping):
        return key in value
    return isinstance(value, list) and isinstance(key, int) and key < len(value)

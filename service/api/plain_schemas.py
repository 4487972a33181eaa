"""Schemas as validators of OpenAPI and generators of clients understand them; they allow what they allowed before."""

from collections.abc import Mapping
from typing import Any

from service.nn.registry import snake_case

_NAMES_OF_SCHEMAS = ("properties", "patternProperties", "schemas")
"""Under these keys are names that anybody chose, each with a schema."""

_VALUES = ("const", "default", "enum", "example", "examples")
"""Under these keys are values, and no schemas."""

_TYPES: Mapping[type, str] = {bool: "boolean", float: "number", int: "integer", str: "string"}


def plain(value: Any) -> Any:
    """A document, or a part of it, in which each schema says its types in full and in one way.

    Without defaults of null, which many take for a mistake beside a type that is not; an array has items, an object
    says that it takes anything, and the values of an enum are of one type and no two of them the same name.
    """
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    made = {key: _inner(key, one) for key, one in value.items() if not (key == "default" and one is None)}
    types = made.get("type")
    types = types if isinstance(types, list) else [types]
    if "array" in types:
        made.setdefault("items", {})
    if "object" in types and "properties" not in made:
        made.setdefault("additionalProperties", True)
    return _of_one_type(made) if isinstance(made.get("enum"), list) else made


def _inner(key: str, value: Any) -> Any:
    if key in _NAMES_OF_SCHEMAS and isinstance(value, Mapping):
        return {name: plain(schema) for name, schema in value.items()}
    return value if key in _VALUES else plain(value)


def _of_one_type(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with an enum for each type of values, and one for class names beside other spellings of them."""
    values = list(dict.fromkeys(schema["enum"]))
    spelt = {value for value in values if isinstance(value, str) and value == snake_case(value)}
    groups: dict[tuple[str, bool], list[Any]] = {}
    for value in values:
        is_second = isinstance(value, str) and value not in spelt and bool(spelt)
        groups.setdefault((_TYPES[type(value)], is_second), []).append(value)
    if len(groups) == 1:
        return {**schema, "enum": values}
    rest = {key: schema[key] for key in schema if key not in ("enum", "type")}
    return {**rest, "anyOf": [{"type": name, "enum": some} for (name, _), some in groups.items()]}

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
    if isinstance(made.get("type"), list):
        return plain({**_without(made, "type"), "anyOf": [{"type": name} for name in made["type"]]})
    if made.get("type") == "array":
        made.setdefault("items", {})
    if made.get("type") == "object" and "properties" not in made:
        made.setdefault("additionalProperties", True)
    return _of_one_type(made) if isinstance(made.get("enum"), list) else made


def _inner(key: str, value: Any) -> Any:
    if key in _NAMES_OF_SCHEMAS and isinstance(value, Mapping):
        return {name: plain(schema) for name, schema in value.items()}
    return value if key in _VALUES else plain(value)


def _of_one_type(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with an enum for each type of values, and class names beside other spellings of them as a pattern."""
    values = list(dict.fromkeys(schema["enum"]))
    spelt = {value for value in values if isinstance(value, str) and value == snake_case(value)}
    classes = [value for value in values if isinstance(value, str) and value not in spelt] if spelt else []
    by_type: dict[str, list[Any]] = {}
    for value in values:
        by_type.setdefault(_TYPES[type(value)], []).extend([] if value in classes else [value])
    if len(by_type) == 1 and not classes:
        return {**schema, "enum": values}
    choices: list[Any] = [{"type": name, "enum": some} for name, some in by_type.items()]
    choices += [{"type": "string", "pattern": f"^({'|'.join(classes)})$"}] if classes else []
    return {**_without(schema, "enum", "type"), "anyOf": choices}


def _without(schema: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: schema[key] for key in schema if key not in keys}

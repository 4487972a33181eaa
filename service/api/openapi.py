"""The OpenAPI document: what FastAPI knows of the routes, and what only we know of their bodies."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.api import examples
from service.api.http.problems import Problem
from service.api.plain_schemas import plain
from service.api.protocols.open_inference.refusals import is_of_protocol
from service.spec.spelling import BY_SHAPE, REGISTRIES

_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key, `fitd_...`, which `python -m service keys create` or `POST /v1/keys` makes.",
}
_AUTO = "`auto`, in the last layer that has units: as many as the targets need."

_NAMES = {
    (*registry.names(), *BY_SHAPE.get(kind, ())): f"{kind.title().replace(' ', '')}Name"
    for kind, registry in REGISTRIES.items()
}
"""What the schema of all the names of a kind is called: `OptimizerName`, `LossName` and so on."""

_INITIALIZER = "InitializerName"
_ANSWERS = Path(__file__).with_name("answers.json")


def described(app: FastAPI, *bodies: type[BaseModel]) -> dict[str, Any]:
    """The document; `bodies` are the schemas of raw request bodies, which no route declares."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        license_info=app.license_info,
        servers=[{"url": "/", "description": "Where this document comes from."}],
    )
    document["components"]["securitySchemes"] = {"key": _KEY}
    document["security"] = [{"key": []}, {}]  # on loopback no key is required
    _bring_nulls_back(document)
    _, definitions = models_json_schema(
        [*((body, "validation") for body in bodies), (Problem, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in definitions["$defs"].items():
        schemas.setdefault(name, schema)
    # FastAPI thinks that every path with parameters may answer so; ours say what they answer.
    for path, methods in document["paths"].items():
        for operation in methods.values() if is_of_protocol(path) else ():
            operation["responses"].pop("422", None)
        for operation in methods.values():
            _fill_in(operation.get("parameters", ()))
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    dense = schemas["DenseLayer"]["properties"]
    number = {key: value for key, value in dense["units"].items() if key != "description"}
    dense["units"] = {"anyOf": [number, {"type": "string", "const": "auto"}], "description": _AUTO}
    schemas |= {name: {"type": "string", "enum": list(names)} for names, name in _NAMES.items()}
    shown = {name: _untitled(schemas[name]) for name in sorted(schemas)}
    document["components"]["schemas"] = {
        name: schema if name in _NAMES.values() else _named(schema) for name, schema in shown.items()
    }
    for schema in document["components"]["schemas"].values():
        _tell_defaults(schema)
    made: dict[str, Any] = plain(document)
    _show_answers(made)
    return made


def _show_answers(document: dict[str, Any]) -> None:
    """Puts an example to each status of success: the answer of a real service, of which a test keeps the record."""
    answers = json.loads(_ANSWERS.read_bytes())
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, shown in answers.get(operation["operationId"], {}).items():
                for media_type, example in shown.items():
                    operation["responses"][status]["content"][media_type]["example"] = example


def _bring_nulls_back(document: dict[str, Any]) -> None:
    """Puts the examples as they are written; FastAPI leaves out every null, also those that mark a gap."""
    groups = [group for name, group in vars(examples).items() if name.endswith("_EXAMPLES")]
    for methods in document["paths"].values():
        for operation in methods.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for group in groups:
                    if _without_nulls(group) == content.get("examples"):
                        content["examples"] = group


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _fill_in(parameters: Iterable[dict[str, Any]]) -> None:
    """Gives the page an example to begin with where one may be sent as it is; ids are made anew for each."""
    for parameter in parameters:
        if parameter["in"] == "path" and not parameter["name"].endswith("_id"):
            parameter["example"] = parameter["schema"]["examples"][0]


def _named(schema: Any) -> Any:
    """With a reference wherever all the names of a kind of thing are listed."""
    if isinstance(schema, dict) and tuple(schema.get("enum", ())) in _NAMES:
        rest = {key: schema[key] for key in schema if key not in ("enum", "type")}
        return {**rest, "$ref": f"#/components/schemas/{_NAMES[tuple(schema['enum'])]}"}
    if isinstance(schema, dict):
        return _with_its_default({key: _named(value) for key, value in schema.items()})
    return [_named(item) for item in schema] if isinstance(schema, list) else schema


def _with_its_default(schema: dict[str, Any]) -> dict[str, Any]:
    """Without null where an initializer has a default: clients that write null for what is absent would ask for it."""
    choices, null = schema.get("anyOf", []), {"type": "null"}
    names = [choice.get("$ref") for one in choices for choice in one.get("oneOf", ())]
    if null not in choices or f"#/components/schemas/{_INITIALIZER}" not in names or schema.get("default") is None:
        return schema
    return {**schema, "anyOf": [choice for choice in choices if choice != null]}


def _tell_defaults(schema: Any) -> None:
    """Says in words what a field is if it is not given; of a `default` generators make a field that must be given."""
    if isinstance(schema, list):
        for one in schema:
            _tell_defaults(one)
    elif isinstance(schema, dict):
        for field in schema.get("properties", {}).values():
            default = field.pop("default", None)
            if default not in (None, [], {}) and isinstance(default, str | int | float | list):
                told = json.dumps(default)
                field["description"] = f"{field.get('description', '')} `{told}` if not given.".strip()
        for key, value in schema.items():
            if key not in ("default", "enum", "examples"):
                _tell_defaults(value if key != "properties" else list(value.values()))


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes of names, which say nothing twice."""
    if isinstance(schema, dict):
        return {
            key: _untitled(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))
        }
    return [_untitled(item) for item in schema] if isinstance(schema, list) else schema

"""The documentation pages: OpenAPI, and a browser for it whose files the service brings along."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.api import examples
from service.api.http.pages import Pages, page_headers
from service.api.http.problems import Problem
from service.api.protocols.open_inference.refusals import is_of_protocol

_AUTO = "`auto`, in the last layer that has units: as many as the targets need."

STATIC = Path(__file__).parent / "static"
router = APIRouter(include_in_schema=False)


@router.get("/")
async def root() -> RedirectResponse:
    """Leads a browser to the documentation."""
    return RedirectResponse("/docs")


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The documentation, to read and to try out; works without the internet."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Fitd",
        swagger_js_url="/static/swagger-ui/swagger-ui-bundle.js",
        swagger_css_url="/static/swagger-ui/swagger-ui.css",
        swagger_favicon_url="/static/favicon.svg",
        swagger_ui_parameters={"defaultModelsExpandDepth": 0, "docExpansion": "list", "tryItOutEnabled": True},
    )
    page.headers.update(page_headers(bytes(page.body)))
    return page


def install(app: FastAPI, *bodies: type[BaseModel]) -> None:
    """Serves the pages; `bodies` are the schemas of raw request bodies, which no route declares."""
    app.include_router(router)
    app.mount("/static", Pages(directory=STATIC), name="static")
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_described(app, *bodies))
        return made

    app.openapi = openapi  # type: ignore[method-assign]


def _described(app: FastAPI, *bodies: type[BaseModel]) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        license_info=app.license_info,
    )
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
    dense["units"] = {"anyOf": [number, {"const": "auto"}], "description": _AUTO}
    document["components"]["schemas"] = {name: _untitled(schemas[name]) for name in sorted(schemas)}
    return document


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


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes of names, which say nothing twice."""
    if isinstance(schema, dict):
        return {
            key: _untitled(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))
        }
    return [_untitled(item) for item in schema] if isinstance(schema, list) else schema

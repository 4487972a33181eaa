"""The documentation pages: OpenAPI, and a browser for it whose files the service brings along."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from service.api.openapi import described

STATIC = Path(__file__).parent / "static"
router = APIRouter(include_in_schema=False)


@router.get("/")
async def root() -> RedirectResponse:
    """Leads a browser to the documentation."""
    return RedirectResponse("/docs")


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The documentation, to read and to try out; works without the internet."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Fitd",
        swagger_js_url="/static/swagger-ui/swagger-ui-bundle.js",
        swagger_css_url="/static/swagger-ui/swagger-ui.css",
        swagger_favicon_url="/static/favicon.svg",
        swagger_ui_parameters={"defaultModelsExpandDepth": 0, "docExpansion": "list", "tryItOutEnabled": True},
    )


def install(app: FastAPI, *bodies: type[BaseModel]) -> None:
    """Serves the pages; `bodies` are the schemas of raw request bodies, which no route declares."""
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(described(app, *bodies))
        return made

    app.openapi = openapi  # type: ignore[method-assign]

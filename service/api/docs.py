"""The documentation pages: OpenAPI, and a browser for it whose files the service brings along."""

import functools
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from service.api.http.negotiation import encoded, wanted
from service.api.http.pages import Pages, page_headers
from service.api.openapi import described
from service.formats.jsontext import write_json

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
    content = bytes(page.body).replace(b"<script", b'<script src="/static/key.js"></script>\n    <script', 1)
    return HTMLResponse(content, headers=page_headers(content))


def install(app: FastAPI, *bodies: type[BaseModel]) -> None:
    """Serves the pages; `bodies` are the schemas of raw request bodies, which no route declares."""
    app.include_router(router)
    app.mount("/static", Pages(directory=STATIC), name="static")

    @functools.cache
    def document() -> dict[str, Any]:
        return described(app, *bodies)

    @functools.cache
    def packed(encoding: str | None) -> bytes:
        content = write_json(document())
        return content if encoding is None else encoded(content, encoding)

    @app.get("/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> Response:
        """The document, compressed for callers that ask for it: it is a tenth of its size then."""
        encoding = wanted(request.headers.get("accept-encoding", ""))
        headers = {"Vary": "Accept-Encoding"} | ({} if encoding is None else {"Content-Encoding": encoding})
        return Response(packed(encoding), headers=headers, media_type="application/json")

    app.openapi = document  # type: ignore[method-assign]

"""Model files: any version goes out in a format that other programs read, and comes in from one that they write."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response

from service.api.paths import ModelName, VersionNumber
from service.api.problems import documented
from service.api.state import Shared, State
from service.exchange.exporting import export
from service.formats.weights import digest

router = APIRouter(prefix="/v1/models", tags=["model files"])

Format = Annotated[
    Literal["keras", "safetensors", "json"],
    Query(
        alias="format",
        description="`keras`: a `.keras` file for Keras 3. `safetensors`: the weights alone, as they are stored. "
        "`json`: the network alone, as Keras writes it.",
    ),
]
IfNoneMatch = Annotated[str | None, Header(description="The `ETag` of a file at hand: 304 if it is still the same.")]

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE = {
    "description": "The file, named in `Content-Disposition`; `ETag` is the SHA-256 of its bytes.",
    "content": {
        "application/zip": _BINARY,
        "application/octet-stream": _BINARY,
        "application/json": {"schema": {"type": "object"}},
    },
}
_SAME = {"description": "The file is still the one that `If-None-Match` names."}
_ANSWERS: dict[int | str, dict[str, Any]] = {200: _FILE, 304: _SAME, **documented(404, 422, 503)}


@router.get("/{name:word}/export", response_class=Response, responses=_ANSWERS)
def export_model(
    shared: Shared, name: ModelName, file_format: Format = "keras", if_none_match: IfNoneMatch = None
) -> Response:
    """The model's latest version as a file."""
    return _exported(shared, name, None, file_format, if_none_match)


@router.get("/{name:word}/versions/{number:number}/export", response_class=Response, responses=_ANSWERS)
def export_version(
    shared: Shared,
    name: ModelName,
    number: VersionNumber,
    file_format: Format = "keras",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One version as a file; the same version always gives the same bytes."""
    return _exported(shared, name, number, file_format, if_none_match)


def _exported(shared: State, name: str, number: int | None, file_format: str, known: str | None) -> Response:
    with shared.database.reading() as tx:
        version = tx.models.version(name, number)
        weights = tx.models.weights(version.id)
    file = export(version, weights, file_format)
    etag = f'"{digest(file.content)}"'
    headers = {"ETag": etag, "Content-Disposition": f'attachment; filename="{file.file_name}"'}
    if known is not None and (etag in known or known.strip() == "*"):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(file.content, media_type=file.media_type, headers=headers)

"""Model files: exports a version to formats that other programs read, and imports those that they write."""

import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from service.allowance import expect_much
from service.api.examples import IMPORT_EXAMPLES
from service.api.http.bodies import json_bytes, read_object, whole_body
from service.api.http.conditions import NOT_MODIFIED, Conditional
from service.api.http.paths import ModelName
from service.api.http.problems import UnsupportedMediaType, documented
from service.api.models.verbs import verb
from service.api.models.views import ImportedVersionView
from service.api.serving.version_cache import Which
from service.api.state import Shared
from service.exchange.exporting import export
from service.exchange.importing import ImportRequest, import_file, import_json
from service.exchange.keras.file import read_keras_file
from service.formats.weights import digest
from service.spec.request import MODEL_NAME

router = APIRouter(prefix="/v1/models", tags=["model files"])

Format = Annotated[
    Literal["keras", "onnx", "safetensors", "json", "python"],
    Query(
        alias="format",
        description="`keras`: a `.keras` file for Keras 3. `onnx`: for ONNX runtimes, with any number of rows. "
        "`safetensors`: the weights alone, as they are stored. `json`: the network alone, as Keras writes it. "
        "`python`: a zip with a short script that predicts with NumPy alone, and its weights. Of a version that learnt "
        "from a table, the first two and the script take its columns, and the others tell what was learnt of them.",
    ),
]

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE = {
    "description": "The file, named in `Content-Disposition`; `ETag` is the SHA-256 of its bytes.",
    "content": {
        "application/zip": _BINARY,
        "application/octet-stream": _BINARY,
        "application/json": {"schema": {"type": "object"}},
    },
}
_ANSWERS: dict[int | str, dict[str, Any]] = {200: _FILE, **NOT_MODIFIED, **documented(400, 404, 412, 422, 503)}

_FILE_TYPES = ("application/zip", "application/x-hdf5", "application/octet-stream")
_IMPORTED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            **{media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in _FILE_TYPES},
            "application/json": {
                "schema": {"$ref": "#/components/schemas/ImportRequest"},
                "examples": IMPORT_EXAMPLES,
            },
        },
    }
}
NewName = Annotated[
    str | None,
    Query(alias="model", pattern=MODEL_NAME, description="The model's name; a name is made if there is none."),
]


class Incoming:
    """A body that holds a model, and whether its sender calls it JSON."""

    def __init__(self, content: bytes, *, is_json: bool) -> None:
        self.content = content
        self.is_json = is_json


async def _incoming(request: Request) -> Incoming:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return Incoming(await json_bytes(request), is_json=True)
    if kind not in _FILE_TYPES:
        raise UnsupportedMediaType(f"Expected one of {', '.join(_FILE_TYPES)}, or application/json, as Content-Type.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Expected a body without Content-Encoding; compressed bodies are not read.")
    return Incoming(await whole_body(request), is_json=False)


@router.post(
    ":import",
    status_code=201,
    response_model=ImportedVersionView,
    responses=documented(400, 413, 415, 422, 503),
    openapi_extra=_IMPORTED,
)
def import_model(
    shared: Shared, response: Response, body: Annotated[Incoming, Depends(_incoming)], name: NewName = None
) -> ImportedVersionView:
    """Publishes a version from a file of Keras (`.keras`, or HDF5 of Keras 2 or 3), or from JSON.

    The first bytes of a file say what it is. Nothing in it is executed: custom classes and Lambda layers are refused.
    A Functional model whose layers follow one another, and a network in a network, become one stack of layers.
    `warnings` say which part of the compilation the version does not keep.
    """
    if body.is_json:
        document = read_object(body.content, *ImportRequest.model_fields, required=("spec", "weights"))
        asked, made = import_json(document, shared.settings)
        name = name or asked
    else:
        expect_much()
        made = import_file(read_keras_file(body.content, shared.settings), shared.settings)
    name = name or f"model-{secrets.token_hex(4)}"
    with shared.database.transaction() as tx:
        number = tx.models.add(name, made)
        version = tx.models.version(name, number)
    view = ImportedVersionView.with_warnings(version, made.warnings)
    response.headers["Location"] = view.links.self
    return view


@verb(
    router,
    "GET",
    "/export",
    ("export_model", "export_version", "export_label"),
    response_class=Response,
    responses=_ANSWERS,
)
def export_model(
    shared: Shared, name: ModelName, which: Which, conditions: Conditional, file_format: Format = "keras"
) -> Response:
    """Returns {version} as a file; the same version always gives the same bytes."""
    version, weights, optimizer = shared.database.open_version(name, which)
    file = export(version, weights, file_format, optimizer)
    etag = f'"{digest(file.content)}"'
    headers = {"ETag": etag, "Content-Disposition": f'attachment; filename="{file.file_name}"'}
    if conditions.is_known(etag):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(file.content, media_type=file.media_type, headers=headers)

"""Datasets: uploaded once, then trained on, measured on and predicted for."""

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator

from service.api.datasets.views import DatasetPage, DatasetView
from service.api.examples import DATASET, UPLOAD_EXAMPLES
from service.api.http.conditions import Conditional
from service.api.http.dialects import Formulas, Written
from service.api.http.paths import Paging
from service.api.http.problems import documented
from service.api.http.streamed_body import received
from service.api.http.uploads import MEDIA_TYPES, UPLOADS, media_type_of, read_upload
from service.api.state import Shared, State
from service.data.features import load_table
from service.errors import Conflict
from service.formats.csv.streams import Readable
from service.formats.downloads import FORMATS, encode_table
from service.formats.multipart import FORM
from service.formats.tables import CSV
from service.spec.data import check_name
from service.storage import NewDataset, StoredDataset

router = APIRouter(prefix=UPLOADS, tags=["datasets"])

DatasetId = Annotated[str, Path(description="The dataset's id, or its name if no other has it.", examples=[DATASET])]
Name = Annotated[str | None, Query(min_length=1, max_length=200, description="A name to find it by.")]
NewName = Annotated[
    str | None,
    AfterValidator(check_name),
    Query(min_length=1, max_length=200, description="A name by which it can be named wherever an id can."),
]


FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
"""How the content of a body that is a file is described."""

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file as it is, also compressed with gzip or zstd. JSON is a list of objects, or x and y.",
        "content": {
            CSV: {"schema": {"type": "string"}, "examples": UPLOAD_EXAMPLES},
            **dict.fromkeys(sorted(set(MEDIA_TYPES.values()) - {CSV}), FILE),
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {"file": {**FILE["schema"], "description": "The file with the data."}},
                    "required": ["file"],
                }
            },
        },
    }
}


@router.post(
    "",
    status_code=201,
    response_model=DatasetView,
    responses={
        200: {"model": DatasetView, "description": "The same data is stored already under this name."},
        **documented(400, 413, 415, 422, 503),
    },
    openapi_extra=_BODY,
)
async def create_dataset(
    shared: Shared,
    request: Request,
    response: Response,
    dialect: Written,
    name: NewName = None,
) -> Any:
    """Uploads a table: CSV, Parquet, Arrow, a spreadsheet, JSON rows, or NumPy arrays x and y.

    What the columns hold is found by reading, and told in the response.
    """
    media_type = media_type_of(request)

    def read(file: FilePath, arriving: Readable) -> tuple[StoredDataset, bool]:
        content_type = request.headers.get("content-type", "")
        new = read_upload(
            shared, file, arriving, media_type=media_type, dialect=dialect, name=name, content_type=content_type
        )
        return _store(shared, new)

    made = await received(request, shared.settings.scratch, read, ahead=media_type == CSV)
    if isinstance(made, Response):
        return made
    stored, is_new = made
    view = DatasetView.of(stored)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = view.links.self
    return view


@router.get("", response_model=DatasetPage, responses=documented(400, 422, 503))
def list_datasets(shared: Shared, page: Paging, name: Name = None) -> DatasetPage:
    """Uploaded datasets, newest first."""
    with shared.database.reading() as tx:
        found, next_cursor = tx.datasets.page(name=name, limit=page.limit, cursor=page.cursor)
    page.link(next_cursor)
    return DatasetPage(items=[DatasetView.of(one, columns=False) for one in found], next_cursor=next_cursor)


@router.get("/{dataset_id:word}", response_model=DatasetView, responses=documented(404, 422, 503))
def get_dataset(shared: Shared, dataset_id: DatasetId) -> DatasetView:
    """A dataset and what its columns hold."""
    with shared.database.reading() as tx:
        return DatasetView.of(tx.datasets.get(dataset_id))


@router.get(
    "/{dataset_id:word}/content",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The table.", "content": dict.fromkeys(FORMATS.values(), FILE)},
        **documented(404, 409, 422, 503),
    },
)
def download_dataset(
    shared: Shared,
    dataset_id: DatasetId,
    form: Annotated[
        Literal["csv", "parquet", "arrow"], Query(alias="format", description="The format of the file.")
    ] = "csv",
    formulas: Formulas = None,
) -> StreamingResponse:
    """The table itself."""
    stored, content = shared.database.open_dataset(dataset_id)
    if stored.form != "table":
        raise Conflict("This dataset holds arrays; only tables can be downloaded.", code="not_a_table")
    media_type = FORMATS[form]
    headers = {"Content-Disposition": f'attachment; filename="{dataset_id}.{form}"'}
    pieces = encode_table(load_table(content).arrow, media_type, shows_formulas=formulas == "text")
    return StreamingResponse(pieces, media_type=media_type, headers=headers)


@router.delete("/{dataset_id:word}", status_code=204, responses=documented(400, 404, 409, 412, 422, 503))
def delete_dataset(shared: Shared, dataset_id: DatasetId, conditions: Conditional) -> None:
    """Deletes a dataset that no unfinished job needs; versions that were trained on it stay."""
    with shared.database.transaction() as tx:
        unwanted = tx.datasets.delete(dataset_id)
        conditions.check_untagged()
    shared.database.artifacts.remove([] if unwanted is None else [unwanted])


def _store(shared: State, new: NewDataset) -> tuple[StoredDataset, bool]:
    """The stored dataset, and whether it is new."""
    stored = None
    try:
        with shared.database.transaction() as tx:
            before = tx.datasets.find(new)
            stored = before or tx.datasets.add(new)
        return stored, before is None
    finally:
        if new.artifact is not None and (stored is None or stored.artifact != new.artifact):
            shared.database.artifacts.remove([new.artifact])

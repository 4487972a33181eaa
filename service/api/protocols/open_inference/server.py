"""Calls about the server: what it is, whether it is well, and which models it has."""

import itertools
import logging
from collections.abc import Callable, Iterator

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from service.api.http.paths import ModelName
from service.api.protocols.open_inference.refusals import refused
from service.api.protocols.open_inference.views import IndexView, LiveView, ReadyView, ServerView, StatisticsView
from service.api.state import Shared, State
from service.errors import Conflict, StorageFailure
from service.formats.jsontext import write_json

log = logging.getLogger("fitd.api")
_AT_A_TIME = 1000

router = APIRouter(prefix="/v2", tags=["inference protocol"])


@router.get("", response_model=ServerView, responses=refused())
async def get_server_metadata() -> ServerView:
    """The server's name, release and extensions."""
    return ServerView()


@router.get("/health/live", response_model=LiveView, responses=refused())
async def get_server_live() -> LiveView:
    """Returns 200 as long as the process runs."""
    return LiveView()


@router.get("/health/ready", response_model=ReadyView, response_model_exclude_none=True, responses=refused(503))
def get_server_ready(shared: Shared, response: Response) -> ReadyView:
    """Returns 200 if the database responds and its tables are those of this release."""
    try:
        if shared.database.schema_is_current():
            return ReadyView()
        error = "The tables are not those of this release."
    except StorageFailure as unavailable:
        log.error("not ready: %s", unavailable.detail)
        error = "The database does not respond."
    response.status_code = 503
    return ReadyView(ready=False, error=error)


@router.get("/models/stats", response_model=StatisticsView, responses=refused(503))
def get_all_statistics(shared: Shared) -> StreamingResponse:
    """Numbers and durations of the inferences of every version since this process started."""

    def view(name: str, number: int) -> bytes:
        return write_json(shared.statistics.view(name, number))

    return _streamed(b'{"model_stats":[', _each_version(shared, view), b"]}")


@router.post("/repository/index", response_model=list[IndexView], responses=refused(503))
def get_repository_index(shared: Shared) -> StreamingResponse:
    """Every version of every model, by name and number; all of them can be used."""

    def view(name: str, number: int) -> bytes:
        return IndexView(name=name, version=str(number)).model_dump_json().encode()

    return _streamed(b"[", _each_version(shared, view), b"]")


def _each_version(shared: State, view: Callable[[str, int], bytes]) -> Iterator[bytes]:
    """The views of all versions, some hundreds at a time: nobody holds them all, and no reading lasts."""
    after, left = ("", 0), shared.settings.max_index_versions
    found = _read(shared, after, left)
    yield b",".join(view(*one) for one in found)
    while len(found) == _AT_A_TIME and (left := left - len(found)) > 0:
        found = _read(shared, found[-1], left)
        if found:
            yield b"," + b",".join(view(*one) for one in found)


def _read(shared: State, after: tuple[str, int], left: int) -> list[tuple[str, int]]:
    with shared.database.reading() as tx:
        return tx.models.index(after, limit=min(_AT_A_TIME, left))


def _streamed(opening: bytes, items: Iterator[bytes], closing: bytes) -> StreamingResponse:
    # What goes wrong at once is answered as a problem; later the response breaks off.
    first = next(items)
    return StreamingResponse(itertools.chain([opening + first], items, [closing]), media_type="application/json")


@router.post("/repository/models/{name:word}/load", response_class=Response, responses=refused(404, 503))
def load_model(shared: Shared, name: ModelName) -> None:
    """Brings the model's latest version into memory; the first inference would do it as well."""
    shared.serving.find(name, None)


@router.post("/repository/models/{name:word}/unload", response_class=Response, responses=refused(404, 409, 503))
def unload_model(shared: Shared, name: ModelName) -> None:
    """Always refuses: versions that are not used leave the memory by themselves."""
    with shared.database.reading() as tx:
        tx.models.get(name)
    raise Conflict("A model cannot be unloaded: versions that are not used leave the memory by themselves.")

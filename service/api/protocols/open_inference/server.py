"""Calls about the server: what it is, whether it is well, and which models it has."""

import logging

from fastapi import APIRouter, Response

from service.api.http.paths import ModelName
from service.api.protocols.open_inference.refusals import refused
from service.api.protocols.open_inference.views import IndexView, LiveView, ReadyView, ServerView, StatisticsView
from service.api.state import Shared
from service.errors import Conflict, Unavailable

log = logging.getLogger("fitd.api")
router = APIRouter(prefix="/v2", tags=["inference protocol"])


@router.get("", response_model=ServerView, responses=refused())
async def get_server_metadata() -> ServerView:
    """The server's name, release and extensions."""
    return ServerView()


@router.get("/health/live", response_model=LiveView, responses=refused())
async def get_server_live() -> LiveView:
    """Answers as long as the process does."""
    return LiveView()


@router.get("/health/ready", response_model=ReadyView, response_model_exclude_none=True, responses=refused(503))
def get_server_ready(shared: Shared, response: Response) -> ReadyView:
    """Answers 200 when the database answers and its tables are those of this release."""
    try:
        if shared.database.schema_is_current():
            return ReadyView()
        error = "The tables are not those of this release."
    except Unavailable as unavailable:
        log.error("not ready: %s", unavailable.detail)
        error = "The database does not answer."
    response.status_code = 503
    return ReadyView(ready=False, error=error)


@router.get("/models/stats", response_model=StatisticsView, responses=refused(503))
def get_all_statistics(shared: Shared) -> StatisticsView:
    """What every version has been asked since this process began."""
    with shared.database.reading() as tx:
        found = tx.models.index()
    return StatisticsView(model_stats=[shared.statistics.view(name, number) for name, number in found])


@router.post("/repository/index", response_model=list[IndexView], responses=refused(503))
def get_repository_index(shared: Shared) -> list[IndexView]:
    """Every version of every model; all of them can be asked."""
    with shared.database.reading() as tx:
        return [IndexView(name=name, version=str(number)) for name, number in tx.models.index()]


@router.post("/repository/models/{name:word}/load", response_class=Response, responses=refused(404, 503))
def load_model(shared: Shared, name: ModelName) -> None:
    """Brings the model's latest version into memory; the first inference would do it as well."""
    shared.serving.find(name, None)


@router.post("/repository/models/{name:word}/unload", response_class=Response, responses=refused(404, 409, 503))
def unload_model(shared: Shared, name: ModelName) -> None:
    """Refuses: versions that nobody asks leave the memory by themselves."""
    with shared.database.reading() as tx:
        tx.models.get(name)
    raise Conflict("A model cannot be unloaded: versions that nobody asks leave the memory by themselves.")

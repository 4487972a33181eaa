"""Health: whether this process lives, and whether it can do its work."""

import logging
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.api.http.problems import documented, problem
from service.api.state import Shared
from service.errors import StorageFailure

log = logging.getLogger("fitd.api")
router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The service, or this part of it, is well."""

    status: Literal["ok"] = Field("ok", description="Always `ok`; otherwise the response is a problem.")


@router.get("/livez", response_model=Health)
async def livez() -> Health:
    """Returns 200 as long as the process runs; checks nothing else."""
    return Health()


@router.get("/readyz", response_model=Health, responses=documented(503))
def readyz(request: Request, shared: Shared) -> Health | Response:
    """Returns 200 if the database responds and its tables are those of this release."""
    checks = {"database": "ok", "schema": "ok"}
    try:
        if not shared.database.schema_is_current():
            checks["schema"] = "The tables are not those of this release; the command migrate brings them there."
    except StorageFailure as error:
        log.error("not ready: %s", error.detail)
        checks |= {"database": "It does not respond.", "schema": "Unknown."}
    if set(checks.values()) == {"ok"}:
        return Health()
    detail = " ".join(f"{name}: {text}" for name, text in checks.items() if text != "ok")
    return problem(
        request, 503, "not_ready", "The service is not ready", detail, headers={"Retry-After": "1"}, checks=checks
    )

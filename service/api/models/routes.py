"""Models and their versions: listed, described, deleted."""

from dataclasses import asdict

from fastapi import APIRouter, Response

from service.api.http.conditions import Conditional
from service.api.http.paths import ModelName, Paging, VersionNumber
from service.api.http.problems import documented
from service.api.models.verbs import verb
from service.api.models.views import (
    AnsweringVersionView,
    EvaluationPage,
    KeptEvaluation,
    ModelPage,
    ModelStatusView,
    ModelView,
    VersionPage,
    VersionView,
)
from service.api.serving.version_cache import Which
from service.api.state import Shared

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", response_model=ModelPage, responses=documented(400, 422, 503))
def list_models(shared: Shared, page: Paging) -> ModelPage:
    """Models by name."""
    with shared.database.reading() as tx:
        models, next_cursor = tx.models.page(limit=page.limit, cursor=page.cursor)
    page.link(next_cursor)
    return ModelPage(items=[ModelView.of(model) for model in models], next_cursor=next_cursor)


@router.get("/{name:word}", response_model=ModelStatusView, responses=documented(404, 422, 503))
def get_model(shared: Shared, name: ModelName) -> ModelStatusView:
    """A model, the number of its latest version, and the versions that can be used."""
    with shared.database.reading() as tx:
        return ModelStatusView.with_versions(tx.models.get(name), tx.models.numbers(name))


@router.delete(
    "/{name:word}", status_code=204, response_class=Response, responses=documented(400, 404, 409, 412, 422, 503)
)
def delete_model(shared: Shared, name: ModelName, conditions: Conditional) -> None:
    """Deletes a model with all its versions, if no unfinished job needs one; the jobs that made them stay."""
    with shared.database.transaction() as tx:
        tx.models.delete(name)
        conditions.check_untagged()


@router.get("/{name:word}/versions", response_model=VersionPage, responses=documented(400, 404, 422, 503))
def list_versions(shared: Shared, name: ModelName, page: Paging) -> VersionPage:
    """The versions of a model, newest first."""
    with shared.database.reading() as tx:
        versions, next_cursor = tx.models.versions(name, limit=page.limit, cursor=page.cursor)
    page.link(next_cursor)
    return VersionPage(items=[VersionView.of(version) for version in versions], next_cursor=next_cursor)


@router.get(
    "/{name:word}/versions/{number:number}",
    response_model=AnsweringVersionView,
    responses=documented(404, 422, 503),
)
def get_version(shared: Shared, name: ModelName, number: VersionNumber) -> AnsweringVersionView:
    """One version: its request, its results, and the environment that made it."""
    with shared.database.reading() as tx:
        return AnsweringVersionView.of(tx.models.version(name, number))


@router.delete(
    "/{name:word}/versions/{number:number}",
    status_code=204,
    response_class=Response,
    responses=documented(400, 404, 409, 412, 422, 503),
)
def delete_version(shared: Shared, name: ModelName, number: VersionNumber, conditions: Conditional) -> None:
    """Deletes one version that no label points at and no unfinished job needs; its number is not given again."""
    with shared.database.transaction() as tx:
        tx.models.delete(name, number)
        conditions.check_untagged()


@verb(
    router,
    "GET",
    "/evaluations",
    ("list_evaluations", "list_version_evaluations", "list_label_evaluations"),
    response_model=EvaluationPage,
    responses=documented(400, 404, 422, 503),
)
def list_evaluations(shared: Shared, name: ModelName, which: Which, page: Paging) -> EvaluationPage:
    """What was right and wrong on data, the newest first; where no version is named, of all versions."""
    with shared.database.reading() as tx:
        number = None if which is None else tx.version(name, which).number
        tx.models.get(name)
        found, next_cursor = tx.evaluations.page(name, number, limit=page.limit, cursor=page.cursor)
    page.link(next_cursor)
    return EvaluationPage(items=[KeptEvaluation(**asdict(one)) for one in found], next_cursor=next_cursor)

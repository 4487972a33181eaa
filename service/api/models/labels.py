"""Labels of a model: `stable`, `canary` and the like, moved from version to version."""

from datetime import datetime
from typing import Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, computed_field

from service.api import fields
from service.api.examples import LABEL_EXAMPLES
from service.api.http.bodies import JsonBytes, described, read_object
from service.api.http.conditions import NOT_MODIFIED, Conditional, Conditions
from service.api.http.paths import LabelName, ModelName, Paging
from service.api.http.problems import documented
from service.api.models.views import VersionStatusView
from service.api.state import Shared
from service.errors import Findings
from service.storage import Label, LabelMove
from service.storage.labels import Check

router = APIRouter(prefix="/v1/models", tags=["models"])

_LONGEST_NAME = 100


class LabelRequest(BaseModel):
    """Where a label is to point."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, description="The number of the version that the label shall point at.")
    by: str | None = Field(None, max_length=_LONGEST_NAME, description="Who moves the label; kept in its history.")


class LabelLinks(BaseModel):
    """Paths of what belongs to a label."""

    self: fields.SelfLink
    history: str = Field(description="Path of the moves of the label.")
    version: str = Field(description="Path of the version that the label points at.")
    predict: fields.PredictLink


class LabelView(BaseModel):
    """A label and the version that it points at."""

    model: fields.ModelName
    label: str = Field(examples=["stable"], description="The name of the label.")
    version: int = Field(description="The number of the version that the label points at.")
    updated_at: fields.UpdatedAt
    links: LabelLinks = Field(description="Paths of the resources that belong to the label.")

    @classmethod
    def of(cls, label: Label) -> Self:
        """The view of a label."""
        model = f"/v1/models/{label.model}"
        path = f"{model}/labels/{label.label}"
        version = f"{model}/versions/{label.number}"
        links = LabelLinks(self=path, history=f"{path}/history", version=version, predict=f"{path}:predict")
        return cls(model=label.model, label=label.label, version=label.number, updated_at=label.updated_at, links=links)


class LabelStatusView(LabelView):
    """A label and, as TensorFlow Serving says it, that its version answers."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def model_version_status(self) -> list[VersionStatusView]:
        """The version that the label points at."""
        return [VersionStatusView(version=str(self.version))]


class LabelPage(BaseModel):
    """The labels of a model, by name."""

    items: list[LabelView] = Field(description="The labels of this page, by name.")
    next_cursor: fields.NextCursor = None


class LabelMoveView(BaseModel):
    """A move of a label; null where it did not exist before or was deleted."""

    from_version: int | None = Field(
        description="The number of the version before the move; null if the label was new."
    )
    to_version: int | None = Field(
        description="The number of the version after the move; null if the label was deleted."
    )
    by: str | None = Field(description="Who moved the label; null if it was not said.")
    moved_at: datetime = Field(description="When the label moved, in UTC (RFC 3339).")

    @classmethod
    def of(cls, move: LabelMove) -> Self:
        """The view of a move."""
        return cls(from_version=move.from_number, to_version=move.to_number, by=move.moved_by, moved_at=move.moved_at)


class LabelHistory(BaseModel):
    """The moves of a label, the last one first."""

    items: list[LabelMoveView] = Field(description="The moves of this page, newest first.")
    next_cursor: fields.NextCursor = None


@router.get("/{name:word}/labels", response_model=LabelPage, responses=documented(404, 422, 503))
def list_labels(shared: Shared, name: ModelName, page: Paging) -> LabelPage:
    """The labels of a model by name."""
    with shared.database.reading() as tx:
        tx.models.get(name)
        found, next_cursor = tx.labels.page(name, limit=page.limit, cursor=page.cursor)
    page.link(next_cursor)
    return LabelPage(items=[LabelView.of(label) for label in found], next_cursor=next_cursor)


@router.get(
    "/{name:word}/labels/{label:word}",
    response_model=LabelStatusView,
    responses={**NOT_MODIFIED, **documented(400, 404, 412, 422, 503)},
)
def get_label(
    shared: Shared, name: ModelName, label: LabelName, response: Response, conditions: Conditional
) -> LabelStatusView | Response:
    """Where a label points; its `ETag` guards the next move."""
    with shared.database.reading() as tx:
        found = tx.labels.get(name, label)
    response.headers["ETag"] = _etag(found)
    if conditions.is_known(_etag(found)):
        return Response(status_code=304, headers={"ETag": _etag(found)})
    return LabelStatusView.of(found)


@router.get(
    "/{name:word}/labels/{label:word}/history", response_model=LabelHistory, responses=documented(400, 404, 422, 503)
)
def get_label_history(shared: Shared, name: ModelName, label: LabelName, page: Paging) -> LabelHistory:
    """Who moved a label when, from which version to which; the last move first."""
    with shared.database.reading() as tx:
        tx.models.get(name)
        found, next_cursor = tx.labels.history(name, label, limit=page.limit, cursor=page.cursor)
    page.link(next_cursor)
    return LabelHistory(items=[LabelMoveView.of(move) for move in found], next_cursor=next_cursor)


@router.put(
    "/{name:word}/labels/{label:word}",
    response_model=LabelView,
    responses={
        201: {"model": LabelView, "description": "The label is new."},
        **documented(400, 404, 412, 415, 422, 503),
    },
    openapi_extra=described("LabelRequest", LABEL_EXAMPLES),
)
def put_label(
    shared: Shared,
    name: ModelName,
    label: LabelName,
    body: JsonBytes,
    response: Response,
    *,
    conditions: Conditional,
) -> LabelView:
    """Points a label at a version, from the next prediction on; to roll back is to move it back."""
    asked = read_object(body, "version", "by", required=("version",))
    number, by = asked["version"], asked.get("by")
    findings = Findings()
    if label.isdecimal():
        findings.error("label", "wrong_name", "Expected a name with more than digits, which stand for a version.")
    if type(number) is not int or not 1 <= number < 10**9:
        findings.error("#/version", "out_of_range", "Expected the number of a version, from 1.")
    if by is not None and not (isinstance(by, str) and len(by) <= _LONGEST_NAME and "\0" not in by):
        findings.error(
            "#/by", "wrong_type", f"Expected a text of at most {_LONGEST_NAME} characters, none of them NUL."
        )
    findings.raise_errors()
    with shared.database.transaction() as tx:
        moved, is_new = tx.labels.move(name, label, number, check=_checked(conditions), by=by)
    view = LabelView.of(moved)
    response.headers["ETag"] = _etag(moved)
    if is_new:
        response.status_code, response.headers["Location"] = 201, view.links.self
    return view


@router.delete(
    "/{name:word}/labels/{label:word}",
    status_code=204,
    response_class=Response,
    responses=documented(400, 404, 412, 422, 503),
)
def delete_label(shared: Shared, name: ModelName, label: LabelName, conditions: Conditional) -> None:
    """Deletes a label; the version stays, and so does the label's history."""
    with shared.database.transaction() as tx:
        tx.labels.delete(name, label, check=_checked(conditions))


def _etag(label: Label) -> str:
    return f'"{label.moves}"'


def _checked(conditions: Conditions) -> Check:
    return lambda label: conditions.check(None if label is None else _etag(label))

"""Evaluations: how versions did on data, kept for comparison."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from service.formats.metric_values import MetricValue
from service.storage.clock import NOW, Clock
from service.storage.cursor import bad_cursor
from service.storage.ids import looks_like_id, new_id
from service.storage.schema import evaluations, versions

KEPT = 100
"""Evaluations kept of each version, besides that of its own test part."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The metrics and the report of a version on a dataset (None if it came with a request) or a part of it."""

    id: str
    model: str
    version: int
    dataset: str | None
    part: str | None
    rows: int
    metrics: dict[str, MetricValue]
    report: dict[str, Any]
    created_at: datetime


_COLUMNS = [
    evaluations.c.id,
    evaluations.c.model,
    versions.c.number.label("version"),
    *(evaluations.c[name] for name in ("dataset", "part", "rows", "metrics", "report", "created_at")),
]
_MODEL = select(versions.c.model).where(versions.c.id == bindparam("of_version")).scalar_subquery()
_ADD = insert(evaluations).values(created_at=NOW, model=_MODEL)
_JOINED = evaluations.join(versions, versions.c.id == evaluations.c.version_id)


class Evaluations:
    """Keeps evaluations as long as their version."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(
        self,
        version_id: str,
        *,
        rows: int,
        metrics: Mapping[str, MetricValue],
        report: Mapping[str, Any],
        dataset: str | None = None,
        part: str | None = None,
    ) -> str:
        """Keeps an evaluation of a version and returns its id; of those before it, the newest and that of a part."""
        row: dict[str, Any] = {
            "id": new_id("ev"),
            "version_id": version_id,
            "dataset": dataset,
            "part": part,
            "rows": rows,
        }
        row |= {"metrics": metrics, "report": report, "now": self._clock.now()}
        self._connection.execute(_ADD, row | {"of_version": version_id})
        own = (evaluations.c.version_id == version_id) & evaluations.c.part.is_(None)
        newest = select(evaluations.c.id).where(own).order_by(evaluations.c.id.desc()).limit(KEPT)
        self._connection.execute(delete(evaluations).where(own, evaluations.c.id.not_in(newest)))
        return str(row["id"])

    def page(
        self, model: str, number: int | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[Evaluation], str | None]:
        """The evaluations of a model or of one of its versions, newest first, and the cursor of the next page."""
        query = select(*_COLUMNS).select_from(_JOINED)
        if number is None:
            query = query.where(evaluations.c.model == model)
        else:
            one = select(versions.c.id).where(versions.c.model == model, versions.c.number == number)
            query = query.where(evaluations.c.version_id == one.scalar_subquery())
        if cursor is not None:
            if not looks_like_id("ev", cursor):
                raise bad_cursor(cursor)
            query = query.where(evaluations.c.id < cursor)
        query = query.order_by(evaluations.c.id.desc()).limit(limit + 1)
        found = [Evaluation(**row._mapping) for row in self._connection.execute(query)]
        return found[:limit], found[limit - 1].id if len(found) > limit else None

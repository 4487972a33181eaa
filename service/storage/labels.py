"""Labels: names such as `stable` that point at a version of a model and can be moved; every move is remembered."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from service.errors import NotFound
from service.storage.clock import NOW, Clock
from service.storage.cursor import bad_cursor
from service.storage.queue.bell import News
from service.storage.schema import label_moves, labels, models, versions
from service.storage.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Label:
    """Where a label points; `moves` counts every change it ever had, so that no two states share a count."""

    model: str
    label: str
    number: int
    moves: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LabelMove:
    """One change of a label, the `seq`th from 1: from one version number to another, None where there was none."""

    seq: int
    from_number: int | None
    to_number: int | None
    moved_by: str | None
    moved_at: datetime


Check = Callable[[Label | None], object]
"""Called with a label, or None if there is none, before a change; an exception prevents the change."""


def _any(_label: Label | None) -> None:
    """Allows every change."""


class Labels:
    """Moves labels, one at a time for each model."""

    def __init__(self, connection: Connection, clock: Clock, news: News) -> None:
        self._connection = connection
        self._clock = clock
        self._news = news

    def get(self, model: str, label: str) -> Label:
        """Where a label points."""
        found = self._find(model, label)
        if found is None:
            raise NotFound("label", f"{model}/{label}")
        return found

    def page(self, model: str, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Label], str | None]:
        """The labels of a model by name, and the cursor of the next page or None."""
        query = select(labels).where(labels.c.model == model).order_by(labels.c.label)
        if cursor is not None:
            query = query.where(labels.c.label > cursor)
        found = [Label(**row._mapping) for row in self._connection.execute(query.limit(limit + 1))]
        return found[:limit], found[limit - 1].label if len(found) > limit else None

    def history(
        self, model: str, label: str, *, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[LabelMove], str | None]:
        """Every move of a label, the last one first, also of one that was deleted; and the cursor of the next page."""
        columns = [label_moves.c[one.name] for one in fields(LabelMove)]
        query = select(*columns).where(label_moves.c.model == model, label_moves.c.label == label)
        if cursor is not None:
            if len(cursor) > 9 or not cursor.isdecimal():
                raise bad_cursor(cursor)
            query = query.where(label_moves.c.seq < int(cursor))
        rows = self._connection.execute(query.order_by(label_moves.c.seq.desc()).limit(limit + 1))
        found = [LabelMove(**row._mapping) for row in rows]
        return found[:limit], str(found[limit - 1].seq) if len(found) > limit else None

    def move(
        self,
        model: str,
        label: str,
        number: int,
        *,
        check: Check = _any,
        by: str | None = None,
    ) -> tuple[Label, bool]:
        """Points a label at a version, and makes it if there is none; the label, and whether it is new."""
        before = self._locked(model, label)
        known = select(versions.c.id).where(versions.c.model == model, versions.c.number == number)
        if self._connection.scalar(known) is None:
            raise NotFound("version", f"{model}/{number}")
        check(before)
        seq = self._note(model, label, before, number, by)
        row = {"model": model, "label": label, "number": number, "moves": seq, "now": self._clock.now()}
        first = insert_into(self._connection.dialect.name, labels).values(updated_at=NOW)
        given = {name: first.excluded[name] for name in ("number", "moves", "updated_at")}
        self._connection.execute(
            first.on_conflict_do_update(index_elements=[labels.c.model, labels.c.label], set_=given), row
        )
        return self.get(model, label), before is None

    def delete(self, model: str, label: str, *, check: Check = _any, by: str | None = None) -> None:
        """Deletes a label; its history stays."""
        before = self._locked(model, label)
        if before is None:
            raise NotFound("label", f"{model}/{label}")
        check(before)
        self._note(model, label, before, None, by)
        self._connection.execute(delete(labels).where(labels.c.model == model, labels.c.label == label))

    def _find(self, model: str, label: str) -> Label | None:
        query = select(labels).where(labels.c.model == model, labels.c.label == label)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else Label(**row._mapping)

    def _locked(self, model: str, label: str) -> Label | None:
        # Whoever moves a label or deletes a version holds the model's row, so that no label ever points at nothing.
        if self._connection.scalar(select(models.c.name).where(models.c.name == model).with_for_update()) is None:
            raise NotFound("model", model)
        return self._find(model, label)

    def _note(self, model: str, label: str, before: Label | None, number: int | None, by: str | None) -> int:
        one = (label_moves.c.model == model) & (label_moves.c.label == label)
        last = select(func.coalesce(func.max(label_moves.c.seq), 0)).where(one)
        seq: int = self._connection.execute(last).scalar_one() + 1
        row = {"model": model, "label": label, "seq": seq, "to_number": number, "moved_by": by}
        row |= {"from_number": None if before is None else before.number, "now": self._clock.now()}
        self._connection.execute(insert(label_moves).values(moved_at=NOW), row)
        self._news.is_served_otherwise = True
        return seq

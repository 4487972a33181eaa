"""Models and their versions: numbered, immutable, with their weights apart."""

from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, tuple_, update

from service.errors import Conflict, NotFound
from service.storage.clock import NOW, Clock
from service.storage.cursor import bad_cursor
from service.storage.evaluations import Evaluations
from service.storage.ids import new_id
from service.storage.queue.bell import News
from service.storage.schema import NEEDS, jobs, labels, models, version_weights, versions
from service.storage.seals import check_bytes, check_seal, seal
from service.storage.upsert import insert_into
from service.versions import NewVersion, Trained, Version


@dataclass(frozen=True, slots=True)
class Model:
    """A named network; `latest` is its highest version number, None when every version was deleted."""

    name: str
    latest: int | None
    versions: int
    created_at: datetime
    updated_at: datetime


NUMBERS = 1000
"""So many of a model's versions are listed where a list has no pages."""

_ADD = insert(versions).values(created_at=NOW)
_ADD_WEIGHTS = insert(version_weights)
_VERSION = [versions.c[one.name] for one in fields(Version)]
_SEALED = (
    *("model", "number", "spec", "compile", "fit", "summary", "metrics", "input", "output", "data", "environment"),
    *("timing", "partial", "score", "sha256", "size_bytes"),
)
"""What the hash of a description is of; another list would make damaged versions of all that are stored."""

_NEEDED = select(jobs.c.needs_version).where(NEEDS, jobs.c.needs_model == bindparam("of_model"))


class Models:
    """Keeps models; versions count 1, 2, 3 and a number is given once."""

    def __init__(self, connection: Connection, clock: Clock, news: News, evaluations: Evaluations) -> None:
        self._connection = connection
        self._clock = clock
        self._news = news
        self._evaluations = evaluations

    def add(self, name: str, new: NewVersion, *, job_id: str | None = None) -> int:
        """Adds a version under the model's next number, and the model if it is new; returns the number."""
        now = self._clock.now()
        counted = _next_number(self._connection.dialect.name)
        number: int = self._connection.execute(counted, {"name": name, "now": now}).scalar_one()
        row = {one.name: getattr(new, one.name) for one in fields(Trained)}
        row |= {"id": new_id("ver"), "model": name, "number": number, "job_id": job_id, "sha256": new.sha256}
        row |= {"size_bytes": len(new.weights), "now": now}
        self._connection.execute(_ADD, row | {"description_sha256": seal(row, _SEALED)})
        stored = {"version_id": row["id"], "weights": new.weights, "optimizer": new.optimizer}
        stored["optimizer_sha256"] = None if new.optimizer is None else sha256(new.optimizer).hexdigest()
        self._connection.execute(_ADD_WEIGHTS, stored)
        if new.evaluation is not None:
            self._evaluations.add(row["id"], **new.evaluation)
        self._news.is_served_otherwise = True
        return number

    def get(self, name: str) -> Model:
        """The model of this name."""
        row = self._connection.execute(_models().where(models.c.name == name)).one_or_none()
        if row is None:
            raise NotFound("model", name)
        return Model(**row._mapping)

    def page(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Model], str | None]:
        """Models by name, and the cursor of the next page or None."""
        query = _models().order_by(models.c.name).limit(limit + 1)
        if cursor is not None:
            query = query.where(models.c.name > cursor)
        found = [Model(**row._mapping) for row in self._connection.execute(query)]
        return found[:limit], found[limit - 1].name if len(found) > limit else None

    def versions(self, name: str, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Version], str | None]:
        """The versions of a model, newest first, and the cursor of the next page or None."""
        self.get(name)
        query = _described().where(versions.c.model == name).order_by(versions.c.number.desc())
        if cursor is not None:
            if len(cursor) > 9 or not cursor.isdecimal():
                raise bad_cursor(cursor)
            query = query.where(versions.c.number < int(cursor))
        found = [_version(row) for row in self._connection.execute(query.limit(limit + 1))]
        return found[:limit], str(found[limit - 1].number) if len(found) > limit else None

    def version(self, name: str, number: int | None = None) -> Version:
        """One version; the latest if no number is given."""
        query = _described().where(versions.c.model == name)
        if number is None:
            query = query.order_by(versions.c.number.desc()).limit(1)
        else:  # without a limit: PostgreSQL would rather read the table until it finds the one
            query = query.where(versions.c.number == number)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise _missing(name, number)
        return _version(row)

    def numbers(self, name: str) -> list[int]:
        """The numbers of a model's versions, newest first, at most `NUMBERS` of them."""
        query = select(versions.c.number).where(versions.c.model == name).order_by(versions.c.number.desc())
        return list(self._connection.scalars(query.limit(NUMBERS)))

    def index(self, after: tuple[str, int] = ("", 0), *, limit: int) -> list[tuple[str, int]]:
        """Name and number of versions by name and number, those that follow `after`, at most `limit` of them."""
        key = tuple_(versions.c.model, versions.c.number)
        query = select(versions.c.model, versions.c.number).where(key > tuple_(*after)).limit(limit)
        found = self._connection.execute(query.order_by(versions.c.model, versions.c.number))
        return [(name, number) for name, number in found]

    def weights(self, version_id: str) -> bytes:
        """The weights of a version, as they were published."""
        query = select(version_weights.c.weights).where(version_weights.c.version_id == version_id)
        found = self._connection.scalar(query)
        if found is None:
            raise NotFound("version", version_id)
        return bytes(found)

    def optimizer(self, version_id: str) -> bytes | None:
        """The state of the optimizer that a version was trained with, None where it has none; `Damaged` if it rots."""
        columns = (version_weights.c.optimizer, version_weights.c.optimizer_sha256)
        row = self._connection.execute(select(*columns).where(version_weights.c.version_id == version_id)).one_or_none()
        if row is None or row.optimizer is None:
            return None
        content = bytes(row.optimizer)
        check_bytes(f"the optimizer's state of the version {version_id}", row.optimizer_sha256, content)
        return content

    def hold(self, name: str, number: int | None, version_id: str) -> None:
        """Locks a version against deletion until this transaction ends; raises `NotFound` if it does not exist."""
        locked = select(models.c.name).where(models.c.name == name).with_for_update(read=True, key_share=True)
        self._connection.execute(locked)
        if self._connection.scalar(select(versions.c.id).where(versions.c.id == version_id)) is None:
            raise _missing(name, number)

    def delete(self, name: str, number: int | None = None) -> None:
        """Deletes one version that no label points at, or the model with all its versions if no number is given.

        `Conflict` if a job that has not ended continues from what would be deleted, or predicts with it.
        """
        # Whoever moves a label, or asks for a job that needs a version, holds this row, too.
        self._connection.execute(select(models.c.name).where(models.c.name == name).with_for_update())
        for needed in self._connection.scalars(_NEEDED, {"of_model": name}):
            if number in (None, needed):
                said = f"A job that has not ended needs version {needed} of {name!r}."
                raise Conflict(said, code="version_in_use")
        if number is None:
            deleted = self._connection.execute(delete(models).where(models.c.name == name))
        else:
            pointing = select(labels.c.label).where(labels.c.model == name, labels.c.number == number)
            label = self._connection.scalar(pointing.limit(1))
            if label is not None:
                said = f"The label {label!r} points at version {number}; move or delete it first."
                raise Conflict(said, code="version_labelled")
            one = (versions.c.model == name) & (versions.c.number == number)
            deleted = self._connection.execute(delete(versions).where(one))
            fewer = update(models).where(models.c.name == name).values(versions=models.c.versions - deleted.rowcount)
            self._connection.execute(fewer)
        if not deleted.rowcount:
            raise _missing(name, number)
        self._news.is_served_otherwise = True


@cache
def _next_number(backend: str) -> Any:
    first = insert_into(backend, models).values(last_number=1, versions=1, created_at=NOW, updated_at=NOW)
    # The conflicting row stays locked until the end of the transaction: two publishers take turns.
    counted = first.on_conflict_do_update(
        index_elements=[models.c.name],
        set_={
            "last_number": models.c.last_number + 1,
            "versions": models.c.versions + 1,
            "updated_at": first.excluded.updated_at,
        },
    )
    return counted.returning(models.c.last_number)


def _models() -> Select[Any]:
    latest = select(func.max(versions.c.number)).where(versions.c.model == models.c.name).scalar_subquery()
    shown = (models.c.name, latest.label("latest"), models.c.versions, models.c.created_at, models.c.updated_at)
    return select(*shown)


def _described() -> Select[Any]:
    return select(*_VERSION, versions.c.description_sha256)


def _missing(name: str, number: int | None) -> NotFound:
    return NotFound("model", name) if number is None else NotFound("version", f"{name}/{number}")


def _version(row: Row[Any]) -> Version:
    """The version in a row; `Damaged` if it is not the one that was stored."""
    found = dict(row._mapping)
    sha256_then = found.pop("description_sha256")
    check_seal(f"version {row.number} of {row.model!r}", sha256_then, found, _SEALED)
    return Version(**found)

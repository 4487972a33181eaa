"""Datasets as stored: a description that is cheap to read, and the bytes apart from it."""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from sqlalchemy import BigInteger, Connection, Row, and_, bindparam, delete, func, insert, select

from service.errors import Conflict, Finding, NotFound
from service.storage.artifacts.artifacts import Artifacts, digest_of
from service.storage.artifacts.content import sha256_of
from service.storage.clock import NOW, Clock
from service.storage.cursor import bad_cursor
from service.storage.ids import looks_like_id, new_id
from service.storage.schema import IS_UNFINISHED, dataset_contents, datasets, jobs
from service.storage.seals import check_bytes, check_seal, seal

if TYPE_CHECKING:
    from service.data.datasets import Dataset  # who only starts processes has no use for NumPy

Form = Literal["arrays", "table"]

_MOST_TOLD = 10
LARGEST_ROW_BYTES = 1_000_000
"""Larger data are stored as an artifact: databases are slow with large rows."""


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """What is known about a dataset without reading it; `sha256` is that of its bytes as stored."""

    id: str
    name: str | None
    form: Form
    rows: int
    columns: int
    meta: dict[str, Any]
    sha256: str | None
    size_bytes: int
    artifact: str | None
    """Where its bytes are; None where they stand in the database."""
    uploaded: bool
    """Whether it stays until it is deleted by request; otherwise it came with a job and is deleted with it."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewDataset:
    """A dataset before it has an id: its bytes, or the artifact that holds them."""

    rows: int
    columns: int
    content: bytes | None = None
    artifact: str | None = None
    size_bytes: int = 0
    form: Form = "arrays"
    name: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    uploaded: bool = False

    @classmethod
    def of_arrays(
        cls, dataset: "Dataset", artifacts: Artifacts, *, name: str | None = None, uploaded: bool = False
    ) -> Self:
        """Arrays, ready to be stored: what is too large for a row lies in an artifact already."""
        content = dataset.to_bytes()
        is_small = len(content) <= LARGEST_ROW_BYTES
        return cls(
            dataset.rows,
            dataset.columns,
            content=content if is_small else None,
            artifact=None if is_small else artifacts.put("ds", content),
            size_bytes=len(content),
            name=name,
            meta={"classes": dataset.classes and list(dataset.classes)},
            uploaded=uploaded,
        )

    @classmethod
    def of_table(
        cls, file: Path, artifacts: Artifacts, *, name: str | None, uploaded: bool, guesses: Sequence[Finding] = ()
    ) -> Self:
        """The table in an Arrow file, which is used up: what is too large for a row lies in an artifact already.

        `guesses` are what was found in the file and may have been meant otherwise.
        """
        from service.data.tables import Table  # noqa: PLC0415 - who only starts processes has no use for NumPy

        size_bytes = file.stat().st_size
        table = Table.from_file(file)
        is_small = size_bytes <= LARGEST_ROW_BYTES
        with ThreadPoolExecutor(1, "fitd-sha256") as beside:
            hashing = None if is_small else beside.submit(sha256_of, file)
            described = table.describe()
        return cls(
            table.rows,
            len(table.names),
            content=file.read_bytes() if is_small else None,
            artifact=None if hashing is None else artifacts.put_file("ds", file, hashing.result()),
            size_bytes=size_bytes,
            form="table",
            name=name,
            meta={"columns": described, "warnings": [asdict(guess) for guess in guesses]},
            uploaded=uploaded,
        )


_COLUMNS = [*(datasets.c[one.name] for one in fields(StoredDataset)), datasets.c.meta_sha256]
_SEALED = ("rows", "columns", "form", "meta", "sha256")
_ADD = insert(datasets).values(created_at=NOW)
_ADD_CONTENT = insert(dataset_contents)
_CONTENT = (
    select(dataset_contents.c.content, datasets.c.sha256)
    .join(datasets, datasets.c.id == dataset_contents.c.dataset_id)
    .where(dataset_contents.c.dataset_id == bindparam("dataset_id"))
)
_ONE_AT_A_TIME = select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger)))
UNUSED = tuple(~select(jobs.c.id).where(used == datasets.c.id).exists() for used in (jobs.c.dataset, jobs.c.result))
"""Whether no job works on a dataset, and none has made it: one question for each index."""

_SAME = (
    select(*_COLUMNS)
    .where(datasets.c.sha256 == bindparam("same_sha256"), datasets.c.form == bindparam("same_form"))
    .order_by(datasets.c.uploaded.desc(), datasets.c.id)
    .with_for_update()
)


class Datasets:
    """Stores datasets, the same bytes once, and gives them back unchanged."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, new: NewDataset) -> StoredDataset:
        """Stores a dataset, or finds it as `find` does.

        A dataset of another name shares the bytes of the first: where the result names another artifact than the
        new one has, that one is not needed.
        """
        sha256, same = self._same(new)
        found = _match(new, same)
        if found is not None:
            return found
        dataset_id = new_id("ds")
        artifact = next((one.artifact for one in same if one.artifact is not None), new.artifact)
        row = {"id": dataset_id, "sha256": sha256, "artifact": artifact, "now": self._clock.now()}
        row |= {name: getattr(new, name) for name in ("rows", "columns", "meta", "form", "name", "uploaded")}
        row["size_bytes"] = new.size_bytes if new.content is None else len(new.content)
        row["meta_sha256"] = seal(row, _SEALED)
        self._connection.execute(_ADD, row)
        if artifact is None:
            self._connection.execute(_ADD_CONTENT, {"dataset_id": dataset_id, "content": new.content})
        return self.get(dataset_id)

    def find(self, new: NewDataset) -> StoredDataset | None:
        """The dataset that has the same bytes and, if it is uploaded, the same name; nobody can delete it meanwhile."""
        return _match(new, self._same(new)[1])

    def get(self, dataset: str, *, lock: bool = False) -> StoredDataset:
        """The description of a dataset by its id, or by the name under which only one was uploaded.

        With `lock` nobody can delete it before this transaction ends. `Conflict` where several have the name.
        """
        is_id = looks_like_id("ds", dataset)
        if not is_id and "\0" in dataset:  # PostgreSQL cannot even look for it
            raise NotFound("dataset", dataset)
        named = and_(datasets.c.name == dataset, datasets.c.uploaded)
        query = select(*_COLUMNS).where(datasets.c.id == dataset if is_id else named).order_by(datasets.c.id)
        query = query.limit(_MOST_TOLD + 1)
        rows = self._connection.execute(query.with_for_update() if lock else query).all()
        if not rows:
            raise NotFound("dataset", dataset)
        if len(rows) > 1:
            ids = ", ".join(str(row.id) for row in rows[:_MOST_TOLD]) + (", ..." if len(rows) > _MOST_TOLD else "")
            raise Conflict(f"Several datasets have this name: {ids}. Expected one of these ids.", code="ambiguous_name")
        return _stored(rows[0])

    def content(self, dataset_id: str) -> bytes:
        """The bytes of a dataset that stands in the database; `Damaged` if they rot."""
        row = self._connection.execute(_CONTENT, {"dataset_id": dataset_id}).one_or_none()
        if row is None:
            raise NotFound("dataset", dataset_id)
        content = bytes(row.content)
        check_bytes(f"the dataset {dataset_id}", row.sha256, content)
        return content

    def page(
        self, *, name: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[StoredDataset], str | None]:
        """Uploaded datasets, newest first, and the cursor of the next page or None."""
        query = select(*_COLUMNS).where(datasets.c.uploaded).order_by(datasets.c.id.desc())
        if name is not None:
            query = query.where(datasets.c.name == name)
        if cursor is not None:
            if not looks_like_id("ds", cursor):
                raise bad_cursor(cursor)
            query = query.where(datasets.c.id < cursor)
        found = [_stored(row) for row in self._connection.execute(query.limit(limit + 1))]
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def delete(self, dataset: str) -> str | None:
        """Deletes a dataset that no unfinished job needs; returns its artifact if nobody else refers to it."""
        dataset_id = dataset if looks_like_id("ds", dataset) else self.get(dataset).id
        artifact = self._locked_artifact(dataset_id)
        needed = select(jobs.c.id).where(jobs.c.dataset == dataset_id, IS_UNFINISHED).limit(1)
        if self._connection.scalar(needed) is not None:
            raise Conflict(f"A job that has not ended needs the dataset {dataset_id!r}.", code="dataset_in_use")
        self._connection.execute(delete(datasets).where(datasets.c.id == dataset_id))
        return self.unshared(artifact)

    def _locked_artifact(self, dataset_id: str) -> str | None:
        """Returns the artifact of a dataset, whose description may be damaged, and locks it against deletion."""
        query = select(datasets.c.artifact).where(datasets.c.id == dataset_id).with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFound("dataset", dataset_id)
        return row.artifact  # type: ignore[no-any-return]

    def delete_unused(self, dataset_id: str) -> str | None:
        """Deletes a dataset that came with a job and that no job needs any more; returns its artifact as `delete`."""
        # Whoever wants to share the dataset holds this lock, and what it did is seen only by a later statement.
        self._connection.execute(select(datasets.c.id).where(datasets.c.id == dataset_id).with_for_update())
        gone = delete(datasets).where(datasets.c.id == dataset_id, ~datasets.c.uploaded, *UNUSED)
        artifact = self._connection.execute(gone.returning(datasets.c.artifact)).scalar_one_or_none()
        return self.unshared(artifact)

    def unshared(self, artifact: str | None) -> str | None:
        """The artifact, if there is one and no dataset refers to it."""
        if artifact is None:
            return None
        shared = select(datasets.c.id).where(datasets.c.artifact == artifact).limit(1)
        return artifact if self._connection.scalar(shared) is None else None

    def _same(self, new: NewDataset) -> tuple[str, list[StoredDataset]]:
        """The SHA-256 of a dataset, and those of the same bytes."""
        sha256 = hashlib.sha256(new.content).hexdigest() if new.content is not None else digest_of(new.artifact or "")
        if new.uploaded and self._connection.dialect.name == "postgresql":
            # Somebody may be adding it just now, whose row nobody sees yet; SQLite has one writer at a time.
            self._connection.execute(_ONE_AT_A_TIME, {"key": int(sha256[:15], 16)})
        rows = self._connection.execute(_SAME, {"same_sha256": sha256, "same_form": new.form})
        return sha256, [_stored(row) for row in rows]


def _stored(row: Row[Any]) -> StoredDataset:
    """The description in a row; `Damaged` if it is not the one that was stored."""
    found = dict(row._mapping)
    check_seal(f"the dataset {row.id}", found.pop("meta_sha256"), found, _SEALED)
    return StoredDataset(**found)


def _match(new: NewDataset, same: Sequence[StoredDataset]) -> StoredDataset | None:
    fitting = (one for one in same if not new.uploaded or (one.uploaded and new.name in (None, one.name)))
    return next(fitting, None)

"""Datasets as stored: a description that is cheap to read, and the bytes apart from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from service.errors import NotFound
from service.storage.clock import NOW, Clock
from service.storage.ids import new_id
from service.storage.tables import dataset_contents, datasets

_ADD = insert(datasets).values(created_at=NOW)
_ADD_CONTENT = insert(dataset_contents)
_CONTENT = select(dataset_contents.c.content).where(dataset_contents.c.dataset_id == bindparam("dataset_id"))


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """What is known about a dataset without reading it."""

    id: str
    rows: int
    columns: int
    meta: dict[str, Any]
    size_bytes: int
    created_at: datetime


class Datasets:
    """Stores datasets and gives them back unchanged."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, content: bytes, *, rows: int, columns: int, meta: Mapping[str, Any]) -> str:
        """Stores a dataset and returns its id."""
        dataset_id = new_id("ds")
        described = {"rows": rows, "columns": columns, "meta": meta, "size_bytes": len(content)}
        self._connection.execute(_ADD, {"id": dataset_id, "now": self._clock.now(), **described})
        self._connection.execute(_ADD_CONTENT, {"dataset_id": dataset_id, "content": content})
        return dataset_id

    def get(self, dataset_id: str) -> StoredDataset:
        """The description of a dataset."""
        row = self._connection.execute(select(datasets).where(datasets.c.id == dataset_id)).one_or_none()
        if row is None:
            raise NotFound("dataset", dataset_id)
        return StoredDataset(**row._mapping)

    def content(self, dataset_id: str) -> bytes:
        """The bytes of a dataset, as they were added."""
        content = self._connection.scalar(_CONTENT, {"dataset_id": dataset_id})
        if content is None:
            raise NotFound("dataset", dataset_id)
        return bytes(content)

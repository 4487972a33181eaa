# Made by client/generate.py from the file of this name in fitd/asynchronous.
"""Datasets: uploaded once, and learnt from as often as wanted."""

from typing import Any, cast

from fitd.answers import DatasetView
from fitd.display import dataset_html
from fitd.payloads import Progress, payload_of
from fitd.synchronous.transport import Transport


class Dataset:
    """A stored dataset."""

    def __init__(self, transport: Transport, view: DatasetView) -> None:
        self._transport = transport
        self.view = view

    @property
    def id(self) -> str:
        """Its id."""
        return self.view["id"]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.view["rows"]

    @property
    def columns(self) -> list[str]:
        """The names of its columns, if it is a table."""
        return [column["name"] for column in self.view.get("columns") or ()]

    def download(self, file_format: str = "parquet") -> bytes:
        """The table as `csv`, `parquet` or `arrow`."""
        path = f"/v1/datasets/{self.id}/content"
        return (self._transport.send("GET", path, params={"format": file_format})).content

    def delete(self) -> None:
        """Deletes it; a job that has not ended may still need it, which is a Conflict."""
        self._transport.send("DELETE", f"/v1/datasets/{self.id}")

    def __repr__(self) -> str:
        return f"<Dataset {self.id} {self.rows:,} rows>"

    def _repr_html_(self) -> str:
        return dataset_html(self.view)


class Datasets:
    """The datasets of a service."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(
        self,
        data: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        name: str | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Dataset:
        """Stores a path, a frame, arrays x and y, a dictionary of columns or a list of dictionaries.

        Equal data are stored once. `options` say how a CSV is read: `delimiter`, `decimal`, `na_values` and so on.
        """
        payload = payload_of(data, y, sample_weight)
        params = {"name": name, **options}
        answer = self._transport.send("POST", "/v1/datasets", params=params, payload=payload, progress=progress)
        return Dataset(self._transport, cast("DatasetView", answer.json()))

    def get(self, dataset_id: str) -> Dataset:
        """The dataset with this id or, if no other has it, this name."""
        return Dataset(self._transport, self._transport.get(f"/v1/datasets/{dataset_id}"))

    def list(self, *, name: str | None = None, limit: int = 100) -> list[Dataset]:
        """The newest datasets, at most `limit`."""
        found: list[Dataset] = []
        cursor = None
        while len(found) < limit:
            size = min(limit - len(found), 100)
            page = self._transport.get("/v1/datasets", name=name, limit=size, cursor=cursor)
            found += [Dataset(self._transport, view) for view in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return found

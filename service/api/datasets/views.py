"""Views of datasets: what the API answers about them."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from service.api.examples import DATASET
from service.api.http.remarks import Remark
from service.errors import pointer
from service.storage import StoredDataset

_ADVICE = {
    "number": "look like numbers and are taken for categories. "
    "Write them as 1234.5 and nothing where one is missing, or say ?decimal=, of a CSV without other marks.",
    "mostly_number": "are mostly numbers and all taken for categories. Write nothing where there is no number.",
    "date": "look like dates and are taken for categories. Write them as 2024-03-31, and nothing where one is missing.",
}


class ValueCount(BaseModel):
    """A value of a column and how many rows have it."""

    value: str | bool
    count: int


class ColumnView(BaseModel):
    """What a column of a table holds."""

    name: str = Field(examples=["species"])
    type: Literal["number", "boolean", "category", "date", "empty"]
    missing: int = Field(description="Rows without a value.")
    min: int | float | str | None = None
    max: int | float | str | None = None
    mean: float | None = None
    deviation: float | None = None
    distinct: int | None = Field(None, description="Of texts and booleans: how many there are.")
    values: list[ValueCount] | None = Field(None, description="The most frequent of them.")
    looks_like: Literal["number", "mostly_number", "date"] | None = Field(
        None, description="What all texts of a category, or nine of ten, seem to be and are not read as."
    )


class DatasetLinks(BaseModel):
    """Paths of what belongs to a dataset."""

    self: str
    content: str


class DatasetView(BaseModel):
    """A stored dataset: a table with named columns, or arrays x and y."""

    id: str = Field(examples=[DATASET])
    name: str | None
    form: Literal["table", "arrays"]
    rows: int
    width: int = Field(description="The number of columns; of arrays that of the columns of x.")
    columns: list[ColumnView] | None = Field(None, description="Of a table; not in lists.")
    classes: list[str] | None = Field(None, description="Of arrays whose targets are class names.")
    warnings: list[Remark] = Field(
        default_factory=list,
        description="What was guessed, and may have been meant otherwise; see the parameters of the upload.",
    )
    sha256: str | None = Field(
        description="Of the data as stored: equal data have equal hashes, whatever they came as."
    )
    size_bytes: int
    created_at: datetime
    links: DatasetLinks

    @classmethod
    def of(cls, stored: StoredDataset, *, columns: bool = True) -> Self:
        """The view of a dataset, with or without what is known about its columns."""
        described: list[dict[str, Any]] | None = stored.meta.get("columns")
        path = f"/v1/datasets/{stored.id}"
        return cls(
            id=stored.id,
            name=stored.name,
            form=stored.form,
            rows=stored.rows,
            width=stored.columns,
            columns=[ColumnView(**one) for one in described] if columns and described is not None else None,
            classes=stored.meta.get("classes"),
            warnings=[
                *(Remark(**one) for one in stored.meta.get("warnings", ())),
                *(_remark(one) for one in described or () if "looks_like" in one),
            ],
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            created_at=stored.created_at,
            links=DatasetLinks(self=path, content=f"{path}/content"),
        )


def _remark(column: dict[str, Any]) -> Remark:
    name, kind = column["name"], column["looks_like"]
    said = f"The texts of the column {name[:40]!r} {_ADVICE[kind]}"
    return Remark(pointer=pointer("columns", name), code=f"looks_like_{kind}s", detail=said)


class DatasetPage(BaseModel):
    """Some datasets, newest first."""

    items: list[DatasetView]
    next_cursor: str | None

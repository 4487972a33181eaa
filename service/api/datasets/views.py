"""Views of datasets: the JSON that the API returns for them."""

from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from service.api import fields
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

    value: str | bool = Field(description="A value of the column.")
    count: int = Field(description="The number of rows that have it.")


class ColumnView(BaseModel):
    """What a column of a table holds."""

    name: str = Field(examples=["species"], description="The name of the column.")
    type: Literal["number", "boolean", "category", "date", "empty"] = Field(
        description="What the column was read as; `empty` if it has no values."
    )
    missing: int = Field(description="The number of rows without a value.")
    min: int | float | str | None = Field(
        None, description="The smallest number or the earliest date; null for other types."
    )
    max: int | float | str | None = Field(
        None, description="The largest number or the latest date; null for other types."
    )
    mean: float | None = Field(None, description="The mean of the numbers; null for other types.")
    deviation: float | None = Field(None, description="The standard deviation of the numbers; null for other types.")
    distinct: int | None = Field(None, description="The number of different texts or booleans; null for other types.")
    values: list[ValueCount] | None = Field(
        None, description="The most frequent texts or booleans, each with its number of rows."
    )
    looks_like: Literal["number", "mostly_number", "date"] | None = Field(
        None,
        description="What at least nine of ten texts of a category look like, although they were not read as it; "
        "null if nothing.",
    )


class DatasetLinks(BaseModel):
    """Paths of what belongs to a dataset."""

    self: fields.SelfLink
    content: str = Field(description="Path of the table as a file: CSV, Parquet or Arrow; arrays cannot be downloaded.")


class DatasetView(BaseModel):
    """A stored dataset: a table with named columns, or arrays x and y."""

    id: str = Field(examples=[DATASET], description="The id of the dataset, `ds_` and 26 letters and digits.")
    name: str | None = Field(
        description="A name that can be used in place of the id, if no other dataset has it; null if none was given."
    )
    form: Literal["table", "arrays"] = Field(
        description="`table` with named columns of several types, or `arrays` x and y of numbers."
    )
    rows: fields.RowCount
    width: int = Field(description="The number of columns; for arrays, the number of columns of x.")
    columns: list[ColumnView] | None = Field(
        None, description="The columns of a table; null for arrays, and in lists of datasets."
    )
    classes: list[str] | None = Field(
        None, description="The class names of arrays whose targets are class names; null otherwise."
    )
    warnings: list[Remark] = Field(
        default_factory=list,
        description="What was guessed when the file was read and may have been meant otherwise; the parameters of "
        "the upload overrule it.",
    )
    sha256: str | None = Field(
        description="Hash of the stored data: equal data have equal hashes, whatever the format of the upload."
    )
    size_bytes: fields.SizeBytes
    created_at: fields.CreatedAt
    links: DatasetLinks = Field(description="Paths of the resources that belong to the dataset.")

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

    items: list[DatasetView] = Field(description="The datasets of this page, newest first.")
    next_cursor: fields.NextCursor

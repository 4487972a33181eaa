"""What a preset has to know of the data: how many rows, which columns of which kind, and what is to be predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from service.data.datasets import Dataset
from service.data.features import Prepared
from service.data.features.columns import AnyColumn
from service.data.tables import Table

Json = dict[str, Any]

EMBEDDED_FROM = 9
"""A category of so many texts gets a vector, one of fewer ones and zeros."""
MOST_CODES = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column to learn from: what it was found to be, how many texts it holds, and whether values are missing."""

    learnt: AnyColumn
    distinct: int
    has_gaps: bool

    @property
    def name(self) -> str:
        """The name of the column."""
        return self.learnt.name

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers that are scaled."""
        return self.learnt.type == "number" and self.learnt.encoding in ("standardize", "robust", "quantile")

    @property
    def is_embedded(self) -> bool:
        """Whether it holds so many texts that each gets a vector."""
        return self.learnt.type == "category" and self.distinct >= EMBEDDED_FROM


@dataclass(frozen=True, slots=True)
class Profile:
    """The rows, the columns and the task of a table or of arrays."""

    rows: int
    """The training rows."""
    classifies: bool
    columns: Sequence[Column] = ()
    """The columns of a table to learn from; empty for arrays."""
    means: Sequence[float] = ()
    """Of arrays the mean of each column, ..."""
    variances: Sequence[float] = ()
    """... and its variance."""

    @classmethod
    def of(cls, data: Dataset | Table, prepared: Prepared, *, classifies: bool | None = None) -> Self:
        """The profile of data that was prepared for a training, or of a glimpse of it.

        `classifies` is what a loss says, or None where there is none.
        """
        dataset, rows = prepared.dataset, prepared.dataset.rows
        if classifies is None:
            classifies = dataset.classes is not None or is_one_hot(dataset) or is_two_classes(dataset)
        if isinstance(data, Table):
            return cls(rows, classifies, [_column(data, one) for one in prepared.encoder.columns])
        x = dataset.x.astype(np.float64)
        return cls(rows, classifies, (), x.mean(axis=0).tolist(), x.var(axis=0).tolist())

    @property
    def batch_size(self) -> int:
        """The rows of a batch, by the number of training rows, as in pytabkit's TabM."""
        for rows, size in ((2_800, 32), (4_500, 64), (6_400, 128), (32_000, 256), (108_000, 512)):
            if self.rows < rows:
                return size
        return 1024


def is_one_hot(dataset: Dataset) -> bool:
    """Whether each target is a row with a single one."""
    y = dataset.y
    return y.ndim == 2 and y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def is_two_classes(dataset: Dataset) -> bool:
    """Whether the targets are the numbers 0 and 1 and no others, both of them."""
    y = dataset.y.reshape(-1) if dataset.y.ndim == 1 or dataset.y.shape[1] == 1 else dataset.y[:0, 0]
    return len(y) > 0 and bool(((y == 0) | (y == 1)).all()) and 0 < float(y.mean()) < 1


def _column(table: Table, learnt: AnyColumn) -> Column:
    told: Mapping[str, Any] = table.profile.get(learnt.name, {})
    categories = getattr(learnt, "categories", ())
    distinct = told.get("distinct", len(categories)) if categories else 0
    missing = told.get("missing", table.arrow[learnt.name].null_count)
    return Column(learnt, int(distinct), bool(missing))

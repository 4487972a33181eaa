"""The encoder: turns the columns of a table, or of arrays, into the inputs of a network."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from service.data.features.columns import AnyColumn, Floats, NumberColumn, Source, from_json_dict, to_json_dict
from service.data.features.rows import Rows, cut, taken
from service.data.names import is_named_as_index
from service.errors import Findings

_BLOCK_ROWS = 65_536


class Encoder:
    """Columns fitted on training rows; turns any rows into inputs, always in the same order."""

    has_names: ClassVar[bool] = True
    """Whether the columns have names, as those of a table do."""

    def __init__(self, columns: Sequence[AnyColumn], others: Collection[str] = ()) -> None:
        """`others` are further columns that rows may have, and that are ignored."""
        self._columns = list(columns)
        self.others = frozenset(others)

    @property
    def columns(self) -> list[AnyColumn]:
        """The columns in their order."""
        return self._columns

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    @cached_property
    def outputs(self) -> list[str]:
        """The names of the inputs that the columns become."""
        return [name for column in self.columns for name in column.outputs]

    @property
    def width(self) -> int:
        """The number of inputs."""
        return len(self.outputs)

    def passes_over(self, name: str) -> bool:
        """Whether rows may have this further column, as its table had it or as a saved index, to be ignored."""
        return name in self.others or is_named_as_index(name)

    def takes(self, findings: Findings, at: str, whose: str, *, is_table: bool) -> bool:
        """Whether datasets of this form can be encoded, a table or arrays; a mistake if not.

        `whose` says in the message where the encoder comes from.
        """
        if is_table == self.has_names:
            return True
        forms = ("arrays x and y", "a dataset with named columns")
        expected, received = forms if is_table else reversed(forms)
        findings.error(at, "conflict", f"Expected {expected}, as {whose} has it; received {received}.")
        return False

    def for_columns(self, _names: Sequence[str], _findings: Findings) -> "Encoder":
        """The encoder of a table with these columns, the ones that are only repeated in a response left out."""
        return self

    def wanted(self, include: Collection[str]) -> set[str] | None:
        """The columns of a table that have to be read, with these as well; None for all of them."""
        return {*self.names, *include}

    def lacking(self, given: Collection[str], *, may_be_misspelt: bool = False) -> list[str]:
        """The columns that have to be among the given ones and are not.

        A column that takes gaps may be left out: it is a gap in each row. It may not where none is given, or where
        others are given that nobody knows, which may be its own name misspelt.
        """
        if may_be_misspelt or not any(name in given for name in self.names):
            return [name for name in self.names if name not in given]
        return [column.name for column in self.columns if column.missing == "reject" and column.name not in given]

    def encode(self, source: Source, parts: Sequence[Rows] | None = None) -> list[Floats]:
        """Returns the inputs, float32 of shape (rows, width), of each part of the rows; by default of all rows."""
        parts = [range(source.rows)] if parts is None else parts
        made = [np.empty((len(rows), self.width), np.float32) for rows in parts]
        for start in range(0, source.rows, _BLOCK_ROWS):
            stop = min(start + _BLOCK_ROWS, source.rows)
            cuts = [cut(rows, start, stop) for rows in parts]
            wanted = [(x[places], rows) for x, (places, rows) in zip(made, cuts, strict=True) if len(rows)]
            if wanted:
                self._write(source if stop - start == source.rows else source.slice(start, stop - start), wanted)
        return made

    def _write(self, source: Source, wanted: Sequence[tuple[Floats, Rows]]) -> None:
        place = 0
        for column in self.columns:
            values: Any = column.read(source)
            after = place + len(column.outputs)
            for x, rows in wanted:
                column.write(taken(values, rows), x[:, place:after])
            place = after

    def find_rejected(self, source: Source, at: str, findings: Findings, rows: Rows) -> None:
        """Notes each value that is missing in these rows of a column that refuses that; `at` is where rows are."""
        for column in self.columns:
            if column.missing == "reject":
                absent: NDArray[np.bool_] = column.find_missing(column.read(source))  # type: ignore[arg-type]
                found = np.asarray(rows)[taken(absent, rows)]
                for row in found[: findings.limit]:
                    expected = f"Expected a value for {column.name[:40]!r}; there is none."
                    findings.error(f"{at}/{row}", "missing", expected)
                findings.total += max(0, len(found) - findings.limit)

    @property
    def features(self) -> list[dict[str, Any]] | None:
        """The columns as a version stores them, with all that they have learned; None if they have no names."""
        return self.to_json_list()

    def to_json_list(self) -> list[dict[str, Any]]:
        """Returns everything that the columns have learned, in their order."""
        return [to_json_dict(column) for column in self.columns]

    @classmethod
    def from_json_list(cls, value: Sequence[Mapping[str, Any]], others: Collection[str] = ()) -> Self:
        """The encoder that `to_json_list` described."""
        return cls([from_json_dict(column) for column in value], others)


class PlainEncoder(Encoder):
    """The encoder of arrays: columns of plain numbers, which are called by their places from 0."""

    has_names = False

    def __init__(self, width: int) -> None:
        """`width` is the number of columns, and of inputs."""
        super().__init__(())
        self._width = width

    @cached_property
    def columns(self) -> list[AnyColumn]:  # made at first use: most arrays are used as they are
        """A number for each place."""
        return [_plain(str(place)) for place in range(self._width)]

    @property
    def width(self) -> int:
        """The number of columns."""
        return self._width

    def for_columns(self, names: Sequence[str], findings: Findings) -> Encoder:
        """The same for columns with these names, in this order."""
        if len(names) != self._width:
            expected = f"Expected {self._width} columns; received {len(names)} that are not to be included."
            findings.error("#/columns", "width_mismatch", expected)
        return Encoder([_plain(name) for name in names])

    def wanted(self, _include: Collection[str]) -> set[str] | None:
        """All columns, whatever their names."""
        return None

    @property
    def features(self) -> None:
        """Nothing was learned."""
        return


def _plain(name: str) -> NumberColumn:
    return NumberColumn(name, "none", "reject", 0.0)


def restored(features: Sequence[Mapping[str, Any]] | None, width: int, others: Collection[str] = ()) -> Encoder:
    """The encoder of a version: that of its `features`, or that of arrays of this width."""
    return PlainEncoder(width) if features is None else Encoder.from_json_list(features, others)

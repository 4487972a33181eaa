"""The encoder: the columns of a table, in the data's own words, become the inputs of a network."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.data.features.columns import AnyColumn, Floats, Source, from_json_dict, to_json_dict
from service.data.features.rows import Rows, cut, taken
from service.errors import Findings

_BLOCK_ROWS = 65_536


class Encoder:
    """Columns that have learnt from training rows; makes inputs of any rows, always in the same order."""

    def __init__(self, columns: Sequence[AnyColumn], others: Collection[str] = ()) -> None:
        """`others` are columns that may stand beside these and are not looked at."""
        self.columns = list(columns)
        self.others = frozenset(others)
        self.names = [column.name for column in columns]
        self.outputs = [name for column in columns for name in column.outputs]

    @property
    def width(self) -> int:
        """The number of inputs."""
        return len(self.outputs)

    def lacking(self, given: Collection[str], *, may_be_misspelt: bool = False) -> list[str]:
        """The columns that have to be among the given ones and are not.

        A column that takes gaps may be left out: it is a gap in each row. It may not where none is given, or where
        others are given that nobody knows, which may be its own name misspelt.
        """
        if may_be_misspelt or not any(name in given for name in self.names):
            return [name for name in self.names if name not in given]
        return [column.name for column in self.columns if column.missing == "reject" and column.name not in given]

    def encode(self, source: Source, parts: Sequence[Rows] | None = None) -> list[Floats]:
        """The inputs (rows, width) of each part of the rows, by default of all; little else is in memory."""
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

    def to_json_list(self) -> list[dict[str, Any]]:
        """Everything that the columns have learnt, in their order."""
        return [to_json_dict(column) for column in self.columns]

    @classmethod
    def from_json_list(cls, value: Sequence[Mapping[str, Any]], others: Collection[str] = ()) -> Self:
        """The encoder that `to_json_list` described."""
        return cls([from_json_dict(column) for column in value], others)

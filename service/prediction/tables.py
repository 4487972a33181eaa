"""Predicts tables block by block, so that the memory does not grow with the number of rows."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from service.config import Limits
from service.data.features.inputs import encoder_of, inputs_of
from service.data.features.records import refuse_unknown
from service.data.tables import Table
from service.errors import Findings, TooLarge
from service.prediction.outputs import Asked, Floats, Outputs
from service.prediction.versions import LoadedVersion

Item = TypeVar("Item")

PART_ROWS = 65_536
"""The most rows of one table of outputs."""

_PART_BYTES = 64 << 20
_MOST_ROWS, _FEWEST_ROWS = 8192, 256
_BLOCK_BYTES = 16 << 20
_MOST_AHEAD = PART_ROWS // _MOST_ROWS
_BYTES_AHEAD = 16 << 20
"""Reading a part takes as long as predicting several blocks, so it is done ahead, in another thread."""

_BLOCK_WORK = 4_000_000_000
"""Multiplications of one block: other callers of the same version wait for at most one block."""


def kinds_of_arrays(columns: int) -> dict[str, str]:
    """The kinds of the columns that `tables_of` gives to arrays."""
    return dict.fromkeys(map(str, range(columns)), "number")


def tables_of(x: Floats) -> Iterator[Table]:
    """The rows of an array (rows, columns) as tables, their columns named by their places from 0."""
    import pyarrow as pa  # noqa: PLC0415 - only who asks in columns pays for it

    names = list(kinds_of_arrays(x.shape[1]))
    for start in range(0, len(x), _MOST_ROWS):
        yield Table(pa.table(list(map(pa.array, x[start : start + _MOST_ROWS].T.copy())), names=names))


class TablePrediction:
    """Predicts tables with certain columns, and returns columns."""

    def __init__(
        self,
        loaded: LoadedVersion,
        asked: Asked,
        kinds: Mapping[str, str],
        findings: Findings,
        *,
        include: Sequence[str] = (),
        at: str = "#/",
    ) -> None:
        """`kinds` are those of the columns; what is wrong with them or with what is asked goes to the findings.

        `include` are columns to repeat before the outputs. `at` is put before the names of what is asked.
        """
        self._loaded = loaded
        self._include = include
        self._outputs = Outputs(loaded, asked, findings, at)
        self.encoder = encoder_of(loaded.encoder, kinds, include, findings)
        self.names = [*include, *self._outputs.names]
        for name in include:
            if name not in kinds:
                refuse_unknown(name, list(kinds), f"{at}include", findings)
            elif self.names.count(name) > 1:
                findings.error(f"{at}include", "duplicate", f"The answer would have two columns {name[:40]!r}.")
        width = max(loaded.columns, self.encoder.width, loaded.meaning.units)
        work = _BLOCK_WORK // max(1, loaded.model.count_params())
        self._block_rows = max(_FEWEST_ROWS, min(_MOST_ROWS, _BLOCK_BYTES // (4 * width), work))
        self._blocks_ahead = max(1, min(_MOST_AHEAD, _BYTES_AHEAD // (4 * width * self._block_rows)))
        self._part_rows = max(self._block_rows, min(PART_ROWS, _PART_BYTES // (4 * max(1, len(self.names)))))

    def check_size(self, rows: int, limits: Limits) -> None:
        """`TooLarge` if the response to so many rows has more values than a table may have."""
        if rows * len(self.names) > limits.max_table_cells:
            detail = f"The answer has more values than the limit of {limits.max_table_cells:,}; request fewer outputs."
            raise TooLarge(detail, limit=limits.max_table_cells, unit="cells")

    def answers(
        self, tables: Iterable[Table], findings: Findings, watch: Callable[[int], object] = lambda _rows: None
    ) -> Iterator[Any]:
        """Yields the predictions as pyarrow tables; raises `Invalid` with the cells that cannot be encoded.

        After the first such cell it only checks the remaining rows. `watch` is called after each block with
        how many rows are predicted.
        """
        done, predictions = 0, np.empty((0, *self._loaded.model.output_shape[1:]), np.float32)
        for part, start, x in _ahead(self._inputs(tables, findings), self._blocks_ahead):
            if start == 0:
                predictions = np.empty((part.rows, *predictions.shape[1:]), np.float32)
            if not findings.total:
                predictions[start : start + len(x)] = self._loaded.predict(x)
                done += len(x)
            watch(done)
            if start + len(x) == part.rows and not findings.total:
                yield self._answer(part, predictions)
        findings.raise_errors()

    def _inputs(self, tables: Iterable[Table], findings: Findings) -> Iterator[tuple[Table, int, Floats]]:
        """The parts of the tables, block by block: where in its part each block begins, and its inputs."""
        first_row = 0
        for table in tables:
            for part in table.parts(self._part_rows):
                start = 0
                for block in part.parts(self._block_rows):
                    yield part, start, inputs_of(self.encoder, block, first_row + start, findings)
                    start += block.rows
                    if findings.total >= findings.limit:
                        raise findings.refusal()
                first_row += part.rows

    def _answer(self, part: Table, predictions: Floats) -> Any:
        import pyarrow as pa  # noqa: PLC0415 - as above

        columns = [*(part.arrow[name] for name in self._include), *self._outputs.columns(predictions)]
        return pa.table(columns, names=self.names)


def _ahead(items: Iterator[Item], most: int) -> Iterator[Item]:
    """Yields the same items, made ahead by another thread, at most this many, while the caller uses the one before."""
    with ThreadPoolExecutor(1, "fitd-ahead") as beside:
        coming = deque(beside.submit(_next, items) for _ in range(most))
        try:
            while found := coming.popleft().result():
                coming.append(beside.submit(_next, items))
                yield found[0]
        finally:
            for one in coming:
                one.cancel()


def _next(items: Iterator[Item]) -> tuple[Item] | None:
    for item in items:
        return (item,)
    return None

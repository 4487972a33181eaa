"""Partial dependence of what a version answers on columns of the data that it is measured on."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from service.data.datasets import Dataset
from service.data.features.columns import AnyColumn, CategoryColumn, DateColumn, Source
from service.data.features.rows import Rows, taken
from service.errors import Findings
from service.evaluation.partial_dependence import GRID, Grid, grid_values, partial_dependence
from service.prediction.answers import answer_names, answers
from service.prediction.versions import LoadedVersion

MOST_COLUMNS, MOST_EVALUATIONS, MOST_WORK, FEWEST_ROWS = 10, 5_000_000, 40_000_000_000, 50
"""Of one request: columns, rows that are predicted, and multiplications for them; so many rows are always used."""

_MOST_OUTPUTS = 20


def read_columns(value: Any, loaded: LoadedVersion, findings: Findings) -> list[str]:
    """The names of columns in `partial_dependence`, each once; a finding where the version does not know one."""
    if value is None:
        return []
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_COLUMNS or any(type(one) is not str for one in value):
        expected = f"Expected a list of 1 to {MOST_COLUMNS} names of columns."
        findings.error("#/partial_dependence", "wrong_type", expected)
        return []
    known = [column.name for column in loaded.encoder.columns]
    for place, name in enumerate(value):
        if name not in known:
            said = f"The version has no column {name[:40]!r}. Known: {', '.join(known[:20])}."
            findings.error(f"#/partial_dependence/{place}", "unknown_column", said)
    return list(dict.fromkeys(value))


def dependences(
    loaded: LoadedVersion, names: Sequence[str], dataset: Dataset, source: Source | None, rows: Rows
) -> list[dict[str, Any]]:
    """For each column how the answers depend on it; `source` holds the columns of `rows`, None where they are inputs.

    Of very many rows, evenly spaced ones are used.
    """
    most = min(MOST_EVALUATIONS, MOST_WORK // max(1, loaded.model.count_params())) // (GRID * max(1, len(names)))
    x = dataset.x[:: -(-dataset.rows // max(FEWEST_ROWS, most))]
    outputs = answer_names(loaded)[:_MOST_OUTPUTS]
    known = {column.name: number for number, column in enumerate(loaded.encoder.columns)}
    made = []
    for name in names:
        number = known[name]
        grid = _grid(loaded.encoder.columns[number], loaded.places[number], dataset, source, rows)
        made.append(partial_dependence(lambda inputs: answers(loaded, inputs), x, grid, outputs))
    return made


def _grid(column: AnyColumn, place: slice, dataset: Dataset, source: Source | None, rows: Rows) -> Grid:
    if isinstance(column, CategoryColumn) and source is not None:
        texts, codes = source.encoded(column.name)
        counts = np.bincount(taken(codes, rows)[taken(codes, rows) >= 0], minlength=len(texts))
        frequent = sorted(range(len(texts)), key=lambda code: (-counts[code], texts[code]))[:GRID]
        values: list[Any] = sorted(texts[code] for code in frequent if counts[code])
        encoded: Any = column.places(values, np.arange(len(values), dtype=np.int32))
    else:
        held: Any = dataset.x[:, place][:, 0] if source is None else taken(source.numbers(column.name), rows)
        encoded = grid_values(held.astype(np.float64))
        values = [_date(days) for days in encoded] if isinstance(column, DateColumn) else encoded.tolist()
    inputs = np.zeros((len(values), place.stop - place.start), np.float32)
    if len(values):
        column.write(encoded, inputs)
    return Grid(column.name, values, inputs, place)


def _date(days: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=float(days))).replace(tzinfo=None).isoformat()

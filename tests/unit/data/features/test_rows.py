"""Rows are the same whether they are a range or numbers, and whichever way a table is read."""

import tracemalloc
from unittest import mock

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from service.config import Limits
from service.data.features import encoder, prepare
from service.data.features.encoder import Encoder
from service.data.features.fitting import fit_encoder
from service.data.features.records import read_records
from service.data.features.rows import compact, cut, taken
from service.data.tables import Table
from service.errors import Findings
from service.spec.data import DataSpec

ROWS = st.sets(st.integers(0, 30), min_size=1).map(sorted)


@given(rows=ROWS, start=st.integers(0, 30), size=st.integers(1, 30))
def test_rows_are_cut_and_taken_alike_as_a_range_and_as_numbers(rows: list[int], start: int, size: int) -> None:
    values, numbers = np.arange(0, 310, 10), np.array(rows)
    held = compact(numbers)
    assert isinstance(held, range) == (rows == list(range(rows[0], rows[-1] + 1)))
    assert taken(values, held).tolist() == [10 * row for row in rows]
    for part in (held, numbers):
        places, inside = cut(part, start, start + size)
        assert [row + start for row in inside] == [row for row in rows if start <= row < start + size]
        assert numbers[places].tolist() == [row + start for row in inside]


def table_of(rows: int) -> Table:
    rng = np.random.default_rng(3)
    texts = pa.array(rng.choice(["a", "b", "c"], rows), mask=rng.random(rows) < 0.2)
    flags = pa.array(rng.random(rows) < 0.5, mask=rng.random(rows) < 0.2)
    return Table(pa.table({"number": rng.normal(size=rows), "text": texts, "flag": flags, "y": rng.random(rows)}))


def encoder_of(table: Table, rows: range) -> Encoder:
    asked = DataSpec.model_validate({"target": "y"})
    made = fit_encoder(table, asked, used=["y"], rows=rows, everything=rows, findings=Findings(), at="#")
    assert made is not None
    return made


@given(parts=st.lists(ROWS.map(np.array).map(compact), min_size=1, max_size=3), block=st.integers(1, 40))
def test_a_table_that_is_read_in_blocks_gives_the_same_inputs(parts: list[range], block: int) -> None:
    table = table_of(31)
    columns = encoder_of(table, range(31))
    whole = columns.encode(table)[0]
    with mock.patch.object(encoder, "_BLOCK_ROWS", block):
        for rows, x in zip(parts, columns.encode(table, parts), strict=True):
            np.testing.assert_array_equal(x, taken(whole, rows))


def test_rows_of_a_request_that_are_read_in_blocks_give_the_same_inputs() -> None:
    columns = encoder_of(table_of(31), range(31))
    rows = [{"number": i / 7, "text": "abc"[i % 3], "flag": i % 2 == 0} for i in range(9)]
    records = read_records(rows, columns, "#", Findings(), Limits())
    assert records is not None
    whole = columns.encode(records)[0]
    with mock.patch.object(encoder, "_BLOCK_ROWS", 4):
        np.testing.assert_array_equal(columns.encode(records)[0], whole)


def test_preparing_a_table_takes_little_more_memory_than_its_inputs() -> None:
    rng = np.random.default_rng(3)
    rows = 400_000
    table = Table(pa.table({f"n{i}": rng.normal(size=rows) for i in range(20)} | {"y": rng.integers(0, 2, rows)}))
    asked = DataSpec.model_validate({"target": "y"})
    tracemalloc.start()
    try:
        made = prepare(table, asked, Findings(), classifies=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made is not None
    assert peak < 1.25 * made.dataset.x.nbytes

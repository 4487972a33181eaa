"""A table is the same however it comes: in one block or many, in every format, its columns in any order."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.config import Limits
from service.data.tables import Table
from service.errors import FitdError
from service.formats.csv import blocks as csv_blocks
from service.formats.downloads import FORMATS, encode_table
from service.formats.tables import CSV, write_table

PLAIN = st.sampled_from(["", "1", "-2", "2.5", "1e3", "true", "x", "é", "NA", "2024-01-02", " ", 'x"y', "'"])
QUOTED = st.text('a1,"\n\r é', max_size=6).map(lambda text: '"' + text.replace('"', '""') + '"')
ODD = st.sampled_from(['"', '"a"b"', ' "a"', '""x'])
CELLS = st.one_of(PLAIN, PLAIN, QUOTED)
LINES = st.lists(CELLS | ODD, min_size=2, max_size=2) | st.lists(CELLS, min_size=1, max_size=3)
BODIES = st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=12) | st.lists(LINES, max_size=12)

TEXTS = st.text("xyz,;\"'\n é", max_size=5).map("text {}".format)
COLUMNS = [
    (pa.int64(), st.integers(-(2**53), 2**53)),
    (pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    (pa.bool_(), st.booleans()),
    (pa.string(), TEXTS),
    (pa.timestamp("us"), st.integers(-(2**51), 2**52)),
]


def read(content: bytes, media_type: str = CSV) -> Any:
    """The table in a file, or the kind of its refusal."""
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.write_bytes(content)
        try:
            write_table(source, media_type, target, Limits())
        except FitdError as refusal:
            return type(refusal)
        return Table.from_file(target).arrow


@example(body=[["1", '"a\n"'], ["2", '"""\n"']], line_end="\n", sizes=(9, 3))
@example(body=[["1", "2"], ["1.5", "true"]], line_end="\n", sizes=(9, 3))
@example(body=[["1", "2"], ['"a"b"', "true"], ['"', "1"]], line_end="\n", sizes=(9, 3))
@given(
    body=BODIES,
    line_end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    sizes=st.tuples(st.integers(5, 40), st.integers(1, 40)),
)
@settings(max_examples=300, deadline=None)
def test_where_a_text_is_cut_never_matters(body: list[list[str]], line_end: str, sizes: tuple[int, int]) -> None:
    content = line_end.join(["first,second", *(",".join(row) for row in body)]).encode()
    whole = read(content)
    first, later = sizes
    with mock.patch.multiple(csv_blocks, _FIRST_BLOCK_BYTES=first, _BLOCK_BYTES=later):
        in_blocks = read(content)
    assert in_blocks == whole


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A table as it is stored; each column has a value somewhere, as its type could not be known otherwise."""
    kinds = draw(st.lists(st.sampled_from(COLUMNS), min_size=2, max_size=4))
    rows = draw(st.integers(1, 6))
    gaps = [st.lists(st.none() | values, min_size=rows - 1, max_size=rows - 1) for _, values in kinds]
    columns = [[draw(values), *draw(more)] for (_, values), more in zip(kinds, gaps, strict=True)]
    made = [pa.array(values, kind) for values, (kind, _) in zip(columns, kinds, strict=True)]
    return pa.table(made, names=[f"column {place}" for place in range(len(made))])


@pytest.mark.parametrize("media_type", FORMATS.values())
@given(table=tables())
@settings(max_examples=60, deadline=None)
def test_a_table_comes_back_the_same_in_every_format(media_type: str, table: pa.Table) -> None:
    again = Table(read(b"".join(encode_table(table, media_type)), media_type))
    assert again.kinds == Table(table).kinds
    assert again.arrow.cast(table.schema) == table, "a text has one type for 1 and 1.0"


HARD_TEXTS = st.sampled_from(
    ["", "NA", "null", "nan", "007", "7", "1e3", "1,050", "$5", "12%", "true", "2024-01-02", " x", "x "]
)
HARD_COLUMNS = [
    (pa.string(), HARD_TEXTS),
    (pa.string(), TEXTS),
    (pa.float64(), st.sampled_from([0.1, 1.125, 2.5, -1e300])),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.decimal128(38, 0), st.integers(2**63, 10**37)),
    (pa.bool_(), st.booleans()),
    (pa.timestamp("us"), st.integers(-(2**54), 2**54)),
]
HARD_NAMES = st.sampled_from(["country", "2019", "2020", "0", "1", "2", "NA", "a b", "a,b", " a", "1.5", 'q"t'])


@st.composite
def hard_tables(draw: st.DrawFn) -> pa.Table:
    """A table whose texts and names look like something else, and a column of numbers."""
    names = draw(st.lists(HARD_NAMES, min_size=2, max_size=4, unique=True))
    kinds = [
        (pa.float64(), st.sampled_from([0.5, 2.25])),
        *draw(st.lists(st.sampled_from(HARD_COLUMNS), min_size=3, max_size=3)),
    ]
    kinds = kinds[: len(names)]
    rows = draw(st.integers(1, 5))
    columns = [
        [draw(values), *draw(st.lists(st.none() | values, min_size=rows - 1, max_size=rows - 1))] for _, values in kinds
    ]
    return pa.table([pa.array(column, kind) for column, (kind, _) in zip(columns, kinds, strict=True)], names=names)


@pytest.mark.parametrize("media_type", FORMATS.values())
@given(table=hard_tables())
@settings(max_examples=100, deadline=None)
def test_what_looks_like_something_else_comes_back_as_what_it_was(media_type: str, table: pa.Table) -> None:
    again = Table(read(b"".join(encode_table(table, media_type)), media_type))
    before = Table(table)
    assert again.names == before.names
    assert again.kinds == before.kinds
    for name in before.names:
        texts, codes = before.encoded(name)
        texts_again, codes_again = again.encoded(name)
        told = [None if code < 0 else texts[code] for code in codes]
        assert [None if code < 0 else texts_again[code] for code in codes_again] == told

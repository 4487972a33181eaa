"""Inputs of tables: a column or a cell that cannot be one is named, and what can be is as it was learnt."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv

from service.config import Limits
from service.data.features import Encoder, PlainEncoder
from service.data.features.columns import AnyColumn, CategoryColumn, DateColumn, NumberColumn
from service.data.features.inherited import find_unreadable
from service.data.features.inputs import encoder_of, inputs_of, text_columns
from service.data.features.records import days_of, read_records
from service.data.tables import Table
from service.errors import Findings
from service.formats.csv.dialect import Dialect
from service.formats.tables import write_table

NUMBER = NumberColumn("age", "standardize", "mean", 4.0, 4.0, 2.0)
SURE = NumberColumn("age", "none", "reject", 0.0)
YES = NumberColumn("age", "boolean", "mean", 0.0)
DAY = DateColumn("age", "days", "mean", 10.0, 10.0, 5.0, has_times=False)
ZONE = CategoryColumn("age", "integer", "reject", None, ["a", "b"])


def inputs(column: AnyColumn, values: list[Any], first_row: int = 0) -> tuple[list[float], set[tuple[str, str]]]:
    """The inputs of one column, and what was found."""
    findings = Findings()
    x = inputs_of(Encoder([column]), Table(pa.table({"age": values})), first_row, findings)
    return x[:, 0].tolist(), {(one.pointer, one.code) for one in findings.errors}


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (NUMBER, [2, 4, None], [-1.0, 0.0, 0.0]),
        (NUMBER, ["2", "4.0", None], [-1.0, 0.0, 0.0]),
        (NUMBER, [None, None], [0.0, 0.0]),
        (NUMBER, [True, False], [-1.5, -2.0]),
        (YES, ["true", "False", None], [1.0, 0.0, 0.0]),
        (YES, [1, 0, None], [1.0, 0.0, 0.0]),
        (DAY, ["1970-01-11", None, "1970-01-16"], [0.0, 0.0, 1.0]),
        (ZONE, ["b", "a", "c"], [2.0, 1.0, 0.0]),
    ],
)
def test_cells_become_inputs(column: AnyColumn, values: list[Any], expected: list[float]) -> None:
    assert inputs(column, values) == (expected, set())


@pytest.mark.parametrize(
    ("column", "values", "code"),
    [
        (NUMBER, [1.0, 1e300], "not_finite"),
        (NUMBER, ["1", "-1e300"], "not_finite"),
        (NUMBER, ["1", "inf"], "not_finite"),
        (NUMBER, ["1", "one"], "wrong_type"),
        (YES, ["true", "perhaps"], "wrong_type"),
        (YES, [1, 2], "wrong_type"),
        (YES, [0.0, 0.5], "wrong_type"),
        (YES, [1.0, float("inf")], "wrong_type"),
        (DAY, ["1970-01-11", "soon"], "wrong_type"),
        (SURE, [1.0, None], "missing"),
        (SURE, ["1", "one"], "wrong_type"),
        (SURE, [1.0, float("nan")], "missing"),
        (ZONE, ["a", None], "missing"),
    ],
)
def test_a_cell_that_is_no_input_is_named_by_its_row_and_column(
    column: AnyColumn, values: list[Any], code: str
) -> None:
    assert inputs(column, values, first_row=100)[1] == {("#/rows/101/age", code)}


def test_cells_beyond_those_that_are_shown_are_counted() -> None:
    findings = Findings(limit=3)
    inputs_of(Encoder([SURE]), Table(pa.table({"age": ["x"] * 50})), 0, findings)
    assert (len(findings.errors), findings.total) == (3, 50)


@pytest.mark.parametrize(
    ("kinds", "include", "found"),
    [
        ({"age": "number"}, [], set()),
        ({"age": "empty", "old": "date"}, [], set()),
        ({"age": "boolean", "id": "category"}, ["id"], set()),
        ({"age": "date"}, [], {("#/columns/age", "wrong_type")}),
        ({"ago": "number"}, [], {("#/columns/age", "missing"), ("#/columns/ago", "unknown_column")}),
    ],
)
def test_columns_are_looked_over_before_any_cell(
    kinds: dict[str, str], include: list[str], found: set[tuple[str, str]]
) -> None:
    findings = Findings()
    encoder_of(Encoder([NUMBER], others=["old"]), kinds, include, findings)
    assert {(one.pointer, one.code) for one in findings.errors} == found


@pytest.mark.parametrize("column", [NUMBER, YES, DAY, ZONE])
def test_a_version_reads_the_same_columns_wherever_it_is_asked_and_texts_one_by_one(column: AnyColumn) -> None:
    columns = {"number": [1.0], "boolean": [True], "date": [datetime(2024, 1, 1)], "empty": [None], "category": ["x"]}  # noqa: DTZ001
    for kind, values in columns.items():
        table, asked, measured = Table(pa.table({"age": values})), Findings(), Findings()
        assert table.kinds == {"age": kind}
        encoder_of(Encoder([column]), table.kinds, [], asked)
        find_unreadable(table, Encoder([column]), "#/data", measured, range(1))
        wrong = {one.code for one in measured.errors} & {"wrong_type"}
        assert {one.code for one in asked.errors} == (wrong if kind != "category" else set())


def test_without_an_encoder_every_column_that_is_not_included_is_an_input() -> None:
    findings = Findings()
    encoder = encoder_of(PlainEncoder(2), {"b": "number", "id": "category", "a": "boolean"}, ["id"], findings)
    assert not findings.total
    table = Table(pa.table({"b": [0.1, 2.0], "id": ["x", "y"], "a": [True, False]}))
    x = inputs_of(encoder, table, 0, findings)
    assert np.array_equal(x, np.array([[0.1, 1], [2, 0]], np.float32))
    encoder_of(PlainEncoder(3), {"a": "number"}, [], findings)
    assert [(one.pointer, one.code) for one in findings.errors] == [("#/columns", "width_mismatch")]


@pytest.mark.parametrize(
    ("categories", "is_text"),
    [
        (["007", "8"], True),
        (["1.50"], True),
        (["north", "1"], True),
        (["1", "2", "-3"], False),
        (["1.5", "2"], False),
        (["true", "false"], False),
        (["1e-07", "0", "10000000000000000000000"], False),
        (["2024-01-01", "2024-01-01 10:11:12", "2024-01-01 10:11:12.500000"], False),
        (["2024-01-01 00:00:00"], True),
        (["2024-01-01 10:11:12.000000"], True),
    ],
)
def test_texts_that_only_look_like_something_else_are_kept_as_they_are(categories: list[str], is_text: bool) -> None:
    column = CategoryColumn("zone", "one_hot", "indicator", None, categories)
    assert text_columns(Encoder([NUMBER, column])) == ({"zone"} if is_text else set())
    assert text_columns(PlainEncoder(2)) == set()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (pa.array([1e-7, 2.5, 3.0, -0.0, 1e15, 1e22]), [1e-7, 2.5, 3, -0.0, 1e15, 1e22]),
        (pa.array([3.0, 2.0, -0.0]), [3, 2.0, 0]),
        (pa.array([True, False]), [True, False]),
        (
            pa.array(["2024-03-31", "2024-03-31 10:11:12", "2024-03-31 10:11:12.5"]).cast(pa.timestamp("us")),
            ["2024-03-31", "2024-03-31 10:11:12", "2024-03-31 10:11:12.500000"],
        ),
    ],
)
def test_a_category_is_the_same_text_in_a_table_a_record_and_a_csv(values: Any, told: Any, tmp_path: Path) -> None:
    table = Table(pa.table({"kind": values}))
    column = CategoryColumn.fit("kind", table.encoded("kind"), encoding="integer", missing="indicator", most=9)
    encoder = Encoder([column])
    expected = encoder.encode(table)[0].tolist()
    assert sorted(place for (place,) in expected) == list(range(1, len(values) + 1))
    records = read_records([[one] for one in told], encoder, "#", Findings(), Limits())
    assert records is not None
    assert encoder.encode(records)[0].tolist() == expected
    csv.write_csv(table.arrow, tmp_path / "asked.csv")
    dialect = Dialect(texts=text_columns(encoder))
    write_table(tmp_path / "asked.csv", "text/csv", tmp_path / "asked.arrow", Limits(), dialect)
    assert encoder.encode(Table.from_file(tmp_path / "asked.arrow"))[0].tolist() == expected


@given(microseconds=st.integers(0, 2**51))
def test_a_time_is_the_same_number_in_a_table_and_a_record(microseconds: int) -> None:
    times = pa.array([microseconds], pa.timestamp("us"))
    (expected,) = Table(pa.table({"seen": times})).numbers("seen")
    assert days_of(times[0].as_py().isoformat()) == expected

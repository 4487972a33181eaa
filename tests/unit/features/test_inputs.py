"""Inputs of tables: a column or a cell that cannot be one is named, and what can be is as it was learnt."""

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from service.errors import Findings
from service.features import Encoder
from service.features.columns import AnyColumn, CategoryColumn, DateColumn, NumberColumn
from service.features.inputs import encoder_of, inputs_of, text_columns
from service.features.learnt import find_unreadable
from service.tables import Table

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
    encoder_of(Encoder([NUMBER], others=["old"]), 1, kinds, include, findings)
    assert {(one.pointer, one.code) for one in findings.errors} == found


@pytest.mark.parametrize("column", [NUMBER, YES, DAY, ZONE])
def test_a_version_reads_the_same_columns_wherever_it_is_asked_and_texts_one_by_one(column: AnyColumn) -> None:
    columns = {"number": [1.0], "boolean": [True], "date": [datetime(2024, 1, 1)], "empty": [None], "category": ["x"]}  # noqa: DTZ001
    for kind, values in columns.items():
        table, asked, measured = Table(pa.table({"age": values})), Findings(), Findings()
        assert table.kinds == {"age": kind}
        encoder_of(Encoder([column]), 1, table.kinds, [], asked)
        find_unreadable(table, Encoder([column]), "#/data", measured)
        wrong = {one.code for one in measured.errors} & {"wrong_type"}
        assert {one.code for one in asked.errors} == (wrong if kind != "category" else set())


def test_without_an_encoder_every_column_that_is_not_included_is_an_input() -> None:
    findings = Findings()
    encoder = encoder_of(None, 2, {"b": "number", "id": "category", "a": "boolean"}, ["id"], findings)
    assert not findings.total
    table = Table(pa.table({"b": [0.1, 2.0], "id": ["x", "y"], "a": [True, False]}))
    x = inputs_of(encoder, table, 0, findings)
    assert np.array_equal(x, np.array([[0.1, 1], [2, 0]], np.float32))
    encoder_of(None, 3, {"a": "number"}, [], findings)
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
        (["2024-01-01 00:00:00.000000"], False),
    ],
)
def test_texts_that_only_look_like_something_else_are_kept_as_they_are(categories: list[str], is_text: bool) -> None:
    column = CategoryColumn("zone", "one_hot", "indicator", None, categories)
    assert text_columns(Encoder([NUMBER, column])) == ({"zone"} if is_text else set())
    assert text_columns(None) == set()

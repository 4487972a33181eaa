"""Shapley values, compared with shap's exact enumeration and with every order by hand."""

import itertools
import json
from typing import Any

import numpy as np
import pytest

from service.evaluation.shapley import MOST_EXACT, contributions, evaluations
from tests.unit.evaluation.record_shapley import PLACE, network

RECORDED = json.loads(PLACE.read_text())


def places(columns: int) -> list[slice]:
    return [slice(column, column + 1) for column in range(columns)]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: str(case["columns"]))
def test_few_columns_are_counted_in_full_as_shap_counts_them(case: Any) -> None:
    function, rows, baseline = network(case["columns"])
    for row, expected in zip(rows, case["values"], strict=True):
        found, exact = contributions(function, row, baseline, places(case["columns"]))
        assert exact
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_a_column_of_several_inputs_counts_as_one_in_every_order() -> None:
    function, rows, baseline = network(8)
    groups, row = [slice(0, 3), slice(3, 4), slice(4, 8)], rows[0]
    total = np.zeros((3, 2))
    for order in itertools.permutations(range(3)):
        x = baseline.copy()
        for column in order:
            before = function(x)
            x[groups[column]] = row[groups[column]]
            total[column] += function(x) - before
    np.testing.assert_allclose(contributions(function, row, baseline, groups)[0], total / 6, atol=1e-12)


def test_many_columns_are_sampled_near_the_full_count_and_always_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    function, rows, baseline = network(8)
    full = contributions(function, rows[0], baseline, places(8))[0]
    monkeypatch.setattr("service.evaluation.shapley.MOST_EXACT", 2)
    drawn, exact = contributions(function, rows[0], baseline, places(8))
    assert not exact
    np.testing.assert_allclose(drawn.sum(0), function(rows[0]) - function(baseline), atol=1e-12)
    assert np.abs(drawn - full).max() < 0.15 * np.abs(full).max()
    assert (drawn == contributions(function, rows[0], baseline, places(8))[0]).all()


def test_of_forty_columns_those_that_matter_get_their_due() -> None:
    weights, calls = np.zeros(40), list[int]()
    weights[[3, 17]] = 2.0, -1.0

    def function(x: Any) -> Any:
        calls.append(len(x))
        return (x @ weights)[:, None]

    found, exact = contributions(function, np.ones(40, np.float32), np.zeros(40, np.float32), places(40), orders=8)
    assert not exact
    np.testing.assert_allclose(found[:, 0], weights, atol=1e-12)
    assert sum(calls) <= evaluations(40, 8) + 8 + 2


def test_columns_as_in_the_baseline_add_nothing_and_cost_nothing() -> None:
    function, rows, baseline = network(8)
    row: Any = baseline.copy()
    calls: list[int] = []
    row[[1, 4]] = rows[0][[1, 4]]

    def counted(x: Any) -> Any:
        calls.append(len(x))
        return function(x)

    found, exact = contributions(counted, row, baseline, places(8))
    assert exact
    assert not found[[0, 2, 3, 5, 6, 7]].any()
    assert sum(calls) == 2 + 4
    assert contributions(function, baseline, baseline, places(8))[0].tolist() == np.zeros((8, 2)).tolist()
    assert MOST_EXACT == 10

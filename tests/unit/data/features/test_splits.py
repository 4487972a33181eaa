"""Splits: every row is dealt once, the same way again, and no class is lost to the training."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.data.features.splits import split
from service.spec.data import SplitSpec


@given(
    rows=st.integers(9, 200),
    validation=st.floats(0, 0.4),
    test=st.floats(0, 0.4),
    method=st.sampled_from(["random", "stratified", "last", "group"]),
    seed=st.integers(0, 100),
)
def test_a_split_deals_every_row_once_and_the_same_way_again(
    rows: int, validation: float, test: float, method: Any, seed: int
) -> None:
    asked = SplitSpec(validation=validation, test=test, method=method, seed=seed)
    groups = (np.arange(rows) % 3).astype(np.int32)
    parts = split(np.arange(rows), asked, groups)
    dealt = [parts.training, parts.validation, parts.test]
    assert sorted(np.concatenate(dealt).tolist()) == list(range(rows))
    again = split(np.arange(rows), asked, groups)
    assert all(
        np.array_equal(one, other)
        for one, other in zip(dealt, (again.training, again.validation, again.test), strict=True)
    )
    if method == "group":
        assert not set(groups[parts.training]) & set(groups[parts.test])
    if method == "stratified" and test:
        assert set(groups[parts.test]) == {0, 1, 2}
    if method == "last" and len(parts.test):
        assert parts.training[-1] < parts.test[0]


@pytest.mark.parametrize(
    ("rows", "validation", "test", "counts"),
    [
        (1, 0.0, 0.6, (1, 0, 0)),
        (2, 0.3, 0.3, (1, 0, 1)),
        (3, 0.5, 0.4, (1, 1, 1)),
        (3, 0.0, 0.9, (1, 0, 2)),
        (2, 0.7, 0.3, (0, 1, 1)),
        (10, 0.1, 0.2, (7, 1, 2)),
    ],
)
def test_no_class_is_held_out_to_its_last_row(
    rows: int, validation: float, test: float, counts: tuple[int, int, int]
) -> None:
    groups = np.array([0] * 20 + [1] * rows, np.int32)
    asked = SplitSpec(validation=validation, test=test, method="stratified")
    parts = split(np.arange(len(groups)), asked, groups)
    found = [int(groups[part].sum()) for part in (parts.training, parts.validation, parts.test)]
    assert tuple(found) == counts

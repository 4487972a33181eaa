"""Datasets: what is read, what is refused and where, and that bytes keep everything."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.config import Limits
from service.data.datasets import Dataset, dataset_of_arrays, read_dataset, with_sample_weight, with_validation
from service.errors import Damaged, Findings, Invalid

NAN, INFINITY = float("nan"), float("inf")


def read(data: Any, **limits: int) -> tuple[Dataset | None, list[tuple[str, str]]]:
    findings = Findings()
    dataset = read_dataset(data, findings, Limits(**limits))
    return dataset, [(error.pointer, error.code) for error in findings.errors]


def good(data: Any) -> Dataset:
    dataset, errors = read(data)
    assert errors == []
    assert dataset is not None
    return dataset


def test_rows_become_contiguous_float32() -> None:
    dataset = good({"x": [[1, 2.5], [3, 4]], "y": [0.5, 1]})
    assert dataset.x.dtype == np.float32
    assert dataset.x.flags.c_contiguous
    assert dataset.x.tolist() == [[1, 2.5], [3, 4]]
    assert (dataset.rows, dataset.columns) == (2, 2)


def test_whole_numbers_stay_whole_as_targets() -> None:
    y = good({"x": [[1], [2], [3]], "y": [2, 0, 1]}).y
    assert y.dtype == np.int32
    assert y.tolist() == [2, 0, 1]


def test_whole_numbers_beyond_int32_become_floats() -> None:
    y = good({"x": [[1], [2]], "y": [2**40, 1]}).y
    assert y.dtype == np.float32


def test_numbers_and_rows_of_numbers_are_float32_targets() -> None:
    assert good({"x": [[1], [2]], "y": [0.5, 1]}).y.shape == (2,)
    y = good({"x": [[1], [2]], "y": [[0, 1], [1, 0]]}).y
    assert y.shape == (2, 2)
    assert y.dtype == np.float32


def test_class_names_become_indices_in_alphabetical_order() -> None:
    dataset = good({"x": [[1], [2], [3]], "y": ["dog", "cat", "dog"]})
    assert dataset.classes == ("cat", "dog")
    assert dataset.y.tolist() == [1, 0, 1]


def test_class_names_follow_the_order_that_is_given() -> None:
    dataset = good({"x": [[1], [2]], "y": ["no", "yes"], "classes": ["yes", "no", "perhaps"]})
    assert dataset.classes == ("yes", "no", "perhaps")
    assert dataset.y.tolist() == [1, 0]


def test_given_classes_name_the_outputs_of_numeric_targets() -> None:
    assert good({"x": [[1], [2]], "y": [[0, 1], [1, 0]], "classes": ["a", "b"]}).classes == ("a", "b")


@pytest.mark.parametrize(
    ("data", "pointer", "code"),
    [
        (None, "#/data", "wrong_type"),
        ([[1], [2]], "#/data", "wrong_type"),
        ({"x": [[1]]}, "#/data/y", "missing"),
        ({"y": [1]}, "#/data/x", "missing"),
        ({"x": [[1]], "y": [1], "z": 1}, "#/data/z", "unknown_key"),
        ({"x": "[[1]]", "y": [1]}, "#/data/x", "wrong_type"),
        ({"x": [], "y": []}, "#/data/x", "empty"),
        ({"x": [[], []], "y": [1, 2]}, "#/data/x", "empty"),
        ({"x": [1, 2], "y": [1, 2]}, "#/data/x", "not_rows"),
        ({"x": [[1, 2], [3]], "y": [1, 2]}, "#/data/x/1", "ragged_rows"),
        ({"x": [[1, 2], [], [3, 4]], "y": [1, 2, 3]}, "#/data/x/1", "ragged_rows"),
        ({"x": [[1, 2], 3], "y": [1, 2]}, "#/data/x/1", "mixed_types"),
        ({"x": [[1, 2], None], "y": [1, 2]}, "#/data/x/1", "mixed_types"),
        ({"x": [[1, "2"]], "y": [1]}, "#/data/x/0/1", "not_a_number"),
        ({"x": [[1, None]], "y": [1]}, "#/data/x/0/1", "not_a_number"),
        ({"x": [[1, True]], "y": [1]}, "#/data/x/0/1", "not_a_number"),
        ({"x": [[1, [2]]], "y": [1]}, "#/data/x/0/1", "not_a_number"),
        ({"x": [[1, {}]], "y": [1]}, "#/data/x/0/1", "not_a_number"),
        ({"x": [[1, NAN]], "y": [1]}, "#/data/x/0/1", "not_finite"),
        ({"x": [[-INFINITY, 1]], "y": [1]}, "#/data/x/0/0", "not_finite"),
        ({"x": [[1e39, 1]], "y": [1]}, "#/data/x/0/0", "not_finite"),
        ({"x": [[10**300, 1]], "y": [1]}, "#/data/x/0/0", "not_finite"),
        ({"x": [[10**400, 1]], "y": [1]}, "#/data/x/0/0", "not_finite"),
        ({"x": [[1]], "y": [10**400]}, "#/data/y/0", "not_finite"),
        ({"x": [[0.0, False]], "y": [1]}, "#/data/x/0/1", "not_a_number"),
        ({"x": [[1], [2]], "y": [1]}, "#/data/y", "length_mismatch"),
        ({"x": [[1], [2]], "y": []}, "#/data/y", "empty"),
        ({"x": [[1], [2]], "y": {"0": 1}}, "#/data/y", "wrong_type"),
        ({"x": [[1], [2]], "y": [1, None]}, "#/data/y/1", "not_a_number"),
        ({"x": [[1], [2]], "y": [1, False]}, "#/data/y/1", "not_a_number"),
        ({"x": [[1], [2]], "y": [NAN, 1]}, "#/data/y/0", "not_finite"),
        ({"x": [[1], [2], [3]], "y": [1, 2, "3"]}, "#/data/y/2", "mixed_types"),
        ({"x": [[1], [2], [3]], "y": ["a", "b", 3]}, "#/data/y/2", "mixed_types"),
        ({"x": [[1], [2], [3]], "y": [[1], [2], 3]}, "#/data/y/2", "mixed_types"),
        ({"x": [[1], [2], [3]], "y": [[1, 2], [1], [3, 4]]}, "#/data/y/1", "ragged_rows"),
        ({"x": [[1], [2]], "y": [[1], ["a"]]}, "#/data/y/1/0", "not_a_number"),
        ({"x": [[1], [2]], "y": ["a", "c"], "classes": ["a", "b"]}, "#/data/y/1", "unknown_class"),
        ({"x": [[1], [2]], "y": ["a", "a"], "classes": ["a", "a"]}, "#/data/classes", "wrong_type"),
        ({"x": [[1], [2]], "y": ["a", "b"], "classes": ["a", "b", "a"]}, "#/data/classes", "duplicate"),
        ({"x": [[1], [2]], "y": [0, 1], "classes": "ab"}, "#/data/classes", "wrong_type"),
        ({"x": [[1], [2]], "y": [0, 1], "sample_weight": [1]}, "#/data/sample_weight", "length_mismatch"),
        ({"x": [[1], [2]], "y": [0, 1], "sample_weight": [1, -1]}, "#/data/sample_weight", "out_of_range"),
        ({"x": [[1], [2]], "y": [0, 1], "sample_weight": [1, "a"]}, "#/data/sample_weight/1", "not_a_number"),
    ],
)
def test_each_mistake_has_its_place_and_code(data: Any, pointer: str, code: str) -> None:
    _, errors = read(data)
    assert (pointer, code) in errors
    assert len(errors) <= 2


NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.sampled_from([0, 1, 0.0, 1.0]))
CELLS = st.one_of(*[NUMBERS] * 6, st.booleans(), st.none(), st.text(max_size=2), st.just([]), st.just([1]), st.just({}))


@example([[3.4028235677973366e38]])
@example([[3.4028235e38]])
@given(st.integers(1, 4).flatmap(lambda columns: st.lists(st.lists(CELLS, min_size=columns, max_size=columns))))
def test_rows_are_read_when_every_cell_is_a_number_that_fits_and_never_otherwise(rows: list[list[Any]]) -> None:
    cells = [cell for row in rows for cell in row]
    with np.errstate(over="ignore"):
        right = all(type(cell) in (int, float) and np.isfinite(np.float32(cell)) for cell in cells)
    dataset, errors = read({"x": rows, "y": [0] * len(rows)})
    assert (dataset is not None) == (right and bool(rows)) == (not errors)
    if dataset is not None:
        np.testing.assert_array_equal(dataset.x, np.array(rows, np.float32))


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_rows": 2}, "too_many_rows"),
        ({"max_columns": 1}, "too_many_columns"),
        ({"max_cells": 5}, "too_many_cells"),
    ],
)
def test_data_over_a_limit_is_refused(limits: dict[str, int], code: str) -> None:
    _, errors = read({"x": [[1, 2], [3, 4], [5, 6]], "y": [1, 2]}, **limits)
    assert errors[0] == ("#/data/x", code)


def test_all_mistakes_are_counted_and_few_are_shown() -> None:
    findings = Findings(limit=3)
    read_dataset({"x": [[None]] * 50, "y": [1] * 50}, findings, Limits())
    assert (len(findings.errors), findings.total) == (3, 50)


def test_messages_do_not_repeat_the_data() -> None:
    findings = Findings()
    read_dataset({"x": [["secret"], [1]], "y": ["hidden", 2, 3]}, findings, Limits())
    assert findings.total
    assert "secret" not in str(findings)
    assert "hidden" not in str(findings)


def test_sample_weights_and_validation_data_belong_to_the_dataset() -> None:
    findings, limits = Findings(), Limits()
    dataset = good({"x": [[1], [2]], "y": ["a", "b"]})
    dataset = with_sample_weight(dataset, [1, 0.5], "#/fit/sample_weight", findings, limits)
    dataset = with_validation(dataset, {"x": [[3]], "y": ["b"]}, "#/fit/validation_data", findings, limits)
    assert findings.total == 0
    assert dataset.sample_weight is not None
    assert dataset.sample_weight.tolist() == [1, 0.5]
    assert dataset.validation is not None
    assert dataset.validation.y.tolist() == [1]


def test_validation_data_of_another_width_are_refused() -> None:
    findings = Findings()
    dataset = good({"x": [[1], [2]], "y": [1, 2]})
    with_validation(dataset, {"x": [[3, 4]], "y": [1]}, "#/fit/validation_data", findings, Limits())
    assert [(error.pointer, error.code) for error in findings.errors] == [("#/fit/validation_data/x", "width_mismatch")]


def equal(one: Dataset | None, other: Dataset | None) -> bool:
    if one is None or other is None:
        return one is other
    pairs: list[tuple[Any, Any]] = [
        (one.x, other.x),
        (one.y, other.y),
        (one.sample_weight, other.sample_weight),
    ]
    arrays = all((a is b is None) or (a.dtype == b.dtype and np.array_equal(a, b)) for a, b in pairs)
    return arrays and one.classes == other.classes and equal(one.validation, other.validation)


numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(
    rows=st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=1)),
    kind=st.sampled_from(["names", "indices", "numbers", "rows"]),
    validation=st.booleans(),
    weighted=st.booleans(),
)
def test_bytes_keep_a_dataset_whole(rows: list[list[float]], kind: str, validation: bool, weighted: bool) -> None:
    y: Any = {
        "names": [f"ü{i % 3}" for i in range(len(rows))],
        "indices": [i % 3 for i in range(len(rows))],
        "numbers": [i + 0.5 for i in range(len(rows))],
        "rows": [[0, 1.0] for _ in rows],
    }[kind]
    dataset, findings = good({"x": rows, "y": y}), Findings()
    if validation:
        dataset = with_validation(dataset, {"x": rows, "y": y}, "#", findings, Limits())
    if weighted:
        dataset = with_sample_weight(dataset, [1.0] * len(rows), "#", findings, Limits())
    content = dataset.to_bytes()
    assert equal(Dataset.from_bytes(content), dataset)
    assert Dataset.from_bytes(content).to_bytes() == content


def test_other_bytes_are_refused() -> None:
    with pytest.raises(Damaged):
        Dataset.from_bytes(b"not a dataset")


@pytest.mark.parametrize(
    ("x", "y", "at"),
    [
        (np.zeros(3), np.zeros(3), "#/x"),
        (np.zeros((3, 2)), np.zeros(2), "#/y"),
        (np.array([["a"]]), np.zeros(1), "#/x"),
        (np.full((1, 1), np.nan), np.zeros(1), "#/x"),
        (np.zeros((1, 1)), np.full(1, 1e300), "#/y"),
        (np.zeros((1, 1)), np.array([["a", "b"]]), "#/y"),
        (np.zeros((1, 1)), np.array([b"\xe9"]), "#/y"),
        (np.zeros((1, 1)), np.array(["\ud800"]), "#/y"),
    ],
)
def test_arrays_that_are_no_rows_are_refused(x: Any, y: Any, at: str) -> None:
    with pytest.raises(Invalid) as caught:
        dataset_of_arrays(x, y, Findings())
    assert [finding.pointer for finding in caught.value.findings] == [at]


def test_arrays_of_texts_are_classes() -> None:
    made = dataset_of_arrays(np.eye(3), np.array(["b", "a", "b"]), Findings())
    assert (made.classes, made.y.tolist()) == (("a", "b"), [1, 0, 1])
    encoded = dataset_of_arrays(np.eye(3), np.array([["ö"], ["b"], ["ö"]]).astype("U1"), Findings())
    as_bytes = dataset_of_arrays(np.eye(3), np.array(["ö".encode(), b"b", "ö".encode()]), Findings())
    assert encoded.classes == as_bytes.classes == ("b", "ö")
    assert encoded.y.tolist() == as_bytes.y.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "y",
    [
        np.array([0, 3_000_000_000]),
        np.array([0, -(2**31)]),
        np.array([0, 2**31], np.uint32),
        np.array([0, 2**63], np.uint64),
        np.array([0, 2**31 - 1]),
        np.array([False, True]),
    ],
)
def test_whole_numbers_in_arrays_stay_what_they_are_however_large(y: Any) -> None:
    made = dataset_of_arrays(np.eye(2), y, Findings())
    assert made.y.tolist() == [0, float(np.float32(y[1])) if made.y.dtype == np.float32 else int(y[1])]
    assert made.y.dtype == (np.int32 if abs(int(y[1])) < 2**31 else np.float32)


def test_weights_of_rows_come_with_arrays_or_are_refused() -> None:
    x, y = np.eye(3), np.arange(3)
    made = dataset_of_arrays(x, y, Findings(), np.array([[1], [0], [2]]))
    assert made.sample_weight is not None
    assert made.sample_weight.tolist() == [1.0, 0.0, 2.0]
    wrong: list[tuple[Any, str]] = [
        (np.ones(2), "shape_mismatch"),
        (np.ones((3, 3)), "shape_mismatch"),
        (np.array(["a", "b", "c"]), "wrong_type"),
        (np.array([1.0, -1.0, 1.0]), "out_of_range"),
        (np.array([1.0, np.nan, 1.0]), "out_of_range"),
    ]
    for weights, code in wrong:
        findings = Findings()
        with pytest.raises(Invalid):
            dataset_of_arrays(x, y, findings, weights)
        assert [(one.pointer, one.code) for one in findings.errors] == [("#/sample_weight", code)]


def test_class_names_by_the_million_are_refused() -> None:
    findings = Findings()
    names = [str(number) for number in range(100_001)]
    assert read_dataset({"x": [[1]] * len(names), "y": names}, findings, Limits()) is None
    assert [one.code for one in findings.errors] == ["too_many_classes"]
    with pytest.raises(Invalid) as refused:
        dataset_of_arrays(np.zeros((len(names), 1)), np.array(names), Findings())
    assert refused.value.findings[0].code == "too_many_classes"

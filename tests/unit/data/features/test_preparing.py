"""A table becomes inputs and targets: learnt from the training rows, split as asked, alike in every order."""

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.config import Limits
from service.data.datasets import Dataset
from service.data.features import Encoder, Prepared, load_dataset, prepare
from service.data.features.inherited import find_unreadable
from service.data.features.records import read_columns, read_records
from service.data.tables import Table
from service.errors import Findings, Invalid
from service.spec.data import DataSpec

LIMITS = Limits()
TABLE: dict[str, list[Any]] = {
    "age": [20.0, None, 40.0, 60.0, 30.0, 50.0],
    "sex": ["f", "m", None, "f", "f", "m"],
    "smokes": [True, False, None, True, False, True],
    "day": ["2024-01-01", "2024-02-01", None, "2024-04-01", "2024-05-01", "2024-06-01"],
    "weight": [1.0, 2.0, 1.0, 1.0, 3.0, 1.0],
    "shop": ["a", "a", "b", "b", "c", "c"],
    "ill": ["no", "yes", "no", "yes", "no", "yes"],
}


def table(**changes: Any) -> Table:
    columns = {**TABLE, **changes}
    arrow = {name: pa.array(values) for name, values in columns.items() if values is not None}
    if "day" in arrow:
        arrow["day"] = arrow["day"].cast(pa.timestamp("us"))
    return Table(pa.table(arrow))


def prepared(data: Any = None, *, classifies: bool = True, validation_split: float = 0.0, **asked: Any) -> Prepared:
    findings = Findings()
    spec = DataSpec.model_validate({"target": "ill", **asked})
    made = prepare(
        table() if data is None else data, spec, findings, classifies=classifies, validation_split=validation_split
    )
    if made is None:
        raise findings.refusal()
    return made


def refused(data: Any = None, *, classifies: bool = True, **asked: Any) -> set[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        prepared(data, classifies=classifies, **asked)
    return {(finding.pointer, finding.code) for finding in caught.value.findings}


def test_numbers_are_standardized_by_the_training_rows_alone() -> None:
    made = prepared(features=["age"], validation_split=0.4)
    ages = np.array([20.0, 40.0])
    assert made.dataset.x.shape == (6, 1)
    np.testing.assert_allclose(made.dataset.x[3, 0], (60 - ages.mean()) / ages.std(), rtol=1e-6)
    assert made.dataset.x[1, 0] == 0, "a gap is filled with the mean"
    assert made.parts is not None
    assert {name: part["rows"] for name, part in made.parts.items()} == {"training": 3, "validation": 3}


@pytest.mark.parametrize("equal", [[0.1] * 6, pa.array([1_711_879_872_123_459] * 6, pa.timestamp("us"))])
def test_a_constant_column_that_changes_later_does_not_explode(equal: Any) -> None:
    values = pa.array(equal)
    made = prepared(table(age=values), features=["age"])
    assert np.abs(made.dataset.x[:, 0]).max() < 1e-6
    later = [one + 1 if isinstance(one, float) else one + timedelta(days=1) for one in values.to_pylist()]
    arrow = pa.table({"age": pa.array(later, values.type)})
    np.testing.assert_allclose(made.encoder.encode(Table(arrow))[0][:, 0], 1, rtol=1e-6)


def test_each_type_becomes_the_inputs_that_its_names_tell() -> None:
    made = prepared(
        features=[
            {"name": "age", "missing": "indicator"},
            "sex",
            "smokes",
            {"name": "day", "missing": "indicator"},
            {"name": "shop", "encoding": "integer"},
        ]
    )
    outputs = ["age", "age:missing", "sex:unknown", "sex=f", "sex=m", "sex:missing", "smokes"]
    circles = ["day:year_sin", "day:year_cos", "day:week_sin", "day:week_cos", "day:missing"]
    assert made.encoder.outputs == [*outputs, "day", *circles, "shop"]
    x = made.dataset.x
    assert x[:, 1].tolist() == [0, 1, 0, 0, 0, 0]
    assert x[2, 2:6].tolist() == [0, 0, 0, 1]
    assert x[:, 6].tolist() == pytest.approx([1, 0, 0.6, 1, 0, 1])
    np.testing.assert_allclose(x[:, 8] ** 2 + x[:, 9] ** 2, 1, rtol=1e-5)
    assert x[:, -1].tolist() == [1, 1, 2, 2, 3, 3]
    again = Encoder.from_json_list(made.encoder.to_json_list())
    np.testing.assert_array_equal(again.encode(table())[0], x)


def test_policies_and_encodings_are_followed_column_by_column() -> None:
    features: list[Any] = [
        {"name": "age", "encoding": "none", "missing": "most_frequent"},
        {"name": "sex", "missing": "most_frequent", "max_categories": 1},
        {"name": "day", "encoding": "days", "missing": "most_frequent"},
        {"name": "weight", "type": "category"},
    ]
    made = prepared(features=features)
    assert made.encoder.outputs[:3] == ["age", "sex:unknown", "sex=f"]
    assert made.dataset.x[1].tolist()[:3] == [20, 1, 0]
    assert made.dataset.x[2].tolist()[1:3] == [0, 1]
    assert "weight=1" in made.encoder.outputs
    assert prepared(features=["age", "weight"], preprocessing="auto").dataset.x.shape == (6, 2)
    plain = prepared(features=["weight", "smokes"], data=table(smokes=[True] * 3 + [False] * 3), preprocessing="none")
    assert plain.dataset.x.tolist()[0] == [1, 1]


def test_columns_that_teach_nothing_are_left_out() -> None:
    rows = 300
    data = Table(
        pa.table(
            {
                "id": [f"row {i}" for i in range(rows)],
                "one": [1] * rows,
                "none": pa.nulls(rows),
                "same": ["x"] * rows,
                "use": np.arange(rows) % 7,
                "ill": ["no", "yes"] * (rows // 2),
            }
        )
    )
    made = prepared(data)
    assert made.encoder.names == ["use"]
    assert set(made.left_out) == {"id", "one", "none", "same"}
    chosen = prepared(data, features=["id", "one"])
    assert len(chosen.encoder.outputs) == 102


@pytest.mark.parametrize(("texts", "left_out"), [(149, False), (151, True)])
def test_a_column_with_more_than_half_as_many_texts_as_values_is_left_out_and_that_is_said(
    texts: int, *, left_out: bool
) -> None:
    findings = Findings()
    values = [f"place {i % texts}" for i in range(300)] + [None] * 100
    data = Table(pa.table({"place": values, "use": np.arange(400) % 7, "ill": ["no", "yes"] * 200}))
    prepare(data, DataSpec.model_validate({"target": "ill"}), findings, classifies=True)
    said = [one.detail for one in findings.warnings if "there are more than half as many texts as values" in one.detail]
    assert bool(said) is left_out


def test_targets_become_classes_numbers_or_rows_of_numbers() -> None:
    made = prepared()
    assert made.dataset.classes == ("no", "yes")
    assert made.dataset.y.tolist() == [0, 1, 0, 1, 0, 1]
    assert prepared(classes=["yes", "no"]).dataset.y.tolist() == [1, 0, 1, 0, 1, 0]
    assert prepared(target="weight", features=["age"]).dataset.classes == ("1", "2", "3")
    regression = prepared(target="weight", features=["age"], classifies=False).dataset
    assert regression.classes is None
    assert regression.y.dtype == np.dtype(np.float32)
    both = prepared(target=["weight", {"name": "age", "missing": "drop"}], features=["sex"], classifies=False)
    assert both.dataset.y.shape == (5, 2)
    assert both.targets == ["weight", "age"]
    dropped = prepared(target={"name": "smokes", "missing": "drop"}, features=["age"])
    assert (dropped.dataset.rows, dropped.dataset.classes) == (5, ("false", "true"))


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"target": "Ill"}, "Ill"),
        ({"features": ["age", "il"]}, "il"),
        ({"split": {"test": 0.5, "method": "group", "column": "ILL"}}, "ILL"),
    ],
)
def test_a_column_that_is_not_there_is_answered_with_the_one_that_was_meant_and_those_that_are(
    asked: dict[str, Any], named: str
) -> None:
    with pytest.raises(Invalid) as caught:
        prepared(**asked)
    known = ", ".join(TABLE)
    said = f"Unknown column {named!r}. Did you mean 'ill'? Known: {known}."
    assert [one.detail for one in caught.value.findings] == [said]


def test_each_of_several_targets_that_lack_values_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        prepared(data=table(weight=[1.0, None, None, 1.0, 3.0, 1.0]), target=["age", "weight"], features=["shop"])
    ages, weights = (one.detail for one in caught.value.findings)
    assert "1 have none in 'age', among them 1" in ages
    assert "2 have none in 'weight', among them 1, 2" in weights


def test_what_cannot_be_prepared_is_pointed_at() -> None:
    assert refused(target=None) == {("#/data/target", "missing")}
    assert refused(target="nobody") == {("#/data/target", "unknown_column")}
    assert refused(target="sex") == {("#/data/target", "missing")}
    assert refused(target="day") == {("#/data/target", "wrong_type")}
    assert refused(target=["ill", "age"]) == {("#/data/target", "wrong_type"), ("#/data/target", "missing")}
    assert refused(classes=["no"]) == {("#/data/target", "unknown_class")}
    assert refused(sample_weight="sex") == {("#/data/sample_weight", "unknown_column")}
    assert refused(sample_weight="age") == {("#/data/sample_weight", "out_of_range")}
    assert refused(data=table(age=[np.inf] * 6), features=["age"]) == {("#/data/features/0", "not_finite")}
    assert refused(data=table(weight=[np.inf] * 6), target="weight") == {("#/data/target", "not_finite")}
    assert refused(data=table(ill=[None] * 5 + ["a"]), target={"name": "day", "missing": "drop"})
    none = pa.array([None] * 6, pa.string())
    assert refused(data=table(ill=none), target={"name": "ill", "missing": "drop"}) == {("#/data/target", "empty")}
    for wrong, code in (
        ({"name": "age", "encoding": "one_hot"}, "unknown_name"),
        ({"name": "sex", "missing": "mean"}, "unknown_name"),
        ({"name": "sex", "type": "number"}, "wrong_type"),
        ({"name": "age", "type": "boolean"}, "wrong_type"),
        ({"name": "age", "missing": "reject"}, "missing"),
        ("nobody", "unknown_column"),
        ("ill", "conflict"),
    ):
        assert refused(features=[wrong]) == {("#/data/features/0", code)}
    assert refused(features=["age", "age"]) == {("#/data/features/1", "duplicate")}
    assert refused(data=Table(pa.table({"ill": ["a", "b"]}))) == {("#/data", "no_features")}
    assert refused(features=["sex"], preprocessing="none") == {("#/data/features/0", "not_a_number")}
    for asked, at in (
        ({"method": "group"}, "column"),
        ({"method": "group", "column": "sex"}, "column"),
    ):
        assert {pointer for pointer, _ in refused(split=asked)} == {f"#/data/split/{at}"}
    assert refused(target="weight", features=["age"], classifies=False, split={"method": "stratified"})
    assert refused(split={"test": 0.99}) == {("#/data/split", "empty_split")}


def test_gaps_in_rows_that_are_held_out_are_refused_as_those_of_the_training() -> None:
    features = [{"name": "age", "missing": "reject"}]
    gap = table(age=[20.0, 30.0, 40.0, 60.0, 30.0, None])
    held: tuple[dict[str, Any], ...] = (
        {"split": {"test": 0.2, "method": "last"}},
        {"split": {"validation": 0.2, "method": "last"}},
        {"validation_split": 0.2},
    )
    for asked in held:
        assert refused(data=gap, features=features, **asked) == {("#/data/features/0", "missing")}
    dropped = table(age=[20.0, 30.0, 40.0, 60.0, 30.0, None], ill=[*TABLE["ill"][:5], None])
    drop = {"name": "ill", "missing": "drop"}
    assert len(prepared(data=dropped, features=features, target=drop, validation_split=0.2).dataset.y) == 5


def test_rows_that_are_left_out_need_no_weight_group_or_value() -> None:
    gaps: dict[str, Any] = {
        "ill": [None, *TABLE["ill"][1:]],
        "weight": [None, 2.0, 1.0, 1.0, 3.0, 1.0],
        "shop": [None, "a", "b", "b", "c", "c"],
        "age": [None, 30.0, 40.0, 60.0, 30.0, 50.0],
    }
    asked: dict[str, Any] = {
        "target": {"name": "ill", "missing": "drop"},
        "sample_weight": "weight",
        "split": {"test": 0.4, "method": "group", "column": "shop"},
        "features": [{"name": "age", "missing": "reject"}],
    }
    made = prepared(table(**gaps), **asked)
    assert made.dataset.test is not None
    assert made.dataset.rows + made.dataset.test.rows == 5
    findings = Findings()
    find_unreadable(table(**gaps), made.encoder, "#", findings, range(1, 6))
    assert not findings.total
    find_unreadable(table(**gaps), made.encoder, "#", findings, np.array([0, 2]))
    assert [one.pointer for one in findings.errors] == ["#/0"]


def test_groups_of_ids_that_float64_takes_for_one_are_kept_apart() -> None:
    ids = [2**53 + place for place in range(6)]
    asked: dict[str, Any] = {"test": 0.34, "validation": 0.17, "method": "group", "column": "shop", "seed": 2}
    features = ["age"]
    for column in (pa.array(ids), pa.array(ids, pa.uint64()).cast(pa.decimal128(38, 0)), pa.array(map(str, ids))):
        arrow = table().arrow
        made = prepared(
            Table(arrow.set_column(arrow.column_names.index("shop"), "shop", column)), split=asked, features=features
        )
        named = pa.array([f"shop {place}" for place in range(6)])
        told = prepared(
            Table(arrow.set_column(arrow.column_names.index("shop"), "shop", named)), split=asked, features=features
        )
        for one, other in ((made.dataset.test, told.dataset.test), (made.dataset.validation, told.dataset.validation)):
            assert one is not None
            assert other is not None
            np.testing.assert_array_equal(one.x, other.x)
        assert made.dataset.test is not None
        assert 0 < made.dataset.test.rows < 4


def test_weights_follow_their_rows() -> None:
    made = prepared(sample_weight="weight", split={"validation": 0.3, "method": "last"})
    assert made.dataset.sample_weight is not None
    assert made.dataset.sample_weight.tolist() == [1, 2, 1, 1]
    assert made.dataset.validation is not None
    assert made.dataset.validation.sample_weight is not None
    assert made.dataset.validation.sample_weight.tolist() == [3, 1]


@settings(deadline=None)
@given(order=st.permutations(["age", "sex", "smokes", "day"]), seed=st.integers(0, 9))
def test_the_order_of_columns_never_matters(order: list[str], seed: int) -> None:
    encoder = prepared(features=["age", "sex", "smokes", "day"]).encoder
    shuffled = Table(table().arrow.select([*order, "ill"]))
    np.testing.assert_array_equal(encoder.encode(shuffled)[0], encoder.encode(table())[0])
    rows = [{name: TABLE[name][i] for name in order} for i in range(6)]
    records = read_records(rows, encoder, "#", Findings(), LIMITS)
    assert records is not None
    np.testing.assert_allclose(encoder.encode(records)[0], encoder.encode(table())[0], rtol=1e-6)
    columns = read_columns({name: TABLE[name] for name in order}, encoder, "#", Findings(), LIMITS)
    assert columns is not None
    np.testing.assert_array_equal(encoder.encode(columns)[0], encoder.encode(records)[0])


def test_wrong_cells_of_records_are_found_each_at_its_place() -> None:
    encoder = prepared(features=["sex", "smokes", "day", {"name": "weight", "missing": "reject"}]).encoder
    right: dict[str, Any] = {"sex": "f", "smokes": True, "day": "2024-01-01T10:00:00+02:00", "weight": 1}

    def found(value: Any) -> set[tuple[str, str]]:
        findings = Findings()
        read = read_columns if isinstance(value, dict) else read_records
        assert read(value, encoder, "#/rows", findings, LIMITS.model_copy(update={"max_rows": 9})) is None
        return {(one.pointer, one.code) for one in findings.errors}

    assert found([{**right, "weight": None}]) == {("#/rows/0/weight", "missing")}
    assert found([{**right, "weight": "1"}]) == {("#/rows/0/weight", "wrong_type")}
    assert found([{**right, "weight": float("nan")}]) == {("#/rows/0/weight", "missing")}
    assert found([{**right, "weight": float("inf")}]) == {("#/rows/0/weight", "not_finite")}
    assert found([{**right, "day": "today"}]) == {("#/rows/0/day", "wrong_type")}
    assert found([{**right, "sex": [1]}, {**right, "smokes": 1}]) == {
        ("#/rows/0/sex", "wrong_type"),
        ("#/rows/1/smokes", "wrong_type"),
    }
    assert found([{**right, "wait": 1}]) == {("#/rows/0/wait", "unknown_column")}
    assert found([{"sex": "f", "smokes": True}]) == {("#/rows/0/weight", "missing")}
    assert found([{"sex": "f", "smoke": True, "weight": 1}]) == {
        ("#/rows/0/smoke", "unknown_column"),
        ("#/rows/0/smokes", "missing"),
        ("#/rows/0/day", "missing"),
    }
    assert found([{}]) == {(f"#/rows/0/{name}", "missing") for name in right}
    assert found([["f", True]]) == {("#/rows/0", "width_mismatch")}
    assert found([["f", True, None, "x"]]) == {("#/rows/0/3", "wrong_type")}
    assert found([right, ["f", True, None, 1]]) == {("#/rows", "mixed_types")}
    assert found([]) == {("#/rows", "wrong_type")}
    assert found([right] * 10) == {("#/rows", "too_many_rows")}
    assert found({"sex": ["f"]}) == {("#/rows/weight", "missing")}
    assert found({**{name: [value] for name, value in right.items()}, "x": []}) == {("#/rows/x", "unknown_column")}
    assert found({name: [value] * (1 + (name == "sex")) for name, value in right.items()}) == {
        ("#/rows", "length_mismatch")
    }
    findings = Findings()
    encoder.find_rejected(table(weight=[None, 1.0, 2.0, 1.0, 1.0, 1.0]), "#/data", findings, range(6))
    assert [finding.pointer for finding in findings.errors] == ["#/data/0"]


def test_arrays_can_be_split_as_well() -> None:
    data = Dataset(np.arange(20, dtype=np.float32).reshape(10, 2), np.eye(2, dtype=np.float32)[np.arange(10) % 2])
    made = prepared(data, target=None, split={"test": 0.4, "method": "stratified"})
    assert made.dataset.test is not None
    assert made.dataset.test.y.sum(axis=0).tolist() == [2, 2]
    assert prepared(data, target=None).dataset is data
    assert refused(data) == {("#/data/target", "conflict")}
    assert refused(data, target=None, split={"method": "group", "column": "a"}) == {("#/data/split/method", "conflict")}
    assert load_dataset("arrays", data.to_bytes()).rows == 10


@pytest.mark.parametrize(
    ("y", "classifies"),
    [
        (np.arange(10, dtype=np.float32) / 7, False),
        (np.arange(10, dtype=np.int32) % 2, False),
        (np.arange(10, dtype=np.float32) / 10, True),
        (np.ones((10, 3), np.float32), True),
    ],
)
def test_arrays_of_numbers_have_no_classes_to_share_out(y: Any, classifies: bool) -> None:
    data, asked = Dataset(np.zeros((10, 1), np.float32), y), {"test": 0.3, "method": "stratified"}
    found = refused(data, target=None, split=asked, classifies=classifies)
    assert found == {("#/data/split/method", "conflict")}


def test_who_has_nothing_to_learn_from_is_told_why() -> None:
    findings = Findings()
    one = Table(pa.table({"age": [30.0], "sex": ["f"], "ill": ["yes"]}))
    assert prepare(one, DataSpec.model_validate({"target": "ill"}), findings, classifies=True) is None
    why = "all others are left out (all training rows have the same value: 'age', 'sex')"
    assert [error.detail for error in findings.errors] == [
        f"Expected a column to learn from besides the target; {why}."
    ]

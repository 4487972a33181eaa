"""A table that a training goes on with is read as the version has learnt to read; nothing is learnt anew."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from service.checks import read_training
from service.config import Limits
from service.data.datasets import Dataset
from service.data.features import prepare
from service.data.tables import Table
from service.errors import Findings, Invalid
from service.spec.data import DataSpec
from service.training import train
from service.versions import NewVersion
from tests.support.continued import checked, continued, start_of

DAYS = pa.array(np.arange(12) * 86_400_000_000, pa.timestamp("us"))
COLUMNS: dict[str, Any] = {
    "age": [20.0, 30.0, None, 40.0] * 3,
    "color": ["red", "green", "blue", None] * 3,
    "day": DAYS,
    "kind": ["a", "b", "c"] * 4,
    "weight": [1.0, 2.0] * 6,
}
SPEC = {"layers": [{"class_name": "Dense", "units": "auto", "activation": "softmax"}]}
FEATURES = ["age", {"name": "color", "missing": "most_frequent"}, "day"]


def table(**changes: Any) -> Table:
    columns = {name: values for name, values in (COLUMNS | changes).items() if values is not None}
    return Table(pa.table(columns))


def first(data: Dataset | Table, **asked: Any) -> NewVersion:
    document: dict[str, Any] = {"spec": SPEC, "compile": {"loss": "crossentropy"}, "fit": {"epochs": 2, "seed": 1}}
    found = read_training({**document, "data": {"dataset": "ds_1", **asked}}, Limits(), lambda _id: data)
    return train(found.request, data)


@pytest.fixture(scope="module")
def base() -> NewVersion:
    return first(table(), target={"name": "kind", "missing": "drop"}, features=FEATURES)


def on(data: Dataset | Table, base: NewVersion, **asked: Any) -> NewVersion:
    return continued({"data": {"dataset": "ds_2", **asked}, "fit": {"epochs": 1, "seed": 2}}, base, data)


def learnt_words(told: dict[str, Any]) -> dict[str, Any]:
    """What an input or output says in words, without what is measured on the rows of each training anew."""
    return {key: value for key, value in told.items() if key not in ("typical", "conformity", "calibration")}


def refused(data: Dataset | Table, base: NewVersion, **asked: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        on(data, base, **asked)
    return [(one.pointer, one.code) for one in caught.value.findings]


def test_features_targets_and_classes_stay_as_they_were_learnt(base: NewVersion) -> None:
    others = table(age=[1000.0] * 12, color=["violet"] * 12, kind=["b", "b", None] * 4, more=[1] * 12)
    made = on(others, base)
    assert learnt_words(made.input) == learnt_words(base.input)
    assert learnt_words(made.output) == learnt_words(base.output)
    assert made.data["features"] == base.data["features"]
    assert made.data["target"] == [{"name": "kind", "missing": "drop"}]
    assert made.data["parts"]["training"]["classes"] == {"a": 0, "b": 8, "c": 0}
    assert (made.data["dataset"], made.data["left_out"]) == ("ds_2", ["weight", "more"])


def test_the_order_of_columns_and_columns_that_nothing_was_learnt_from_make_no_difference(base: NewVersion) -> None:
    turned = Table(table().arrow.select(["kind", "day", "color", "age"]))
    assert on(turned, base).weights == on(table(more=["x"] * 12), base, target="kind").weights


def test_a_text_never_seen_goes_to_the_first_place_of_its_column(base: NewVersion) -> None:
    learnt = start_of(base).learnt
    asked = learnt.completed(DataSpec(), Findings())
    made = prepare(table(color=["violet"] * 12), asked, Findings(), classifies=True, learnt=learnt)
    assert made is not None
    unknown = made.encoder.outputs.index("color:unknown")
    assert made.dataset.x[:, unknown].tolist() == [1.0] * 12


def test_the_same_words_may_be_said_again(base: NewVersion) -> None:
    said = {"target": "kind", "features": FEATURES, "classes": ["a", "b", "c"], "sample_weight": "weight"}
    found, _ = checked({"data": {"dataset": "ds_2", **said}}, base, table())
    assert found.request.data is not None
    assert found.request.data.sample_weight == "weight"


def test_it_may_go_on_again_and_again(base: NewVersion) -> None:
    again = on(table(), on(table(), base), split={"test": 0.25})
    assert again.evaluation is not None
    assert learnt_words(again.output) == learnt_words(base.output)


MISTAKES: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "missing column": ({"age": None}, {}, "#/data/dataset", "missing"),
    "missing target": ({"kind": None}, {}, "#/data/target", "unknown_column"),
    "texts for numbers": ({"age": ["old"] * 12}, {}, "#/data/dataset", "wrong_type"),
    "numbers for dates": ({"day": [1.0] * 12}, {}, "#/data/dataset", "wrong_type"),
    "infinite": ({"age": [float("inf")] * 12}, {}, "#/data/dataset", "not_finite"),
    "unseen class": ({"kind": ["a", "b", "d"] * 4}, {}, "#/data/target", "unknown_class"),
    "numbers for classes": ({"kind": [0.5] * 12}, {}, "#/data/target", "wrong_type"),
    "another target": ({}, {"target": "color"}, "#/data/target", "conflict"),
    "other features": ({}, {"features": ["age"]}, "#/data/features", "conflict"),
    "other preprocessing": ({}, {"preprocessing": "none"}, "#/data/preprocessing", "conflict"),
    "other classes": ({}, {"classes": ["c", "b", "a"]}, "#/data/classes", "conflict"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_table_that_does_not_fit_is_refused_at_its_place(base: NewVersion, name: str) -> None:
    changes, asked, pointer, code = MISTAKES[name]
    assert (pointer, code) in refused(table(**changes), base, **asked)


def test_a_gap_in_a_column_that_refuses_them_is_found_in_its_row() -> None:
    base = first(table(age=[20.0, 30.0] * 6), target="kind", features=[{"name": "age", "missing": "reject"}])
    assert refused(table(), base)[0] == ("#/data/dataset/2", "missing")


def test_texts_are_no_targets_of_a_version_that_gives_numbers() -> None:
    spec = {"spec": {"layers": [{"class_name": "Dense", "units": 1}]}, "compile": {"loss": "mse"}}
    found = read_training({**spec, "data": {"dataset": "ds_1", "target": "weight"}}, Limits(), lambda _id: table())
    base = train(found.request, table())
    assert refused(table(weight=["x", "y"] * 6), base) == [("#/data/target", "wrong_type")]
    assert on(table(weight=[0.0, 1.0] * 6), base).output["classes"] is None


X = np.eye(6, dtype=np.float32)


def arrays(names: list[str], **more: Any) -> Dataset:
    classes = tuple(dict.fromkeys(names))
    return Dataset(X, np.array([classes.index(name) for name in names], np.int32), classes, **more)


def test_arrays_and_tables_do_not_take_turns(base: NewVersion) -> None:
    of_arrays = first(arrays(["a", "b", "c"] * 2))
    assert refused(table(), of_arrays, target="kind") == [("#/data", "conflict")]
    assert refused(arrays(["a", "b", "c"] * 2), base) == [("#/data", "conflict")]
    with pytest.raises(Invalid) as caught:
        continued({"data": {"x": X.tolist(), "y": [0] * 6}}, base)
    assert [one.pointer for one in caught.value.findings] == ["#/data"]


def test_the_classes_of_arrays_are_numbered_as_the_version_numbers_them() -> None:
    base = first(arrays(["a", "b", "c"] * 2))
    held = Dataset(X[:1], np.array([1], np.int32), ("c", "a"))
    stored = arrays(["c", "a", "c", "a", "c", "a"], validation=held)
    for data, document in (
        (stored, {"dataset": "ds_2"}),
        (None, {"x": X.tolist(), "y": ["c", "a"] * 3}),
        (None, {"x": X.tolist(), "y": ["c", "a"] * 3, "classes": ["c", "a"]}),
        (None, {"x": X.tolist(), "y": [2, 0] * 3}),
    ):
        found, start = checked({"data": document}, base, data)
        assert found.dataset.y.tolist() == [2, 0] * 3
        assert found.dataset.classes == ("a", "b", "c")
        if found.dataset.validation is not None:
            assert found.dataset.validation.y.tolist() == [0]
        made = train(found.request, data or found.inline or stored, start=start)
        assert learnt_words(made.output) == learnt_words(base.output)


def test_classes_that_the_version_does_not_know_are_refused_in_arrays() -> None:
    base = first(arrays(["a", "b", "c"] * 2))
    assert refused(arrays(["a", "b", "d"] * 2), base) == [("#/data/y", "unknown_class")]
    turned = Dataset(X, np.eye(3, dtype=np.float32)[[0, 1, 2] * 2], ("c", "b", "a"))
    assert refused(turned, base) == [("#/data/y", "unknown_class")]
    same = Dataset(X, np.eye(3, dtype=np.float32)[[0, 1, 2] * 2], ("a", "b", "c"))
    assert learnt_words(on(same, base).output) == learnt_words(base.output)

"""A training on a stored dataset is checked as one whose data came along, and every mistake has its place."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from service.checks import CheckedTraining, read_training
from service.config import Limits
from service.data.datasets import Dataset
from service.data.features import prepare
from service.data.tables import Table
from service.errors import Findings, Invalid, NotFound
from service.prediction import LoadedVersion
from service.spec.data import DataSpec
from service.task import AskedLoss, OutputMeaning, Task
from service.task.cost import Cost, cost_of
from service.training import train

LIMITS = Limits()
TABLE = Table(
    pa.table(
        {
            "size": np.linspace(0, 9, 60),
            "color": ["red", "green", "blue"] * 20,
            "price": np.linspace(5, 8, 60),
            "kind": ["a", "a", "b"] * 20,
        }
    )
)
ARRAYS = Dataset(np.eye(6, dtype=np.float32), np.arange(6, dtype=np.int32) % 3)


def estimate(checked: CheckedTraining) -> Cost:
    return cost_of(checked.request, checked.dataset, checked.outline)


def opened(dataset_id: str) -> Dataset | Table:
    stored: dict[str, Dataset | Table] = {"ds_table": TABLE, "ds_arrays": ARRAYS}
    if dataset_id not in stored:
        raise NotFound("dataset", dataset_id)
    return stored[dataset_id]


def document(
    *, units: Any = "auto", activation: str = "softmax", loss: str = "crossentropy", **data: Any
) -> dict[str, Any]:
    return {
        "spec": {"layers": [{"class_name": "Dense", "units": units, "activation": activation}]},
        "compile": {"loss": loss},
        "fit": {"epochs": 2, "seed": 1},
        "data": {"dataset": "ds_table", "target": "kind", **data},
    }


@pytest.mark.parametrize(
    ("asked", "units"),
    [
        (document(), 2),
        (document(activation="sigmoid"), 1),
        (document(activation="sigmoid", loss="binary_crossentropy"), 1),
        (document(loss="categorical_crossentropy"), 2),
        (document(activation="linear", loss="mse", target="price"), 1),
        (document(activation="linear", loss="mse", target=["price", "size"]), 2),
        (document(target="color"), 3),
    ],
)
def test_the_last_layer_takes_the_size_that_the_target_needs(asked: dict[str, Any], units: int) -> None:
    checked = read_training(asked, LIMITS, opened)
    assert checked.outline.units == units
    assert checked.request.to_json_dict()["spec"]["layers"][0]["units"] == units
    result = train(checked.request, TABLE)
    assert result.output["shape"] == [None, units]
    assert estimate(checked).training_rows == 60


@pytest.mark.parametrize(
    ("behind", "loss", "units"),
    [
        ({"class_name": "Activation", "activation": "softmax"}, "crossentropy", 2),
        ({"class_name": "Activation", "activation": "sigmoid"}, "crossentropy", 1),
        ({"class_name": "Softmax"}, "sparse_categorical_crossentropy", 2),
        ({"class_name": "Rescaling", "scale": 2.0, "offset": 6.0}, "mse", 1),
    ],
)
def test_layers_without_units_may_stand_behind_the_one_whose_size_follows_from_the_target(
    behind: dict[str, Any], loss: str, units: int
) -> None:
    asked = document(activation="linear", loss=loss, target="price" if loss == "mse" else "kind")
    asked["spec"]["layers"].append(behind)
    checked = read_training(asked, LIMITS, opened)
    assert checked.outline.units == units
    assert checked.request.to_json_dict()["spec"]["layers"][0]["units"] == units


@pytest.mark.parametrize(
    ("asked", "warned"),
    [
        (document(units=3), True),
        (document(units=2), False),
        (document(units=3, target="color"), False),
        (document(units=3, classes=["a", "b", "c"]), False),
        (document(units=4, loss="sparse_categorical_crossentropy") | {"data": {"dataset": "ds_arrays"}}, True),
        (document(units=3, loss="sparse_categorical_crossentropy") | {"data": {"dataset": "ds_arrays"}}, False),
        (document(units=3) | {"data": {"x": [[0], [1], [2]], "y": np.eye(3)[[0, 1, 1]].tolist()}}, False),
    ],
)
def test_units_for_classes_that_the_targets_do_not_have_are_warned_of(asked: dict[str, Any], warned: bool) -> None:
    found = {(one.pointer, one.code) for one in read_training(asked, LIMITS, opened).warnings}
    assert (("#/spec/layers/0/units", "unused_units") in found) is warned


@pytest.mark.parametrize(
    ("layers", "units"),
    [
        ([{"class_name": "Dense", "config": {"units": "auto", "activation": "softmax"}}], 2),
        ([{"class_name": "Dense", "units": "auto"}, {"class_name": "Activation", "activation": "softmax"}], 2),
        ([{"class_name": "Dense", "units": "auto"}, {"class_name": "Softmax"}], 2),
        ([{"class_name": "Dense", "units": "auto"}, {"class_name": "Activation", "activation": "sigmoid"}], 1),
        ([{"class_name": "Dense", "units": "auto", "activation": "hard_sigmoid"}], 1),
        ([{"class_name": "Dense", "units": "auto", "activation": {"class_name": "sigmoid"}}], 1),
    ],
)
def test_the_size_is_found_however_the_last_layers_are_written(layers: list[dict[str, Any]], units: int) -> None:
    for spec in ({"layers": layers}, {"class_name": "Sequential", "config": {"name": "net", "layers": layers}}):
        found = read_training(document() | {"spec": spec}, LIMITS, opened)
        assert found.outline.units == units
        assert found.request.spec.make_layers()[0].get_config()["units"] == units


def test_only_the_last_layer_with_units_finds_its_size() -> None:
    layers = [{"class_name": "Dense", "units": "auto"}, {"class_name": "Dense", "units": 2, "activation": "softmax"}]
    assert refused(document() | {"spec": {"layers": layers}}) == {("#/spec/layers/0/units", "wrong_type")}


@pytest.mark.parametrize(
    ("asked", "warned"),
    [
        (document(target="number"), True),
        (document(target="name"), True),
        (document(target="color"), False),
        (document(target="number", loss="mse", activation="linear"), False),
        (document(units=60, loss="sparse_categorical_crossentropy") | {"data": {"x": [[0], [1]], "y": [0, 59]}}, True),
    ],
)
def test_numbers_and_names_of_rows_that_are_taken_for_classes_are_warned_of(
    asked: dict[str, Any], warned: bool
) -> None:
    columns = {"number": list(range(60)), "name": [f"row {i}" for i in range(60)]}
    whole = Table(pa.table({**dict(zip(TABLE.names, TABLE.arrow.columns, strict=True)), **columns}))
    checked = read_training(asked, LIMITS, lambda _: whole)
    found = [(one.pointer, one.detail) for one in checked.warnings if one.code == "rare_classes"]
    assert [pointer for pointer, _ in found] == (["#/data/y" if "y" in asked["data"] else "#/data/target"] * warned)
    assert all("mean_squared_error" in detail for _, detail in found)


@pytest.mark.parametrize(
    ("target", "loss", "behind", "warned"),
    [
        ({"name": "cost", "transform": "none"}, "mse", [], True),
        ({"name": "cost", "transform": "none"}, "mae", [], True),
        ([{"name": one, "transform": "none"} for one in ("cost", "price")], "mse", [], True),
        ("cost", "mse", [], False),
        (["cost", "price"], "mae", [], False),
        ("price", "mse", [], False),
        ("cost", "poisson", [], False),
        ("cost", "mse", [{"class_name": "Rescaling", "scale": 50.0, "offset": 500.0}], False),
    ],
)
def test_targets_far_from_what_a_network_answers_at_first_are_warned_of(
    target: Any, loss: str, behind: list[Any], *, warned: bool
) -> None:
    whole = Table(TABLE.arrow.append_column("cost", pa.array(np.linspace(400, 600, 60))))
    asked = document(activation="exponential" if loss == "poisson" else "linear", loss=loss, target=target)
    asked["spec"]["layers"] += behind
    found = [one.pointer for one in read_training(asked, LIMITS, lambda _: whole).warnings]
    assert found == ["#/data/target"] * warned


def test_arrays_tell_the_size_as_well() -> None:
    asked = document(loss="sparse_categorical_crossentropy") | {"data": {"dataset": "ds_arrays"}}
    assert read_training(asked, LIMITS, opened).outline.units == 3
    split = document(loss="sparse_categorical_crossentropy") | {
        "data": {"x": np.eye(9).tolist(), "y": [0, 1, 2] * 3, "split": {"test": 0.3, "method": "stratified"}}
    }
    checked = read_training(split, LIMITS, opened)
    assert checked.inline is not None
    assert (checked.inline.rows, checked.dataset.rows) == (9, 6)
    result = train(checked.request, checked.inline)
    assert result.evaluation is not None
    assert result.evaluation["rows"] == 3
    assert "test_loss" in result.metrics


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy", "crossentropy"])
def test_class_indices_in_rows_of_their_own_tell_the_size_as_well(loss: str) -> None:
    asked = document(loss=loss) | {"data": {"x": np.eye(9).tolist(), "y": [[0], [1], [2]] * 3}}
    checked = read_training(asked, LIMITS, opened)
    assert checked.outline.units == 3
    assert train(checked.request, checked.dataset).metrics["loss"] is not None


SORTED = Dataset(np.eye(9, dtype=np.float32), np.arange(9, dtype=np.int32) // 3)


@pytest.mark.parametrize(
    ("fit", "data", "warned"),
    [
        ({"validation_split": 0.4}, {}, ("#/fit/validation_split", "2")),
        ({"validation_split": 0.2}, {}, None),
        ({}, {"split": {"test": 0.67, "method": "last"}}, ("#/data/split", "1, 2")),
        ({}, {"split": {"test": 0.4, "method": "stratified"}}, None),
    ],
)
def test_classes_that_only_rows_have_which_are_held_out_are_warned_of(
    fit: dict[str, Any], data: dict[str, Any], warned: tuple[str, str] | None
) -> None:
    asked = document(units=3, loss="sparse_categorical_crossentropy")
    asked["fit"] |= fit
    asked["data"] = {"dataset": "ds_sorted", **data}
    checked = read_training(asked, LIMITS, lambda _id: SORTED)
    found = [(one.pointer, one.detail) for one in checked.warnings if one.code == "unseen_classes"]
    assert [pointer for pointer, _ in found] == ([] if warned is None else [warned[0]])
    assert warned is None or f"held out have the classes {warned[1]};" in found[0][1]


def test_shares_of_one_class_are_no_classes_that_may_be_unseen() -> None:
    y = np.linspace(0, 1, 9).astype(np.float32)
    asked = document(activation="sigmoid", loss="binary_crossentropy", units=1)
    asked["fit"]["validation_split"] = 0.4
    asked["data"] = {"dataset": "ds_shares"}
    checked = read_training(asked, LIMITS, lambda _id: Dataset(np.eye(9, dtype=np.float32), y))
    assert "unseen_classes" not in {one.code for one in checked.warnings}


def test_balanced_weights_make_up_for_rare_classes() -> None:
    asked = document()
    asked["fit"]["class_weight"] = "balanced"
    checked = read_training(asked, LIMITS, opened)
    assert class_weights(checked) == {0: 0.75, 1: 1.5}
    assert train(checked.request, TABLE).metrics["loss"] is not None


@pytest.mark.parametrize(
    ("loss", "units", "activation", "labels", "weights"),
    [
        ("hinge", 1, "tanh", [-1, 1, 1, 1], {-1: 2.0, 1: 2 / 3}),
        ("binary_crossentropy", 1, "sigmoid", [0.0, 0.9, 0.9, 0.9], {0: 2.0, 1: 2 / 3}),
        (
            {"class_name": "SparseCategoricalCrossentropy", "ignore_class": -1},
            2,
            "softmax",
            [-1, 0, 1, 1],
            {0: 1.5, 1: 0.75},
        ),
    ],
)
def test_balanced_weights_are_those_of_the_labels_as_the_loss_takes_them(
    loss: Any, units: int, activation: str, labels: list[float], weights: dict[int, float]
) -> None:
    asked = document(loss=loss, units=units, activation=activation)
    asked |= {"data": {"x": [[0], [1], [2], [3]], "y": labels}, "fit": {"epochs": 1, "class_weight": "balanced"}}
    checked = read_training(asked, LIMITS, opened)
    assert class_weights(checked) == pytest.approx(weights)
    assert train(checked.request, checked.dataset).metrics["loss"] is not None


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ({"1": 2.0, "2": 3.0}, None),
        ({"0": 2.0, "1": 3.0}, ("#/fit/class_weight/1", "duplicate")),
        ({"0": 2.0, "3": 3.0}, ("#/fit/class_weight/3", "unknown_class")),
    ],
)
def test_a_class_has_one_weight_by_its_name_or_its_index(
    weights: dict[str, float], found: tuple[str, str] | None
) -> None:
    table = Table(TABLE.arrow.append_column("grade", pa.array([1, 2] * 30)))
    asked = document(target="grade")
    asked["fit"]["class_weight"] = weights
    if found is None:
        checked = read_training(asked, LIMITS, lambda _id: table)
        assert class_weights(checked) == {0: 2.0, 1: 3.0}
        return
    with pytest.raises(Invalid) as caught:
        read_training(asked, LIMITS, lambda _id: table)
    assert [(finding.pointer, finding.code) for finding in caught.value.findings] == [found]


def test_the_labels_of_a_hinge_have_weights() -> None:
    asked = document(loss="hinge", units=1, activation="tanh") | {"data": {"x": [[0], [1]], "y": [-1, 1]}}
    asked["fit"]["class_weight"] = {"-1": 2.0, "1": 3.0}
    checked = read_training(asked, LIMITS, opened)
    assert class_weights(checked) == {-1: 2.0, 1: 3.0}


def test_the_sides_of_one_output_are_not_named_after_its_target() -> None:
    table = Table(TABLE.arrow.append_column("share", pa.array(np.linspace(0, 1, 60))))
    asked = document(activation="sigmoid", loss="binary_crossentropy", target="share", split={"test": 0.3})
    request = read_training(asked, LIMITS, lambda _id: table).request
    made = train(request, table)
    assert made.evaluation is not None
    assert made.evaluation["report"]["confusion_matrix"]["classes"] == ["0", "1"]
    version = LoadedVersion(made, made.weights)
    prepared = prepare(table, request.data or DataSpec(), Findings(), classifies=True)
    assert prepared is not None
    assert prepared.dataset.test is not None
    measured = version.evaluate(prepared.dataset.test, Findings())
    assert measured.report == made.evaluation["report"]


def class_weights(checked: CheckedTraining) -> dict[int, float] | None:
    loss, found, dataset = AskedLoss.of(checked.request.compile), checked.outline, checked.dataset
    outputs = OutputMeaning(found.layers[-1], found.shapes[-1], loss, classes=dataset.classes)
    return Task.of(dataset.y, outputs).class_weights(checked.request.fit, dataset)


def refused(asked: dict[str, Any], **fit: Any) -> set[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        read_training(asked | {"fit": {**asked["fit"], **fit}}, LIMITS, opened)
    return {(finding.pointer, finding.code) for finding in caught.value.findings}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"split": {"train": 0.8}}, "Unknown key. Known: validation, test, folds, method, column, seed."),
        ({"split": {"methods": "last"}}, "Unknown key. Did you mean 'method'? Known: validation, test, folds, method,"),
        ({"features": [{"name": "size", "fill": 0}]}, "Unknown key. Known: name, type, encoding, missing,"),
        ({"target": {"name": "kind", "drop": True}}, "Unknown key. Known: name, missing, transform."),
        ({"targets": "kind"}, "Unknown key. Did you mean 'target'? Known: dataset, target, features,"),
    ],
)
def test_an_unknown_key_is_answered_with_the_keys_that_are_known_where_it_stands(
    data: dict[str, Any], expected: str
) -> None:
    with pytest.raises(Invalid) as caught:
        read_training(document(**data), LIMITS, opened)
    assert caught.value.findings[0].detail.startswith(expected)


def test_an_input_dim_that_counts_the_columns_of_a_table_is_told_what_they_become() -> None:
    asked = document(units=2, features=["size", "color"])
    asked["spec"]["layers"][0]["input_dim"] = 2
    with pytest.raises(Invalid) as caught:
        read_training(asked, LIMITS, opened)
    assert caught.value.findings[0].pointer == "#/spec/layers/0/input_dim"
    assert caught.value.findings[0].detail == (
        "The first layer expects 2 inputs; the data gives 5 for each row. "
        "Left out, it follows from the data; texts and dates of a table become several inputs."
    )


def test_mistakes_about_stored_data_have_their_place() -> None:
    assert refused(document(dataset="ds_none")) == {("#/data/dataset", "not_found")}
    assert refused(document(dataset=None)) == {("#/data/dataset", "wrong_type")}
    assert refused(document(x=[[1]])) == {("#/data/x", "unknown_key")}
    assert refused(document(), sample_weight=[1]) == {("#/fit/sample_weight", "conflict")}
    assert refused(document(), validation_data={"x": [[1]], "y": [1]}) == {("#/fit/validation_data", "conflict")}
    both = document(split={"validation": 0.2})
    assert refused(both, validation_split=0.1) == {("#/fit/validation_split", "conflict")}
    assert ("#/spec/layers/0/units", "wrong_type") in refused(document(units="many"))
    assert refused(document(loss="mse", activation="linear", units=1)) == {("#/data/target", "loss_mismatch")}
    named = document(split={"validation": 0.2, "column": "color"})
    assert refused(named) == {("#/data/split/column", "conflict")}
    inline = document() | {"data": {"x": [[1], [2]], "y": [0, 1], "split": {"validation": 0.5}}}
    found = refused(inline, validation_data={"x": [[1], [2]], "y": [0, 1]})
    assert found == {("#/data/split", "conflict")}


def test_numbers_of_a_table_that_an_embedding_cannot_look_up_are_refused() -> None:
    asked = document(features=["size"])
    asked["spec"]["layers"] = [
        {"class_name": "Embedding", "input_dim": 4, "output_dim": 2},
        {"class_name": "Flatten"},
        *asked["spec"]["layers"],
    ]
    assert refused(asked) == {("#/data", "out_of_range")}
    asked["data"]["features"] = [{"name": "color", "encoding": "integer"}]
    assert read_training(asked, LIMITS, opened).outline.units == 2
    asked["spec"]["layers"][0]["input_dim"] = 3
    assert refused(asked) == {("#/data", "out_of_range"), ("#/spec/layers/0/input_dim", "out_of_range")}


def test_a_service_without_datasets_knows_none() -> None:
    with pytest.raises(Invalid):
        read_training(document(), LIMITS)

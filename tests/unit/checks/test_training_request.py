"""Reading a training: mistakes at their place in the document as written; what passes can be trained."""

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.api.examples import SMALL
from service.checks import CheckedTraining, check_fits, read_training
from service.config import Limits
from service.data.datasets import Dataset
from service.errors import Findings, Invalid, TrainingFailed
from service.nn import activations, losses, metrics
from service.nn.glossary import MEANINGS
from service.spec import TrainingRequest
from service.task.cost import Cost, cost_of
from service.training import train

LIMITS = Limits()


def estimate(checked: CheckedTraining) -> Cost:
    return cost_of(checked.request, checked.dataset, checked.outline)


def mistakes(document: Any, limits: Limits = LIMITS) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        read_training(document, limits)
    return [(one.pointer, one.code) for one in caught.value.findings]


def keras(*layers: dict[str, Any]) -> dict[str, Any]:
    wrapped = [
        {"module": "keras.layers", "class_name": layer.pop("class_name"), "config": layer, "registered_name": None}
        for layer in layers
    ]
    return {**copy.deepcopy(SMALL), "spec": {"class_name": "Sequential", "config": {"layers": wrapped}}}


@pytest.mark.parametrize(
    ("layers", "pointer", "code"),
    [
        ([{"class_name": "Dense", "units": 0}], "#/spec/config/layers/0/config/units", "out_of_range"),
        (
            [{"class_name": "Dense", "units": 1, "activation": "softmax"}],
            "#/spec/config/layers/0/config/activation",
            "softmax_of_one",
        ),
        (
            [{"class_name": "Dense", "units": 1, "activation": "sigmoid", "batch_input_shape": [None, 7]}],
            "#/spec/config/layers/0/config/batch_input_shape",
            "width_mismatch",
        ),
        (
            [{"class_name": "Dense", "units": 99_999}],
            "#/spec/config/layers/0/config/units",
            "too_many_units",
        ),
    ],
)
def test_a_mistake_in_what_keras_wrote_is_pointed_at_where_keras_wrote_it(
    layers: list[dict[str, Any]], pointer: str, code: str
) -> None:
    assert (pointer, code) in mistakes(keras(*layers))


def test_a_mistake_in_a_text_of_keras_is_pointed_at_the_text() -> None:
    document = copy.deepcopy(SMALL) | {
        "spec": '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 0}}]}}'
    }
    assert mistakes(document)[0][0].startswith("#/spec")


def test_checks_without_a_document_point_into_the_request_itself() -> None:
    request = TrainingRequest.model_validate(
        {"spec": {"layers": [{"class_name": "Dense", "units": 1, "input_dim": 3}]}, "compile": {"loss": "mse"}}
    )
    findings = Findings()
    dataset = Dataset(np.zeros((2, 2), np.float32), np.zeros(2, np.float32))
    assert check_fits(request, dataset, LIMITS, findings) is None
    assert [one.pointer for one in findings.errors] == ["#/spec/layers/0/input_dim"]


def test_a_layer_that_fails_only_when_it_runs_is_found_and_pointed_at() -> None:
    document = copy.deepcopy(SMALL)
    document["spec"]["layers"].insert(1, {"class_name": "Rescaling", "scale": [1, 2, 3]})
    assert mistakes(document) == [("#/spec/layers/1", "cannot_train")]


def test_the_ignored_class_is_no_label_out_of_range() -> None:
    document = copy.deepcopy(SMALL)
    document["spec"]["layers"] = [{"class_name": "Dense", "units": 2, "activation": "softmax"}]
    document["compile"]["loss"] = {"class_name": "SparseCategoricalCrossentropy", "ignore_class": -1}
    document["data"]["y"] = [0, 1, -1, 1]
    assert read_training(document, LIMITS).outline.units == 2
    document["data"]["y"] = [0, 1, -2, 1]
    assert mistakes(document) == [("#/data/y/2", "out_of_range")]


def embedding(**changes: Any) -> dict[str, Any]:
    """A request that looks its inputs up among three vectors."""
    document = copy.deepcopy(SMALL) | changes
    first = [{"class_name": "Embedding", "input_dim": 3, "output_dim": 2}, {"class_name": "Flatten"}]
    document["spec"]["layers"] = [*first, {"class_name": "Dense", "units": 1, "activation": "sigmoid"}]
    return document


def test_inputs_that_an_embedding_has_no_vector_for_are_refused() -> None:
    assert read_training(embedding(data={"x": [[0, 2]], "y": [1]}), LIMITS).outline.units == 1
    wrong = embedding(data={"x": [[0, 3], [-1, 2], [0.5, 1]], "y": [0, 1, 1]})
    assert mistakes(wrong) == [(f"#/data/x/{place}", "out_of_range") for place in ("0/1", "1/0", "2/0")]
    held = embedding(fit={"validation_data": {"x": [[7, 0]], "y": [1]}})
    assert mistakes(held) == [("#/fit/validation_data/x/0/0", "out_of_range")]
    many = embedding(data={"x": [[9, 9]] * 50, "y": [0, 1] * 25})
    with pytest.raises(Invalid, match="a whole number from 0 to 2") as caught:
        read_training(many, LIMITS)
    assert (len(caught.value.findings), caught.value.total) == (20, 100)


@pytest.mark.parametrize(
    "names", [["loss"], ["learning_rate"], ["val_loss"], ["mae", "val_mae"], ["mae", "test_mae"], ["a", "a"]]
)
def test_a_metric_whose_name_means_something_else_is_refused(names: list[str]) -> None:
    document = copy.deepcopy(SMALL)
    document["compile"]["metrics"] = [{"class_name": "MeanAbsoluteError", "name": name} for name in names]
    assert mistakes(document) == [("#/compile/metrics", "duplicate")]
    document["compile"]["metrics"] = [{"class_name": "MeanAbsoluteError", "name": "a" * 10_000}] * 2
    with pytest.raises(Invalid) as caught:
        read_training(document, LIMITS)
    assert len(caught.value.findings[0].detail) < 120
    document["compile"]["metrics"] = [{"class_name": "MeanAbsoluteError", "name": name} for name in ("val_a", "b")]
    read_training(document, LIMITS)


SEVERAL: list[dict[str, Any]] = [
    {"class_name": "Precision", "thresholds": [0.1, 0.9]},
    {"class_name": "TruePositives", "thresholds": [0.5]},
    {"class_name": "AUC", "thresholds": [0.1, 0.9]},
    {"class_name": "AUC", "num_thresholds": None, "thresholds": [0.5]},
]


def test_a_metric_of_several_thresholds_is_a_list_in_every_epoch_and_two_of_one_class_are_counted() -> None:
    document = copy.deepcopy(SMALL)
    document["compile"]["metrics"] = SEVERAL
    checked = read_training(document, LIMITS)
    assert [one.code for one in checked.warnings] == []
    assert checked.inline is not None
    result = train(checked.request, checked.inline)
    assert set(result.metrics) == {"loss", "precision", "true_positives", "auc", "auc_1"}
    assert isinstance(result.metrics["precision"], list)
    assert all(len(value) == 2 for value in result.history["precision"])
    assert all(isinstance(value, float) for value in result.history["true_positives"])


def test_a_callback_cannot_watch_a_metric_that_is_a_vector() -> None:
    document = copy.deepcopy(SMALL)
    document["compile"]["metrics"] = SEVERAL
    document["fit"]["callbacks"] = [{"class_name": "EarlyStopping", "monitor": "precision"}]
    assert mistakes(document) == [("#/fit/callbacks/0/monitor", "vector_metric")]
    document["compile"]["metrics"] = ["f1_score"]
    document["fit"]["callbacks"] = [{"class_name": "EarlyStopping", "monitor": "f1_score", "mode": "max"}]
    checked = read_training(document, LIMITS)
    assert [one.detail for one in checked.warnings] == [
        "Of one output the largest is always this one: give a threshold, such as 0.5."
    ]


def test_a_metric_may_be_measured_with_weights_and_without() -> None:
    document = copy.deepcopy(SMALL)
    document["compile"] |= {"metrics": ["accuracy"], "weighted_metrics": ["accuracy"]}
    document["fit"] |= {"sample_weight": [1, 2, 3, 4], "callbacks": [{"class_name": "EarlyStopping"}]}
    document["fit"]["callbacks"][0] |= {"monitor": "weighted_accuracy"}
    checked = read_training(document, LIMITS)
    assert checked.inline is not None
    assert {"accuracy", "weighted_accuracy"} <= set(train(checked.request, checked.inline).metrics)
    document["compile"]["weighted_metrics"] *= 2
    assert ("#/compile/metrics", "duplicate") in mistakes(document)


def test_what_keras_says_of_a_compilation_may_stand_as_it_is() -> None:
    document = copy.deepcopy(SMALL)
    asked = read_training(document, LIMITS).request
    document["compile"] |= {"loss_weights": None, "weighted_metrics": None, "run_eagerly": False, "jit_compile": True}
    document["compile"] |= {"steps_per_execution": 1, "auto_scale_loss": True}
    read = read_training(document, LIMITS).request.compile
    assert read.arguments() == asked.compile.arguments()
    assert read.model_dump(exclude_unset=True).keys() - asked.compile.model_dump().keys() == set()
    document["compile"]["loss_weights"] = [2.0]
    assert mistakes(document) == [("#/compile/loss_weights", "unknown_key")]


@pytest.mark.parametrize(
    ("asked", "pointer", "said"),
    [
        ({"spec": {"layers": []}}, "#/spec/layers", "Expected a list of at least 1; received an empty list."),
        ({"data": "ds_1"}, "#/data", 'Expected {"x": rows, "y": targets}, or {"dataset": id}; received a text.'),
        ({"fit": {"seed": 1e30}}, "#/fit/seed", "Expected an integer; received a number that is too large."),
        ({"fit": {"class_weight": {"0": -1}}}, "#/fit/class_weight/0", "Expected a number >= 0; received -1."),
        (
            {"data": {"dataset": "ds_1", "target": ""}},
            "#/data/target",
            "Expected a text of length 1 or more; received an empty text.",
        ),
        (
            {"data": {"dataset": "ds_1", "target": "a", "features": []}},
            "#/data/features",
            "Expected a list of at least 1; received an empty list.",
        ),
    ],
)
def test_a_mistake_is_told_once_and_as_what_it_is(asked: dict[str, Any], pointer: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_training(copy.deepcopy(SMALL) | asked, LIMITS)
    found = [(one.pointer, one.detail) for one in caught.value.findings]
    (told,) = [detail for at, detail in found if at.startswith(pointer)]
    assert told.startswith(said)


def test_a_message_ends_with_what_its_field_means() -> None:
    asked = {"compile": {"optimizer": {"class_name": "Adam", "beta_1": 2}, "loss": "mse"}}
    with pytest.raises(Invalid) as caught:
        read_training(copy.deepcopy(SMALL) | asked, LIMITS)
    (told,) = [one.detail for one in caught.value.findings if one.pointer == "#/compile/optimizer/beta_1"]
    assert told == f"Expected a number < 1; received 2. beta_1: {MEANINGS['beta_1']}"


def test_limits_are_the_settings() -> None:
    tight = Limits(max_layers=1, max_units=7, max_epochs=99, max_parameters=5)
    assert {code for _, code in mistakes(SMALL, tight)} == {"too_many_layers", "too_many_units", "too_many_epochs"}
    assert mistakes(SMALL, Limits(max_parameters=20)) == [("#/spec/layers/0", "too_many_parameters")]


@pytest.mark.parametrize(
    ("layers", "batch_size", "rows", "pointer"),
    [
        ([{"class_name": "Dense", "units": 3000}] * 2, 4, 4, "#/spec/layers"),
        ([{"class_name": "Dense", "units": 400}], 2000, 2000, "#/fit/batch_size"),
        ([{"class_name": "Dense", "units": 2}], 4, 2000, "#/data"),
    ],
)
def test_a_training_that_needs_too_much_memory_is_refused_where_most_of_it_comes_from(
    layers: list[Any], batch_size: int, rows: int, pointer: str
) -> None:
    document = copy.deepcopy(SMALL)
    document["spec"]["layers"] = [*layers, {"class_name": "Dense", "units": 1, "activation": "sigmoid"}]
    document["fit"]["batch_size"] = batch_size
    document["data"] = {"x": [[0, 1]] * rows, "y": [0, 1] * (rows // 2)}
    needed = estimate(read_training(document, LIMITS)).memory_bytes
    read_training(document, Limits(max_memory_bytes=needed))
    with pytest.raises(Invalid, match=f"at most {needed - 1:,} bytes of memory; this one needs about {needed:,}"):
        read_training(document, Limits(max_memory_bytes=needed - 1))
    assert mistakes(document, Limits(max_memory_bytes=needed - 1)) == [(pointer, "too_much_memory")]


def test_a_large_network_is_checked_without_being_built() -> None:
    document = copy.deepcopy(SMALL)
    wide = {"class_name": "Dense", "units": 3000}
    document["spec"]["layers"] = [wide, wide, {"class_name": "Dense", "units": 1, "activation": "sigmoid"}]
    checked = read_training(document, LIMITS)
    assert not checked.outline.is_built
    assert checked.outline.parameters == estimate(checked).parameters == 3 * 3000 + 3001 * 3000 + 3001


LAYERS = [
    {"class_name": "Dense", "units": 3, "activation": "relu"},
    {"class_name": "Dense", "units": 4, "activation": "glu"},
    {"class_name": "Dropout", "rate": 0.5},
    {"class_name": "BatchNormalization"},
    {"class_name": "BatchNormalization", "axis": 2},
    {"class_name": "LayerNormalization"},
    {"class_name": "GroupNormalization", "groups": 2},
    {"class_name": "Activation", "activation": "tanh"},
    {"class_name": "PReLU"},
    {"class_name": "PReLU", "shared_axes": [2]},
    {"class_name": "Reshape", "target_shape": [-1, 1]},
    {"class_name": "Reshape", "target_shape": [0]},
    {"class_name": "Flatten"},
    {"class_name": "Embedding", "input_dim": 5, "output_dim": 2},
    {"class_name": "Rescaling", "scale": [1, 2, 3]},
    {"class_name": "RepeatVector", "n": 2},
    {"class_name": "Permute", "dims": [1]},
    {"class_name": "Softmax", "axis": 3},
    {"class_name": "Normalization", "mean": [1, 2], "variance": [1, 1]},
    {"class_name": "ActivityRegularization", "l1": 0.1},
]
ROWS = 7
TARGETS: dict[str, Any] = {
    "numbers": [0.5, 1.5, -2, 3, 0, 1, 2],
    "shares": [[0.5, 0.5], [1, 0], [0, 1]] + [[0.2, 0.8]] * 4,
    "indices": [0, 1, 2, 0, 1, 2, 1],
    "sides": [0, 1, 1, 0, 1, 0, 1],
    "one-hot": [[1, 0, 0], [0, 1, 0], [0, 0, 1]] + [[1, 0, 0]] * 4,
    "two names": ["a", "b", "a", "b", "b", "a", "a"],
    "three names": ["a", "b", "c", "a", "b", "c", "a"],
    "rows": [[1.5, -2.0]] * 7,
    "column": [[1.0]] * 7,
}
METRICS = [name for name in metrics.REGISTRY.names() if name[0].islower() and "_at_" not in name]
LOSSES = [name for name in losses.REGISTRY.names() if name[0].islower()]


SOUND = [
    ("softmax", 3, "categorical_crossentropy", "indices"),
    ("softmax", 3, "categorical_crossentropy", "one-hot"),
    ("softmax", 3, "sparse_categorical_crossentropy", "three names"),
    ("softmax", 2, "crossentropy", "two names"),
    ("softmax", 2, "kl_divergence", "shares"),
    ("softmax", 3, "categorical_focal_crossentropy", "three names"),
    ("sigmoid", 1, "binary_crossentropy", "two names"),
    ("sigmoid", 1, "crossentropy", "sides"),
    ("sigmoid", 2, "binary_focal_crossentropy", "shares"),
    ("tanh", 1, "squared_hinge", "sides"),
    (None, 3, "categorical_hinge", "one-hot"),
    (None, 1, "mse", "numbers"),
    (None, 2, "huber", "rows"),
    ("softplus", 1, "poisson", "column"),
    ("gelu", 2, "cosine_similarity", "rows"),
]
"""Last activation, units, loss and targets that belong together."""


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    loss: Any
    activation, units, loss, targets = draw(st.sampled_from(SOUND))
    match draw(st.sampled_from(["sound", "sound", "activation", "units", "loss", "targets"])):
        case "activation":
            activation = draw(st.sampled_from([None, *activations.REGISTRY.names()]))
        case "units":
            units = draw(st.integers(1, 3))
        case "loss":
            loss = draw(st.sampled_from([*LOSSES, "crossentropy"]))
        case "targets":
            targets = draw(st.sampled_from(sorted(TARGETS)))
    last = {"class_name": "Dense", "units": units, "activation": activation}
    if loss.endswith("_crossentropy") and draw(st.booleans()):
        loss = {
            "class_name": losses.REGISTRY.class_of(loss).__name__,
            "from_logits": draw(st.sampled_from([False, False, True])),
        }
    fit: dict[str, Any] = {
        "epochs": 2,
        "batch_size": draw(st.sampled_from([None, 1, 2, 100])),
        "validation_split": draw(st.sampled_from([0, 0.3])),
        "shuffle": draw(st.sampled_from([True, False, "batch"])),
        "seed": 1,
    }
    match draw(st.sampled_from(["", "", "class", "sample"])):
        case "class":
            fit["class_weight"] = {"0": 2.0}
        case "sample":
            fit["sample_weight"] = [1.0, 0.5, 0, 1, 2, 1, 1]
    if draw(st.integers(0, 3)) == 3:
        name = draw(st.sampled_from(["EarlyStopping", "ReduceLROnPlateau"]))
        fit["callbacks"] = [{"class_name": name, "monitor": draw(st.sampled_from(["loss", "val_loss", "accuracy"]))}]
    return {
        "spec": {"layers": [*draw(st.lists(st.sampled_from(LAYERS), max_size=2)), last]},
        "compile": {
            "optimizer": draw(st.sampled_from(["sgd", "adam", "rmsprop", "lion"])),
            "loss": loss,
            "metrics": draw(st.lists(st.sampled_from(["accuracy", *METRICS]), max_size=3, unique=True)),
            "weighted_metrics": draw(st.lists(st.sampled_from(METRICS), max_size=1)),
        },
        "fit": fit,
        "data": {
            "x": np.random.default_rng(0).normal(size=(ROWS, 2)).tolist(),
            "y": TARGETS[targets],
        },
    }


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_what_passes_the_checks_can_be_trained(document: dict[str, Any]) -> None:
    try:
        checked = read_training(document, LIMITS)
    except Invalid as error:
        assert error.total
        assert all(one.detail for one in error.findings)
        return
    assert estimate(checked).parameters >= 0
    try:
        result = train(checked.request, checked.dataset)
    except TrainingFailed as error:
        assert error.code == "diverged"
        return
    assert result.output["shape"][-1] == checked.outline.units


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"loss": {"class_name": "BinaryCrossentropy", "axis": 0}}, "#/compile/loss", "cannot_train"),
        ({"loss": {"class_name": "BinaryCrossentropy", "axis": 3}}, "#/compile/loss", "cannot_train"),
        ({"metrics": ["mae", {"class_name": "CosineSimilarity", "axis": 0}]}, "#/compile/metrics/1", "metric_mismatch"),
        ({"metrics": [{"class_name": "Precision", "class_id": 4}]}, "#/compile/metrics/0", "metric_mismatch"),
        ({"optimizer": {"class_name": "Lion", "beta_1": 0}}, "#/compile/optimizer/beta_1", "out_of_range"),
        (
            {"optimizer": {"class_name": "AdamW", "weight_decay": None}},
            "#/compile/optimizer/weight_decay",
            "wrong_type",
        ),
    ],
)
def test_what_keras_refuses_is_refused_where_it_stands(changed: dict[str, Any], pointer: str, code: str) -> None:
    document = copy.deepcopy(SMALL)
    document["compile"] |= changed
    assert mistakes(document) == [(pointer, code)]


@pytest.mark.parametrize(
    "layer",
    [
        {"class_name": "LayerNormalization", "axis": 3},
        {"class_name": "BatchNormalization", "axis": 2},
        {"class_name": "GroupNormalization", "groups": 4, "axis": -3},
        {"class_name": "RMSNormalization", "axis": [1, 1]},
        {"class_name": "UnitNormalization", "axis": 0},
        {"class_name": "Softmax", "axis": 2},
        {"class_name": "Normalization", "axis": 5},
    ],
)
def test_an_axis_that_a_row_does_not_have_is_refused_with_those_that_it_has(layer: dict[str, Any]) -> None:
    document = copy.deepcopy(SMALL)
    document["spec"]["layers"].insert(1, layer)
    with pytest.raises(Invalid, match="axis") as caught:
        read_training(document, LIMITS)
    assert [one.pointer for one in caught.value.findings] == ["#/spec/layers/1"]


def test_a_short_training_on_thousands_of_rows_is_warned_of() -> None:
    document = copy.deepcopy(SMALL)
    document["data"] = {"x": [[0, 1], [1, 0]] * 1000, "y": [0, 1] * 1000}
    for epochs, expected in ((1, [("#/fit/epochs", "few_steps")]), (20, [])):
        document["fit"]["epochs"] = epochs
        assert [(one.pointer, one.code) for one in read_training(document, LIMITS).warnings] == expected

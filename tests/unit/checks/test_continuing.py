"""Going on from a version: exactly where it stopped, with what fits its weights, and a place for all that does not."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from service.checks import read_training
from service.config import Limits
from service.data.datasets import Dataset
from service.errors import Damaged, Invalid
from service.formats.weights import unpack
from service.training import train
from service.versions import NewVersion
from tests.support.continued import checked, continued, start_of

RNG = np.random.default_rng(6)
X = RNG.normal(size=(48, 4)).astype(np.float32).round(3)
LABELS = (X[:, 0] > 0).astype(np.int32) + (X[:, 1] > 0)
ROWS = {"x": X.tolist(), "y": LABELS.tolist()}
SPEC: dict[str, Any] = {
    "layers": [
        {"class_name": "Dense", "units": 6, "activation": "tanh", "input_dim": 4},
        {"class_name": "Dropout", "rate": 0.2},
        {"class_name": "BatchNormalization"},
        {"class_name": "Dense", "units": 3, "activation": "softmax"},
    ]
}
FIT: dict[str, Any] = {"batch_size": 7, "shuffle": False, "seed": 5}
LOSS = "sparse_categorical_crossentropy"


def trained(optimizer: Any = "adam", epochs: int = 2, **fit: Any) -> NewVersion:
    document = {"spec": SPEC, "compile": {"optimizer": optimizer, "loss": LOSS}, "data": ROWS}
    document["fit"] = {**FIT, "epochs": epochs, **fit}
    found = read_training(document, Limits())
    assert found.inline is not None
    return train(found.request, found.inline)


@pytest.fixture(scope="module")
def base() -> NewVersion:
    return trained({"class_name": "Adam", "learning_rate": 0.01})


def changed(*path: Any, **values: Any) -> dict[str, Any]:
    """The network with another value somewhere."""
    spec = copy.deepcopy(SPEC)
    spec["layers"][path[0]].update(values)
    return {"spec": spec}


OPTIMIZERS: dict[str, Any] = {
    "sgd": "sgd",
    "momentum": {"class_name": "SGD", "momentum": 0.9, "nesterov": True},
    "adam": "adam",
    "adamw": {"class_name": "AdamW", "weight_decay": 0.02, "clipnorm": 0.5},
    "average": {"class_name": "Adam", "use_ema": True, "ema_momentum": 0.8, "weight_decay": 0.01},
    "overwritten average": {"class_name": "Adam", "use_ema": True, "ema_overwrite_frequency": 3},
    "accumulation": {"class_name": "RMSprop", "gradient_accumulation_steps": 4},
    "schedule": {
        "class_name": "Adam",
        "learning_rate": {"class_name": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 3,
                          "decay_rate": 0.9},
    },
    **{name: name for name in ("nadam", "adafactor", "lion", "ftrl", "adagrad", "adadelta", "adamax")},
    "muon": {"class_name": "Muon"},
    "lamb": {"class_name": "Lamb"},
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_and_three_epochs_are_five_to_the_bit(name: str) -> None:
    whole = trained(OPTIMIZERS[name], epochs=5)
    two = trained(OPTIMIZERS[name], epochs=2)
    three = continued({"fit": {**FIT, "epochs": 3}, "data": ROWS}, two)
    assert three.weights == whole.weights
    assert three.optimizer == whole.optimizer
    assert three.history["loss"] == whole.history["loss"][2:]
    assert two.weights != whole.weights


def test_the_optimizer_begins_anew_if_asked_or_compiled_anew(base: NewVersion) -> None:
    document = {"fit": {**FIT, "epochs": 1}, "data": ROWS}
    goes_on = continued(document, base)
    anew = continued({**document, "from": {"model": "base", "optimizer": False}}, base)
    compiled = continued({**document, "compile": base.compile}, base)
    kept = continued({**document, "compile": base.compile, "from": {"model": "base", "optimizer": True}}, base)
    assert anew.weights == compiled.weights != goes_on.weights == kept.weights
    assert [made.environment["from"]["optimizer"] for made in (goes_on, anew, compiled, kept)] == [1, 0, 0, 1]
    assert goes_on.environment["from"] == {"model": "base", "version": 1, "optimizer": True}


def test_the_rate_is_the_one_that_the_training_ended_with_unless_compiled_anew() -> None:
    plateau = {"class_name": "ReduceLROnPlateau", "monitor": "loss", "patience": 1, "min_delta": 99, "factor": 0.5}
    for optimizer in ("adam", {"class_name": "Adam", "learning_rate": 0.001, "beta_1": 0.8}):
        base = trained(optimizer, epochs=4, callbacks=[plateau])
        assert base.optimizer is not None
        rate = float(unpack(base.optimizer)[0]["learning_rate"])
        assert rate < 0.001
        document = {"data": ROWS, "from": {"model": "base", "optimizer": True}}
        found, _ = checked(document, base)
        asked = found.request.to_json_dict()["compile"]["optimizer"]
        assert asked == {"class_name": "Adam", "learning_rate": rate} | (
            {"beta_1": 0.8} if isinstance(optimizer, dict) else {}
        )
        found, _ = checked({**document, "compile": base.compile}, base)
        assert found.request.to_json_dict()["compile"] == base.compile


def test_another_loss_rate_or_optimizer_may_go_on_from_the_weights(base: NewVersion) -> None:
    for compile_ in ({"optimizer": "sgd", "loss": LOSS}, {"optimizer": "adam", "loss": "categorical_crossentropy"}):
        made = continued({"compile": compile_, "fit": {**FIT, "epochs": 1}, "data": ROWS}, base)
        assert made.compile == compile_
        assert made.history["loss"][0] < base.history["loss"][0]


def test_weights_are_matched_by_place_and_shape_not_by_words(base: NewVersion) -> None:
    spec = {
        "layers": [
            {"class_name": "Dense", "units": 6, "activation": "relu", "name": "other", "trainable": False},
            {"class_name": "GaussianNoise", "stddev": 0.1},
            {"class_name": "BatchNormalization", "momentum": 0.5},
            {"class_name": "Dropout", "rate": 0.7},
            {"class_name": "Dense", "units": "auto", "activation": "softmax"},
        ]
    }
    made = continued({"spec": spec, "fit": {**FIT, "epochs": 1}, "data": ROWS}, base)
    before, after = (list(unpack(result.weights)[0].values()) for result in (base, made))
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[-1], after[-1])


def test_a_layer_that_is_frozen_now_starts_the_optimizer_anew_and_says_so(base: NewVersion) -> None:
    found, _ = checked({**changed(0, trainable=False), "data": ROWS}, base)
    assert [(one.pointer, one.code) for one in found.warnings if one.code != "few_steps"] == [
        ("#/from", "optimizer_mismatch")
    ]
    assert found.request.from_ is not None
    assert found.request.from_.optimizer is False


def test_the_optimizer_goes_on_where_only_dropout_changed(base: NewVersion) -> None:
    found, _ = checked({**changed(1, rate=0.9), "data": ROWS}, base)
    assert found.request.from_ is not None
    assert found.request.from_.optimizer is True


def test_the_number_of_the_version_is_fixed(base: NewVersion) -> None:
    for which in ({}, {"version": 1}, {"label": "stable"}):
        found, start = checked({"from": {"model": "base", **which}, "data": ROWS}, base)
        assert found.request.to_json_dict()["from"] == {"model": "base", "version": 1, "optimizer": True}
        assert found.start_id == start.version.id


TAKE = {"from": {"model": "base", "optimizer": True}}
DENSE = {"class_name": "Dense", "units": 3, "activation": "softmax"}
MISTAKES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no object": ({"from": 3}, "#/from", "wrong_type"),
    "no model": ({"from": {}}, "#/from/model", "missing"),
    "another key": ({"from": {"model": "base", "number": 1}}, "#/from/number", "unknown_key"),
    "two versions": ({"from": {"model": "base", "version": 1, "label": "stable"}}, "#/from/label", "conflict"),
    "a version of none": ({"from": {"model": "base", "version": 0}}, "#/from/version", "out_of_range"),
    "unknown model": ({"from": {"model": "other"}}, "#/from/model", "not_found"),
    "unknown version": ({"from": {"model": "base", "version": 7}}, "#/from/version", "not_found"),
    "unknown label": ({"from": {"model": "base", "label": "best"}}, "#/from/label", "not_found"),
    "wider layer": (changed(0, units=7), "#/spec/layers/0", "weights_mismatch"),
    "no bias": (changed(0, use_bias=False), "#/spec/layers/0", "weights_mismatch"),
    "layer too many": ({"spec": {"layers": [*SPEC["layers"], DENSE]}}, "#/spec/layers/4", "weights_mismatch"),
    "layer too few": ({"spec": {"layers": [SPEC["layers"][0], SPEC["layers"][2]]},
                       "compile": {"loss": "mse"}, "data": {"x": ROWS["x"], "y": [[0.0] * 6] * 48}},
                      "#/spec/layers", "weights_mismatch"),
    "another class": (
        {**TAKE, "compile": {"optimizer": "sgd", "loss": LOSS}},
        "#/from/optimizer",
        "optimizer_mismatch",
    ),
    "other slots": (
        {**TAKE, "compile": {"optimizer": {"class_name": "Adam", "amsgrad": True}, "loss": LOSS}},
        "#/from/optimizer",
        "optimizer_mismatch",
    ),
    "other scale": (
        {**TAKE, "compile": {"optimizer": {"class_name": "Adam", "beta_2": 0.9}, "loss": LOSS}},
        "#/from/optimizer",
        "optimizer_mismatch",
    ),
    "other weights": ({**TAKE, **changed(0, trainable=False)}, "#/from/optimizer", "optimizer_mismatch"),
    "narrower rows": ({"data": {"x": [[1.0, 2.0]] * 9, "y": [0, 1, 2] * 3}}, "#/data/x", "width_mismatch"),
    "class names": ({"data": {"x": ROWS["x"], "y": ["a", "b", "c"] * 16}}, "#/data/y", "unknown_class"),
    "a mistake elsewhere": ({"fit": {"epochs": 0}}, "#/fit/epochs", "out_of_range"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_what_does_not_fit_has_its_place(base: NewVersion, name: str) -> None:
    document, pointer, code = MISTAKES[name]
    with pytest.raises(Invalid) as refused:
        checked({"data": ROWS, **document}, base)
    assert [(one.pointer, one.code) for one in refused.value.findings] == [(pointer, code)]


def test_a_state_that_is_not_there_cannot_be_asked_for(base: NewVersion) -> None:
    base = trained()
    without = replace(base, optimizer=None)
    found, _ = checked({"data": ROWS}, without)
    assert found.request.from_ is not None
    assert found.request.from_.optimizer is False
    with pytest.raises(Invalid) as refused:
        checked({**TAKE, "data": ROWS}, without)
    assert refused.value.findings[0].pointer == "#/from/optimizer"


def test_without_a_store_there_is_nothing_to_go_on_from() -> None:
    with pytest.raises(Invalid) as refused:
        read_training({"from": {"model": "base"}, "data": ROWS}, Limits())
    assert [one.pointer for one in refused.value.findings] == ["#/from/model"]


def test_a_request_without_network_and_version_lacks_a_network_unless_a_preset_makes_one() -> None:
    with pytest.raises(Invalid) as refused:
        read_training({"from": None, "compile": {"loss": "mse"}, "data": ROWS}, Limits())
    assert [one.pointer for one in refused.value.findings] == ["#/spec"]
    assert read_training({"from": None, "data": ROWS}, Limits()).request.preset == "auto"


def test_damaged_weights_are_no_start(base: NewVersion) -> None:
    with pytest.raises(Damaged):
        start_of(base, sha256="0" * 64)


def test_the_shapes_of_a_large_network_are_compared_without_making_it() -> None:
    layers: list[dict[str, Any]] = [
        {"class_name": "Embedding", "input_dim": 9000, "output_dim": 250},
        {"class_name": "Flatten"},
        {"class_name": "LayerNormalization"},
        {"class_name": "Dense", "units": 3, "activation": "softmax"},
    ]
    document = {"spec": {"layers": layers}, "compile": {"loss": LOSS}, "fit": FIT}
    data = {"x": np.abs(X).astype(int).tolist(), "y": ROWS["y"]}
    found = read_training({**document, "data": data}, Limits())
    assert found.inline is not None
    assert not found.outline.is_built
    base = train(found.request, Dataset(found.inline.x[:2], found.inline.y[:2]))
    assert checked({"data": data}, base)[0].request.spec == found.request.spec
    layers[3] = {**layers[3], "units": 4}
    with pytest.raises(Invalid) as refused:
        checked({"spec": {"layers": layers}, "data": data}, base)
    assert refused.value.findings[0].pointer == "#/spec/layers/3"
    assert "[1000, 3] and [3]" in refused.value.findings[0].detail

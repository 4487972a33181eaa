"""Networks and weights that come in as JSON, and what keeps them out."""

from typing import Any

import numpy as np
import pytest

from service import nn
from service.config import Limits
from service.errors import Invalid
from service.exchange.importing import import_json
from service.prediction import LoadedVersion


def written(**changes: Any) -> dict[str, Any]:
    """A body of JSON that is right as it stands."""
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(1, activation="sigmoid")])
    spec = {"class_name": "Sequential", "config": model.get_config()}
    return {"spec": spec, "weights": [[[1.0], [-1]], [0.5]]} | changes


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"weights": [[[1.0], [2.0]]]}, "#/weights", "wrong_length"),
    ({"weights": {}}, "#/weights", "wrong_type"),
    ({"weights": [[[1.0], [2.0]], [[0.5]]]}, "#/weights/1", "shape_mismatch"),
    ({"weights": [[[1.0], [2.0, 3.0]], [0.5]]}, "#/weights/0", "not_a_number"),
    ({"weights": [[["1"], ["2"]], [0.5]]}, "#/weights/0", "not_a_number"),
    ({"weights": [[[None], [2.0]], [0.5]]}, "#/weights/0", "not_a_number"),
    ({"weights": [[[1e39], [2.0]], [0.5]]}, "#/weights/0", "not_finite"),
    ({"spec": {"layers": [{"class_name": "Lambda", "config": {}}]}}, "#/spec/layers/0/class_name", "unknown_name"),
    ({"spec": {"class_name": "Functional", "config": {}}}, "#/spec/class_name", "unknown_name"),
    ({"spec": {"layers": []}}, "#/spec/layers", "wrong_form"),
    ({"spec": {"layers": [{"class_name": "Flatten"}]}}, "#/spec/layers", "no_weights"),
    (
        {
            "spec": {
                "layers": [
                    {"class_name": "InputLayer", "batch_shape": [None, 2, 3]},
                    {"class_name": "Dense", "units": 1},
                ]
            }
        },
        "#/spec/layers/0/batch_shape",
        "shape_mismatch",
    ),
    ({"spec": {"layers": [{"class_name": "Dense", "units": 10**9}]}}, "#/spec/layers/0/units", "too_many_units"),
    ({"model": "a/b"}, "#/model", "wrong_form"),
    ({"compile": {"loss": "none"}}, "#/compile/loss", "unknown_name"),
    ({"classes": ["a"]}, "#/classes", "wrong_length"),
    ({"classes": ["a", "a"]}, "#/classes", "wrong_length"),
    ({"classes": ["a", 1]}, "#/classes/1", "wrong_type"),
    ({"spec": {"layers": [{"class_name": "Embedding", "input_dim": 3, "output_dim": 2}]}}, "#/spec", "shape_mismatch"),
    ({"spec": {"layers": [{"class_name": "Dense", "units": 1, "input_dim": 10**5}]}}, "#/spec", "too_many_columns"),
    ({"more": 1}, "#/more", "unknown_key"),
]


@pytest.mark.parametrize(("changes", "pointer", "code"), MISTAKES)
def test_a_mistake_in_json_is_found_at_its_place(changes: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        import_json(written(**changes), Limits())
    assert (refused.value.findings[0].pointer, refused.value.findings[0].code) == (pointer, code)


@pytest.mark.parametrize(
    ("activation", "loss"),
    [("softmax", "categorical_crossentropy"), ("sigmoid", "binary_crossentropy"), (None, "mean_squared_error")],
)
def test_the_loss_follows_from_the_outputs_where_nothing_is_said(activation: str | None, loss: str) -> None:
    layer = {"class_name": "Dense", "units": 2, "activation": activation, "input_dim": 1}
    _, made = import_json({"spec": {"layers": [layer]}, "weights": [[[1, 2]], [0, 0]]}, Limits())
    assert made.compile == {"loss": loss}


def test_the_first_kernel_tells_the_columns_where_no_layer_does() -> None:
    body = {"spec": {"layers": [{"class_name": "Dense", "units": 1, "use_bias": False}]}, "weights": [[[1], [2], [3]]]}
    _, made = import_json(body, Limits())
    assert made.input == {"features": None, "shape": [None, 3]}


def test_classes_are_named_in_predictions() -> None:
    name, made = import_json(written(model="named", classes=["no", "yes"]), Limits())
    assert (name, made.output["classes"]) == ("named", ["no", "yes"])
    loaded = LoadedVersion(made, made.weights)
    assert loaded.meaning.named(loaded.predict(np.array([[3, 0], [-3, 0]], np.float32))) == ["yes", "no"]


def test_json_may_bring_its_compilation_as_keras_writes_it() -> None:
    layers = [{"class_name": "Dense", "units": 1, "input_dim": 2}]
    compiled = {
        "loss": "mse",
        "loss_weights": None,
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": True,
    }
    document = {"spec": {"layers": layers}, "compile": compiled, "weights": [[[1.0], [2.0]], [0.0]]}
    assert import_json(document, Limits())[1].compile == {"loss": "mse"}

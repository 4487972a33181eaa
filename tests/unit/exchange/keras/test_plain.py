"""What Keras does not have is written in layers that it has, or refused by its name."""

import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from service import nn
from service.errors import Invalid
from service.exchange.keras.archive import write_archive
from service.exchange.keras.plain import in_plain_layers
from service.spec import CompileSpec
from tests.support import recipes
from tests.support.architectures import made, rows_for

SAVED_AT = datetime(2026, 1, 1, tzinfo=UTC)
OWN = ["epsilon_form", "learning_rate_factors", "weight_decay_factors", "weight_decay_schedule"]


def configuration(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read("config.json"))


def test_layers_of_ours_become_those_of_keras() -> None:
    model = made("plain in the end")
    plain = in_plain_layers(model)
    assert all(layer.in_keras for layer in plain.layers)
    np.testing.assert_allclose(plain.predict(rows_for(model)), model.predict(rows_for(model)), rtol=1e-5, atol=1e-6)


def test_a_network_of_keras_is_written_as_it_is() -> None:
    model = made("dense")
    model.compile("adam", "mse")
    assert in_plain_layers(model) is model


def test_what_keras_does_not_know_of_an_optimizer_is_left_out() -> None:
    model = made("plain in the end")
    asked = recipes.realmlp_td(1, classifies=False, numbers=[0], one_hot=[], codes={})
    model.compile(**CompileSpec.model_validate(asked["compile"]).arguments())
    written = configuration(write_archive(model, SAVED_AT))["compile_config"]["optimizer"]["config"]
    assert written["learning_rate"] == 0.2
    assert written["weight_decay"] == 0.02
    assert set(written).isdisjoint(OWN)


@pytest.mark.parametrize(("name", "layer"), [("embedded columns", "ColumnTransformer"), ("members", "EnsembleScale")])
def test_what_no_layer_of_keras_says_is_refused_with_the_formats_that_say_it(name: str, layer: str) -> None:
    model = made(name)
    expected = f"it has no {layer}. The formats onnx, python, safetensors and json have"
    with pytest.raises(Invalid, match=expected) as refused:
        write_archive(model, SAVED_AT)
    place = next(number for number, one in enumerate(model.layers) if type(one).__name__ == layer)
    assert [finding.pointer for finding in refused.value.findings] == [f"#/spec/layers/{place}"]


def test_a_clamp_that_has_seen_no_targets_is_left_out() -> None:
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(1), nn.layers.Clamp()])
    assert [type(layer).__name__ for layer in in_plain_layers(model).layers] == ["Dense"]


def test_targets_that_are_all_the_same_are_clamped_to_it() -> None:
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(1), nn.layers.Clamp(3.0, 3.0)])
    x = np.array([[1.0, 2.0], [-5.0, 0.5]], np.float32)
    np.testing.assert_array_equal(in_plain_layers(model).predict(x), [[3.0], [3.0]])

"""ONNX files, judged by ONNX Runtime."""

import dataclasses
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from service import nn
from service.data.features import PlainEncoder
from service.errors import Invalid
from service.exchange.onnx.file import write_onnx
from service.exchange.onnx.layers import LAYERS
from tests.support.architectures import ARCHITECTURES, made, rows_for


def predicted(content: bytes, x: Any) -> Any:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(["output"], {"input": x})[0]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_onnx_runtime_predicts_what_the_network_predicts(name: str) -> None:
    model = made(name)
    content = write_onnx(model, {}, PlainEncoder(model.input_shape[-1]))
    for rows in (1, 7):
        x = rows_for(model, rows)
        np.testing.assert_allclose(predicted(content, x), model.predict(x), rtol=1e-5, atol=1e-5)


def test_numbers_beyond_the_vocabulary_get_the_nearest_vector() -> None:
    model, x = made("embedding"), np.array([[-3, 7, 99]], np.float32)
    np.testing.assert_allclose(
        predicted(write_onnx(model, {}, PlainEncoder(model.input_shape[-1])), x), model.predict(x), rtol=1e-5
    )


def test_a_file_says_what_it_is_and_is_the_same_each_time() -> None:
    network, notes = made("dense"), {"model": "digits", "version": "3"}
    content = write_onnx(network, notes, PlainEncoder(network.input_shape[-1]))
    assert content == write_onnx(made("dense"), notes, PlainEncoder(network.input_shape[-1]))
    model = onnx.load_from_string(content)
    assert (model.producer_name, model.opset_import[0].version, model.ir_version) == ("fitd", 17, 8)
    assert {entry.key: entry.value for entry in model.metadata_props} == {"model": "digits", "version": "3"}
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "rows"


def test_there_are_words_for_every_layer() -> None:
    assert set(nn.layers.REGISTRY.classes().values()) - {nn.layers.InputLayer} == set(LAYERS)


def test_a_layer_without_words_is_named() -> None:
    @dataclasses.dataclass(eq=False, repr=False)
    class Unheard(nn.layers.Identity):
        """A layer that ONNX does not know."""

    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(1), Unheard(name="odd")])
    with pytest.raises(Invalid, match=r"#/spec/layers/1: .*'odd' \(Unheard\)"):
        write_onnx(model, {}, PlainEncoder(model.input_shape[-1]))

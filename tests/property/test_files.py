"""What goes out comes in the same, and predicts the same wherever it went, for networks that nobody thought of."""

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from hypothesis import given, settings
from hypothesis import strategies as st

from service import nn
from service.config import Limits
from service.data.features import PlainEncoder
from service.data.features.columns import AnyColumn
from service.exchange.exporting import export
from service.exchange.importing import import_file, import_json
from service.exchange.keras.archive import write_archive
from service.exchange.keras.file import read_keras_file
from service.exchange.onnx.file import write_onnx
from service.exchange.python.script import rows_of, write_script
from service.formats.weights import pack
from service.nn import layers
from service.prediction import LoadedVersion
from service.versions import NewVersion
from tests.support.architectures import ACTIVATIONS, weighted
from tests.support.architectures import rows_for as arrays_for
from tests.support.encoders import columns, predicted, rows_for, stored, tensors

SAVED_AT = datetime(2026, 1, 1, tzinfo=UTC)
UNITS = st.integers(1, 4).map(lambda half: 2 * half)
ONLY_HERE = {"glu", "sparsemax"}
STEADY = sorted(set(ACTIVATIONS) - ONLY_HERE - {"exponential", "squareplus", "sparse_plus"})

dense = st.builds(layers.Dense, UNITS, st.sampled_from(STEADY), use_bias=st.booleans())
between = st.one_of(
    st.builds(layers.Activation, st.sampled_from(STEADY)),
    st.builds(layers.BatchNormalization, scale=st.booleans(), center=st.booleans()),
    st.builds(layers.LayerNormalization, scale=st.booleans(), center=st.booleans()),
    st.builds(layers.GroupNormalization, groups=st.sampled_from([1, 2])),
    st.builds(layers.RMSNormalization),
    st.builds(layers.UnitNormalization),
    st.builds(layers.Normalization),
    st.builds(layers.Rescaling, st.floats(0.5, 2), st.floats(-1, 1)),
    st.builds(layers.PReLU),
    st.builds(layers.LeakyReLU, st.floats(0, 1)),
    st.builds(layers.ELU, st.floats(0.1, 2)),
    st.builds(layers.ReLU, max_value=st.none() | st.floats(0.5, 5), negative_slope=st.floats(0, 1)),
    st.builds(layers.Softmax),
    st.builds(layers.Dropout, st.floats(0, 0.9)),
    st.builds(layers.GaussianNoise, st.floats(0, 1)),
)


@st.composite
def networks(draw: st.DrawFn) -> nn.Sequential:
    """A few layers behind an input, with weights of their own."""
    inner = draw(st.lists(st.one_of(dense, between), max_size=5))
    stack = [nn.Input((draw(UNITS),)), draw(dense), *inner, draw(dense)]
    return weighted(stack, seed=draw(st.integers(0, 1000)))


def arrays_of(model: nn.Sequential) -> bytes:
    return pack({weight.path: weight.numpy() for weight in model.weights})


def assert_same(model: nn.Sequential, made: NewVersion) -> None:
    loaded = LoadedVersion(made, made.weights)
    assert loaded.model.get_config() == model.get_config()
    assert made.weights == arrays_of(model)
    x = arrays_for(model)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


@settings(max_examples=25, deadline=None)
@given(networks())
def test_a_keras_file_of_ours_comes_in_the_same(model: nn.Sequential) -> None:
    file = read_keras_file(write_archive(model, SAVED_AT), Limits())
    assert_same(model, import_file(file, Limits()))


@settings(max_examples=60, deadline=None)
@given(networks())
def test_json_of_ours_comes_in_the_same(model: nn.Sequential) -> None:
    body = {"spec": json.loads(model.to_json()), "weights": [weight.tolist() for weight in model.get_weights()]}
    _, made = import_json(json.loads(json.dumps(body)), Limits())
    assert_same(model, made)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_an_onnx_file_predicts_the_same(model: nn.Sequential) -> None:
    session = onnxruntime.InferenceSession(
        write_onnx(model, {}, PlainEncoder(model.input_shape[-1])), providers=["CPUExecutionProvider"]
    )
    x = arrays_for(model)
    assert_close(session.run(["output"], {"input": x})[0], model.predict(x), 1e-4)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_a_script_predicts_the_same(tmp_path_factory: Any, model: nn.Sequential) -> None:
    predict = predict_of(
        write_script(model, "a network", rows_of(model.input_shape[-1])), Path(tmp_path_factory.mktemp("script"))
    )
    x = arrays_for(model)
    assert_close(predict(x), model.predict(x), 1e-5)


@settings(max_examples=20, deadline=None)
@given(columns(), st.sampled_from([1, 3]))
def test_columns_go_out_and_are_understood_the_same(tmp_path_factory: Any, made: list[AnyColumn], units: int) -> None:
    version, weights = stored(made, units)
    rows = rows_for(made, 12)
    expected = predicted(version, weights, rows)
    session = onnxruntime.InferenceSession(export(version, weights, "onnx").content, providers=["CPUExecutionProvider"])
    assert_close(session.run(None, tensors(made, rows))[0], expected, 1e-5)
    predict = predict_of(export(version, weights, "python").content, Path(tmp_path_factory.mktemp("script")))
    assert_close(predict(rows), expected, 1e-5)
    file = read_keras_file(export(version, weights, "keras").content, Limits())
    assert import_file(file, Limits()).input == version.input


def predict_of(content: bytes, folder: Path) -> Any:
    """The function of a script that was unpacked into this folder."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    names: dict[str, Any] = {"__file__": str(folder / "predictor.py"), "__name__": "predictor"}
    exec(compile((folder / "predictor.py").read_text(), "predictor.py", "exec"), names)
    return names["predict"]


def assert_close(actual: Any, desired: Any, tolerance: float) -> None:
    """Rounding grows along a chain of normalizations: it is held against the largest output."""
    np.testing.assert_allclose(actual, desired, rtol=0, atol=tolerance * max(1.0, float(np.abs(desired).max())))

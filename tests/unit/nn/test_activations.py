"""Activations: their names and their fast forms."""

import numpy as np
import pytest

from service import nn
from service.nn import activations
from tests.support.networks import model_of, rows


def test_an_activation_is_named_by_text_by_itself_or_as_keras_files_do() -> None:
    relu = activations.relu
    for given in ("relu", relu, {"class_name": "relu"}, {"class_name": "function", "config": "relu"}):
        assert activations.get(given) is relu
    assert "relu" in activations.REGISTRY
    assert repr(relu) == "<activation relu>"


def test_threshold_is_a_function_but_not_the_activation_of_a_layer() -> None:
    threshold = activations.get("threshold")
    np.testing.assert_array_equal(threshold(np.array([0.5, 2.0]), 1.0, -1.0), [-1.0, 2.0])
    assert "threshold" not in activations.REGISTRY.names()
    with pytest.raises(nn.UnknownNameError, match="'threshold' is not the name of an activation"):
        nn.layers.Dense(1, activation="threshold")
    with pytest.raises(nn.ArgumentError, match="activation must be the name of an activation"):
        nn.layers.Dense(1, activation=threshold)


def test_softmax_works_along_the_last_axis_of_any_rank() -> None:
    matrices = model_of(nn.layers.Reshape((2, 2)), nn.layers.Dense(3, "softmax"), nn.layers.Flatten())
    before = matrices.evaluate(rows(), np.ones((24, 6)))
    np.testing.assert_allclose(matrices.predict(rows()).reshape(24, 2, 3).sum(axis=2), 1, rtol=1e-6)
    matrices.fit(rows(), np.ones((24, 6)), epochs=3)
    assert matrices.evaluate(rows(), np.ones((24, 6))) < before


@pytest.mark.parametrize("rows", [1, 40, 700])
def test_gelu_in_training_is_gelu_to_a_millionth(rows: int) -> None:
    x = np.linspace(-30, 30, rows * 23, dtype=np.float32).reshape(rows, 23)
    dy = np.linspace(1, -1, x.size, dtype=np.float32).reshape(x.shape)
    forward, backward = nn.activations.gelu.connect(x.shape, x.dtype)
    for _ in range(2):  # memory is used again
        y = forward(x.copy())
        np.testing.assert_allclose(y, nn.activations.gelu(x.astype(np.float64)), rtol=1e-6, atol=1e-6)
        exact = nn.activations.gelu.gradient(dy.astype(np.float64), x.astype(np.float64), y)
        np.testing.assert_allclose(backward(dy.copy(), y), exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments"), [("elu", {"alpha": 0.3}), ("leaky_relu", {"negative_slope": 0.5})], ids=str
)
def test_an_activation_with_arguments_has_its_fast_form_too(name: str, arguments: dict[str, float]) -> None:
    activation, x = nn.activations.get(name), np.linspace(-3, 3, 24).reshape(4, 6)
    forward, backward = activation.connect(x.shape, x.dtype, **arguments)
    y = forward(given := x.copy())
    assert y is given
    np.testing.assert_allclose(y, activation(x, **arguments))
    slope = activation.gradient(np.ones_like(x), x, y, **arguments)
    np.testing.assert_allclose(backward(np.ones_like(x), y), slope)


def test_a_steep_leak_takes_the_plain_form() -> None:
    x = np.linspace(-3, 3, 24).reshape(4, 6)
    forward, _ = nn.activations.leaky_relu.connect(x.shape, x.dtype, negative_slope=2.0)
    np.testing.assert_allclose(forward(x.copy()), nn.activations.leaky_relu(x, 2.0))

"""Every gradient in the network library equals a central difference in float64."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn.layers.layer import Clock, Layer, Setting

Array = np.ndarray[Any, Any]
STEP = 1e-6
ROWS = 5


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    """Differences need more digits than training does."""
    nn.config.set_floatx("float64")
    yield
    nn.config.set_floatx("float32")


def difference(function: Callable[[], float], array: Array) -> Array:
    """Derivative of a number by each element of an array that it is computed from."""
    slope = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + STEP
        above = function()
        array[index] = kept - STEP
        slope[index] = (above - function()) / (2 * STEP)
        array[index] = kept
    return slope


def generator(name: str) -> np.random.Generator:
    """Random numbers of a test of their own."""
    return np.random.default_rng(list(name.encode()))


@pytest.mark.parametrize("name", nn.activations.REGISTRY.names())
def test_the_gradient_of_an_activation_is_its_derivative(name: str) -> None:
    activation, rng = nn.activations.get(name), generator(name)
    x = 2 * rng.normal(size=(ROWS, 4))
    dy = rng.normal(size=activation(x).shape)
    found = activation.gradient(dy, x, activation(x))
    np.testing.assert_allclose(found, difference(lambda: float((activation(x) * dy).sum()), x), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", nn.activations.REGISTRY.names())
def test_the_form_of_an_activation_for_training_equals_the_plain_one(name: str) -> None:
    activation, rng = nn.activations.get(name), generator(name)
    x = 2 * rng.normal(size=(ROWS, 4))
    plain = activation(x)
    dy = rng.normal(size=plain.shape)
    slope = activation.gradient(dy, x, plain)
    forward, backward = activation.connect(x.shape, x.dtype)
    y = forward(x.copy())
    np.testing.assert_allclose(y, plain, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(backward(dy.copy(), y), slope, rtol=1e-12, atol=1e-14)


LOSSES: dict[str, dict[str, Any]] = {name: {} for name in nn.losses.REGISTRY.classes()}
LOSS_OPTIONS = [
    *LOSSES.items(),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("BinaryFocalCrossentropy", {"from_logits": True, "apply_class_balancing": True, "label_smoothing": 0.1}),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "gamma": 1.5}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}),
]


def loss_case(name: str, options: dict[str, Any]) -> tuple[nn.losses.Loss, Array, Array]:
    """A loss with targets and predictions that it is defined for."""
    loss, rng = nn.losses.REGISTRY.classes()[name](**options), generator(name)
    p = rng.uniform(0.1, 0.9, size=(ROWS, 4))
    if options.get("from_logits"):
        p = rng.normal(size=p.shape)
    if loss.takes_classes:
        return loss, rng.integers(0, 4, ROWS), p
    if "Categorical" in name:
        return loss, np.eye(4)[rng.integers(0, 4, ROWS)], p
    return loss, rng.uniform(0.1, 0.9, size=p.shape), p


@pytest.mark.parametrize(("name", "options"), LOSS_OPTIONS, ids=str)
def test_the_gradient_of_a_loss_is_its_derivative(name: str, options: dict[str, Any]) -> None:
    loss, y, p = loss_case(name, options)
    expected = difference(lambda: float(loss.call(y, p).sum()), p)
    np.testing.assert_allclose(loss.gradient(y, p), expected, rtol=1e-6, atol=1e-8)


FUSED = [
    ("softmax", nn.losses.CategoricalCrossentropy(label_smoothing=0.1), "one-hot"),
    ("softmax", nn.losses.CategoricalCrossentropy(), "any"),
    ("softmax", nn.losses.SparseCategoricalCrossentropy(), "classes"),
    ("sigmoid", nn.losses.BinaryCrossentropy(label_smoothing=0.1), "any"),
]


@pytest.mark.parametrize(("name", "loss", "kind"), FUSED)
def test_a_fused_gradient_equals_the_two_plain_ones(name: str, loss: nn.losses.Loss, kind: str) -> None:
    assert loss.fuses_with(name)
    activation, rng = nn.activations.get(name), generator(name)
    z = rng.normal(size=(ROWS, 4))
    targets = {
        "one-hot": np.eye(4)[rng.integers(0, 4, ROWS)],
        "any": rng.uniform(size=(ROWS, 4)),
        "classes": rng.integers(0, 4, ROWS),
    }
    y, p = targets[kind], activation(z)
    plain = activation.gradient(loss.gradient(y, p), z, p)
    fused = loss.fused(p.shape, p.dtype, unit_rows=kind == "one-hot")
    np.testing.assert_allclose(fused(y, p), plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", nn.regularizers.REGISTRY.classes())
def test_the_gradient_of_a_regularizer_is_its_derivative(name: str) -> None:
    regularizer = nn.regularizers.REGISTRY.classes()[name]()
    w = generator(name).normal(size=(4, 3))
    np.testing.assert_allclose(regularizer.gradient(w), difference(lambda: regularizer(w), w), rtol=1e-5, atol=1e-8)


LAYERS: dict[str, dict[str, Any]] = {
    "Dense": {"units": 3, "activation": "tanh"},
    "Activation": {"activation": "gelu"},
    "Dropout": {"rate": 0.4},
    "AlphaDropout": {"rate": 0.4},
    "GaussianDropout": {"rate": 0.4},
    "GaussianNoise": {"stddev": 0.4},
    "GroupNormalization": {"groups": 2},
    "Reshape": {"target_shape": (2, 2)},
    "Rescaling": {"scale": 1.5, "offset": 0.5},
    "Normalization": {"mean": 0.5, "variance": 2.0},
    "Permute": {"dims": (2, 1)},
    "RepeatVector": {"n": 3},
    "ReLU": {"negative_slope": 0.1, "max_value": 1.0, "threshold": 0.1},
    "Embedding": {"input_dim": 4, "output_dim": 2},
    "ParametricActivation": {"activation": "mish"},
    "EnsembleScale": {"members": 3},
    "EnsembleDense": {"units": 2, "activation": "tanh"},
    "Temperature": {"temperature": 1.7},
    "PeriodicEmbedding": {"num_frequencies": 5, "frequency_stddev": 0.5},
    "PiecewiseLinearEmbedding": {"num_bins": 4, "output_dim": 3},
    "ColumnTransformer": {
        "transformers": [
            {"columns": [3, 1], "layers": [{"class_name": "Dense", "units": 2, "activation": "tanh"}]},
            {"columns": [1, 2], "layers": ["periodic_embedding", {"class_name": "Dense", "units": 3}]},
            {"columns": [1]},
        ]
    },
    "EnsembleAverage": {
        "transformers": [
            {"columns": [3, 1], "layers": [{"class_name": "Dense", "units": 2, "activation": "softmax"}]},
            {"columns": [0, 1, 2, 3], "layers": ["scale", {"class_name": "Dense", "units": 2, "activation": "tanh"}]},
        ]
    },
}
SHAPES: dict[str, tuple[int, ...]] = {"Permute": (ROWS, 3, 4), "Flatten": (ROWS, 2, 3), "EnsembleDense": (ROWS, 3, 4)}
SHAPED_DENSE = {"Dense": [(ROWS, 4), (ROWS, 2, 4)], "BatchNormalization": [(ROWS, 4), (ROWS, 2, 4)]}


def layer_cases() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every registered layer, and shapes to try it on."""
    for name in nn.layers.REGISTRY.classes():
        if name != "InputLayer":
            for shape in SHAPED_DENSE.get(name, [SHAPES.get(name, (ROWS, 4))]):
                yield name, shape


def connected(layer: Layer, shape: tuple[int, ...]) -> Any:
    """The layer's passes in training, at a fixed step."""
    return layer.connect(shape, Setting(training=True, dtype=np.float64, clock=Clock(3)))


@pytest.mark.parametrize(("name", "shape"), list(layer_cases()), ids=str)
def test_the_gradients_of_a_layer_are_its_derivatives(name: str, shape: tuple[int, ...]) -> None:
    layer, rng = nn.layers.REGISTRY.classes()[name](**LAYERS.get(name, {})), generator(name)
    layer.weights_seed = 1
    layer.build((None, *shape[1:]))
    for weight in layer.weights:
        weight.value += rng.uniform(0.1, 0.5, weight.shape).astype(weight.value.dtype)
    x = rng.integers(0, 4, shape).astype(float) if name == "Embedding" else rng.normal(size=shape)
    x = rng.uniform(0.1, 0.9, shape) if name == "Temperature" else x
    dy = rng.normal(size=layer.compute_output_shape(shape))

    def output() -> float:
        return float((connected(layer, shape).forward(x) * dy).sum())

    kept = [weight.numpy() for weight in layer.weights]
    made = connected(layer, shape)
    made.forward(x)
    dx = made.backward(dy.copy()).copy()
    for weight, value in zip(layer.weights, kept, strict=True):
        weight.value[...] = value
    if name != "Embedding":
        np.testing.assert_allclose(dx, difference(output, x), rtol=1e-5, atol=1e-7)
    for weight in layer.trainable_weights:
        expected = difference(output, weight.value)
        np.testing.assert_allclose(weight.gradient, expected, rtol=1e-5, atol=1e-7, err_msg=weight.name)


def test_the_gradient_of_a_dense_layer_in_ntk_scale_is_its_derivative() -> None:
    rng = np.random.default_rng(8)
    layer = nn.layers.Dense(3, activation="tanh", parametrization="ntk")
    x, dy = rng.normal(size=(ROWS, 4)), rng.normal(size=(ROWS, 3))
    layer.build((None, 4))
    made = connected(layer, x.shape)
    expected = np.tanh(x @ layer.kernel.value / 2 + layer.bias.value)
    np.testing.assert_allclose(made.forward(x), expected, rtol=1e-12)
    dx = made.backward(dy.copy()).copy()

    def output() -> float:
        return float((connected(layer, x.shape).forward(x) * dy).sum())

    np.testing.assert_allclose(dx, difference(output, x), rtol=1e-5, atol=1e-7)
    for weight in layer.weights:
        np.testing.assert_allclose(weight.gradient, difference(output, weight.value), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("rates", [None, [1.0, 2.0, 3.0, 0.5, 1.0, 0.0]], ids=["equal", "weighted"])
@pytest.mark.parametrize(("activation", "loss"), [("softmax", "categorical_crossentropy"), (None, "mse")])
def test_members_are_trained_by_the_mean_of_their_losses(
    activation: str | None, loss: str, rates: list[float] | None
) -> None:
    rng = np.random.default_rng(6)
    stack = [
        nn.Input((4,)),
        nn.layers.EnsembleScale(3, scale_initializer="normal"),
        nn.layers.Dense(5, activation="tanh"),
    ]
    model = nn.Sequential([*stack, nn.layers.EnsembleDense(2, activation=activation)])
    model.compile(nn.optimizers.SGD(1.0), loss)
    x, y = rng.normal(size=(6, 4)), np.eye(2)[rng.integers(0, 2, 6)]
    weights = np.ones(6) if rates is None else np.asarray(rates)
    scale, dense, heads = model.layers

    def each() -> Array:
        hidden = np.tanh((x[:, None] * scale.weights[0].value) @ dense.weights[0].value + dense.weights[1].value)
        outputs = np.einsum("bkd,kdu->bku", hidden, heads.weights[0].value) + heads.weights[1].value
        return np.asarray(nn.activations.softmax(outputs) if activation else outputs)

    def mean_of_losses() -> float:
        values = nn.losses.REGISTRY.get(loss).call(np.repeat(y[:, None], 3, axis=1), each())
        return float((values * weights[:, None]).mean())

    np.testing.assert_allclose(model.predict(x), each().mean(axis=1), rtol=1e-12)
    before = model.get_weights()
    expected = [difference(mean_of_losses, variable.value) for variable in model.weights]
    model.train_on_batch(x, y, sample_weight=None if rates is None else weights)
    for old, new, slope in zip(before, model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(old - new, slope, rtol=1e-5, atol=1e-7)


def test_the_gradient_of_a_whole_model_with_penalties_is_its_derivative() -> None:
    rng = np.random.default_rng(5)
    model = nn.Sequential(
        [
            nn.Input((4,)),
            nn.layers.Dense(5, activation="tanh", kernel_regularizer="l2", activity_regularizer="l2"),
            nn.layers.LayerNormalization(gamma_regularizer="l1"),
            nn.layers.Dense(3, activation="softmax", bias_regularizer="l2"),
        ]
    )
    model.compile(nn.optimizers.SGD(1.0), "categorical_crossentropy")
    x, y = rng.normal(size=(6, 4)), np.eye(3)[rng.integers(0, 3, 6)]
    weights = rng.uniform(0.2, 2.0, size=6)
    for variable in model.weights:
        variable.value += rng.uniform(0.1, 0.5, variable.shape)
    before = model.get_weights()
    expected = [
        difference(lambda: float(model.evaluate(x, y, batch_size=6, sample_weight=weights)), variable.value)
        for variable in model.weights
    ]
    model.train_on_batch(x, y, sample_weight=weights)
    for old, new, slope in zip(before, model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(old - new, slope, rtol=1e-5, atol=1e-7)

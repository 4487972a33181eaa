"""What activations and losses say of themselves is true of what they compute."""

import numpy as np
import pytest

from service.nn import activations, layers, losses
from service.nn.layers import Layer
from service.nn.meaning import Outputs

X = np.linspace(-9, 9, 4000, dtype=np.float32).reshape(1000, 4)
MIXED = np.random.default_rng(3).normal(scale=20, size=(500, 4)).astype(np.float32)
NAMES = activations.REGISTRY.names()


@pytest.mark.parametrize("name", NAMES)
def test_outputs_lie_in_the_range_of_their_activation_and_come_close_to_its_ends(name: str) -> None:
    activation = activations.REGISTRY.get(name)
    low, high = activation.output_range
    y = activation(np.concatenate([X, 10 * X, MIXED]))
    assert low <= y.min()
    assert y.max() <= high
    for end, nearest in ((low, y.min()), (high, y.max())):
        assert abs(nearest - end) < 0.1 if np.isfinite(end) else abs(nearest) > 5


@pytest.mark.parametrize("name", NAMES)
def test_only_activations_that_give_probabilities_call_their_outputs_so(name: str) -> None:
    activation = activations.REGISTRY.get(name)
    y = activation(X)
    if activation.outputs.are_logarithms:
        y = np.exp(y)
    sums_to_one = y.shape == X.shape and bool(np.allclose(y.sum(axis=1), 1, atol=1e-4))
    within = bool(y.min() >= 0 and y.max() <= 1)
    assert activation.outputs.sum_to_one == (sums_to_one and within)
    assert (activation.outputs is Outputs.NUMBERS) != within


@pytest.mark.parametrize("name", NAMES)
def test_only_activations_that_are_flat_at_their_least_can_die(name: str) -> None:
    activation = activations.REGISTRY.get(name)
    x = np.full((2, 4), -50, np.float32)
    y = activation(x)
    slope = activation.gradient(np.ones_like(y), x, y)
    rises_without_end = bool(np.isinf(activation.output_range[1])) or name == "relu6"
    assert activation.can_die == (
        rises_without_end and activation.output_range[0] == 0 and not slope.any() and not y.any()
    )


@pytest.mark.parametrize("cls", list(losses.REGISTRY), ids=lambda cls: cls.__name__)
def test_a_loss_is_finite_for_the_targets_and_outputs_that_it_takes(cls: type[losses.Loss]) -> None:
    loss, outputs = cls(), np.array([[0.7, 0.3], [0.2, 0.8]])
    low, high = (np.clip(end, -3, 3) for end in loss.target_range)
    y = np.array([0, 1]) if loss.takes_classes else np.array([[low, high], [high, low]])
    if loss.targets.is_one_class and not loss.takes_classes:
        y = np.eye(2)
    assert np.isfinite(loss(y, outputs))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Dense(5), (None, 3)),
        (layers.Dense(5, use_bias=False), (None, 3)),
        (layers.Dense(4, activation="glu"), (None, 3)),
        (layers.Embedding(7, 2), (None, 3)),
        (layers.Embedding(7, 2, weights=np.zeros((7, 2))), (None, 3)),
        (layers.BatchNormalization(), (None, 3)),
        (layers.LayerNormalization(scale=False), (None, 3)),
        (layers.GroupNormalization(3), (None, 6)),
        (layers.RMSNormalization(), (None, 3)),
        (layers.Normalization(), (None, 3)),
        (layers.PReLU(shared_axes=[1]), (None, 3, 4)),
        (layers.Flatten(), (None, 3, 4)),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Layer) else str(part),
)
def test_the_shapes_of_weights_are_known_before_there_are_any(layer: Layer, shape: tuple[int | None, ...]) -> None:
    known = layer.weight_shapes(shape)
    assert not layer.built
    assert layer.weights == []
    layer.build(shape)
    assert known == [weight.shape for weight in layer.weights]
    assert known == layer.weight_shapes(shape)


def test_the_shapes_of_weights_take_no_memory_however_large_they_are() -> None:
    assert layers.Embedding(10**12, 10**6).weight_shapes((None, 3)) == [(10**12, 10**6)]
    assert layers.Dense(10**9).weight_shapes((None, 10**9)) == [(10**9, 10**9), (10**9,)]

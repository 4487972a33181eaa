"""What every layer does: build, call, freeze, and refuse what does not fit."""

from typing import Any

import numpy as np
import pytest

from service import nn
from tests.support.networks import model_of, rows

# As a caller without a type checker sees it.
untyped: Any = nn


def build(layer: Any, *shape: int | None) -> None:
    """Builds a layer for rows of this shape."""
    layer.build((None, *shape))


WRONG: list[tuple[Any, str]] = [
    (lambda: untyped.layers.Dense(3, activation="glu"), "units must be even for glu"),
    (lambda: untyped.activations.glu(np.ones((2, 3))), "even number of units; received 3"),
    (lambda: untyped.optimizers.SGD(clipnorm=-1), "clipnorm must be a number > 0; received -1"),
    (lambda: untyped.metrics.Precision(thresholds=1.5), "thresholds must be between 0 and 1; received 1.5"),
    (lambda: untyped.metrics.AUC(thresholds=[0.5, 2.0]).update_state(np.ones((2, 1)), np.ones((2, 1))),
     "thresholds must be between 0 and 1"),
    (lambda: build(untyped.layers.PReLU(shared_axes=[3]), 4), "shared_axes must be between 1 and 1; received 3"),
    (lambda: build(untyped.layers.GroupNormalization(3), 4), "groups must be a divisor of the 4 units"),
    (lambda: build(untyped.layers.Dense(2, name="second"), None), "known in its last axis to build 'second'"),
    (lambda: untyped.layers.Reshape((3, 2)).compute_output_shape((None, 4)), "target_shape must be a shape of 4"),
    (lambda: untyped.layers.Dropout(0.5, noise_shape=(1,))(rows(), True), "noise_shape must be of the input's"),
    (lambda: untyped.regularizers.OrthogonalRegularizer()(np.ones(3)), "two-dimensional for the orthogonal"),
    (lambda: model_of(nn.layers.Dense(3), metrics=["mse"]).fit(rows(), rows()), "y_true must be of shape"),
    (lambda: untyped.metrics.CategoricalAccuracy().update_state(rows(5), rows(5, 3)), r"shape \(5, 3\)"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_what_does_not_fit_together_is_refused_with_the_reason(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


UNFINISHED: list[tuple[type, Any]] = [
    (nn.layers.Layer, lambda part: part(rows())),
    (nn.losses.Loss, lambda part: part(rows(), rows())),
    (nn.constraints.Constraint, lambda part: part(rows())),
    (nn.regularizers.Regularizer, lambda part: part(rows())),
    (nn.regularizers.Regularizer, lambda part: part.gradient(rows())),
    (nn.initializers.Initializer, lambda part: part((2, 2))),
    (nn.optimizers.schedules.LearningRateSchedule, lambda part: part(0)),
]


@pytest.mark.parametrize(("base", "use"), UNFINISHED)
def test_a_part_of_ones_own_without_its_formula_says_so(base: type, use: Any) -> None:
    own = type("Own", (base,), {"reduction": "sum", "name": None, "seed": None})()
    with pytest.raises(NotImplementedError):
        use(own)


def test_a_layer_can_be_called_by_itself_and_tells_about_itself() -> None:
    layer: Any = nn.layers.Dense(2, name="two", dtype="float32")
    assert layer(np.ones((3, 4), np.int64)).shape == (3, 2)
    assert repr(layer) == "<Dense name=two, built=True>"
    assert layer.non_trainable_weights == []
    assert repr(layer.kernel) == "<Variable two/kernel (4, 2) float32>"
    np.testing.assert_array_equal(np.asarray(layer.kernel), layer.get_weights()[0])
    np.testing.assert_array_equal(nn.layers.InputLayer(4)(rows()), rows())
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}
    assert untyped.layers.Dense(2, dtype=policy).dtype == "float32"


@pytest.mark.parametrize("layer", [nn.layers.PReLU, lambda trainable: nn.layers.Embedding(9, 2, trainable=trainable)])
def test_a_frozen_layer_among_others_stays_as_it_is(layer: Any) -> None:
    frozen = layer(trainable=False)
    model = model_of(nn.layers.Dense(4), frozen, nn.layers.Flatten(), nn.layers.Dense(1))
    before = frozen.get_weights()
    first = model.get_weights()[0]
    model.fit(np.abs(rows()), np.ones(24))
    np.testing.assert_array_equal(frozen.get_weights()[0], before[0])
    assert model.count_params() - frozen.count_params() == sum(w.value.size for w in model.trainable_weights)
    assert isinstance(frozen, nn.layers.Embedding) or not np.array_equal(first, model.get_weights()[0])


def test_an_embedding_starts_from_given_weights() -> None:
    table = rows(5, 2)
    for given in (table, [table]):
        np.testing.assert_array_equal(nn.layers.Embedding(5, 2, weights=given)(np.array([[4]]))[0, 0], table[4])


def test_a_seeded_dropout_drops_the_same_and_a_noise_shape_drops_whole_columns() -> None:
    layer: Any = nn.layers.Dropout(0.5, seed=4, noise_shape=(1, None))
    dropped = layer(np.ones((50, 8)), training=True)
    np.testing.assert_array_equal(
        dropped, nn.layers.Dropout(0.5, seed=4, noise_shape=(1, None))(np.ones((50, 8)), True)
    )
    assert {len(set(column)) for column in dropped.T} == {1}
    assert set(dropped.ravel()) == {0.0, 2.0}


def test_normalization_adapts_to_a_single_column() -> None:
    layer = nn.layers.Normalization()
    layer.adapt(np.array([1.0, 2.0, 3.0]))
    layer.adapt(np.array([2.0, 4.0, 6.0]))
    np.testing.assert_allclose(layer(np.array([[4.0]], np.float32)), [[0.0]], atol=1e-6)


def test_a_layer_learns_the_same_before_a_frozen_one() -> None:
    learnt = []
    for trainable in (True, False):
        nn.utils.set_random_seed(3)
        model = model_of(nn.layers.Dense(5, "relu"), nn.layers.Dense(2, trainable=trainable))
        model.train_on_batch(rows(), np.ones((24, 2)))
        learnt.append(model.get_weights())
    np.testing.assert_allclose(learnt[0][0], learnt[1][0], rtol=1e-5)
    assert not np.allclose(learnt[0][2], learnt[1][2])

"""Corners of the library: rarer arguments, other shapes of data, and what is said where something is missing."""

import json
from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn import activations, openblas
from service.nn.callbacks.callback import is_better_when_larger
from service.nn.engine import blas
from service.nn.engine import two_threads as halves
from service.nn.engine.second_thread import Beside
from service.nn.models import model_from_config, model_from_json

# As a caller without a type checker sees it.
untyped: Any = nn


def rows(count: int = 24, columns: int = 4) -> Any:
    """Numbers to train on."""
    return np.random.default_rng(2).normal(size=(count, columns)).astype(np.float32)


def model_of(*layers: Any, columns: int = 4, **compiled: Any) -> nn.Sequential:
    """A compiled model of these layers."""
    model = nn.Sequential([nn.Input((columns,)), *layers])
    model.compile(**{"optimizer": nn.optimizers.SGD(0.1), "loss": "mse", **compiled})
    return model


THINGS: list[tuple[Any, Any]] = [
    (nn.activations, nn.activations.relu),
    (nn.constraints, nn.constraints.MaxNorm(0.5)),
    (nn.initializers, nn.initializers.HeNormal(seed=3)),
    (nn.layers, nn.layers.Dense(3, activation="relu", name="three")),
    (nn.losses, nn.losses.Huber(0.4)),
    (nn.metrics, nn.metrics.Precision(0.7)),
    (nn.optimizers, nn.optimizers.Adam(nn.optimizers.schedules.CosineDecay(0.1, 20))),
    (nn.optimizers.schedules, nn.optimizers.schedules.PiecewiseConstantDecay([2], [0.2, 0.1])),
    (nn.regularizers, nn.regularizers.L1L2(0.1, 0.2)),
]


@pytest.mark.parametrize(("module", "thing"), THINGS, ids=lambda part: type(part).__name__)
def test_serialize_and_deserialize_are_each_others_opposite_even_through_json(module: Any, thing: Any) -> None:
    written = json.loads(json.dumps(module.serialize(thing)))
    again = module.deserialize(written)
    assert type(again) is type(thing)
    assert module.serialize(again) == module.serialize(thing)


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


def test_softmax_works_along_the_last_axis_of_any_rank() -> None:
    matrices = model_of(nn.layers.Reshape((2, 2)), nn.layers.Dense(3, "softmax"), nn.layers.Flatten())
    before = matrices.evaluate(rows(), np.ones((24, 6)))
    np.testing.assert_allclose(matrices.predict(rows()).reshape(24, 2, 3).sum(axis=2), 1, rtol=1e-6)
    matrices.fit(rows(), np.ones((24, 6)), epochs=3)
    assert matrices.evaluate(rows(), np.ones((24, 6))) < before


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


def test_a_model_is_made_from_a_list_of_layers_or_from_what_it_wrote() -> None:
    model = model_of(nn.layers.Dense(3, "relu"), nn.layers.Dense(1), metrics=["mae"])
    assert json.loads(model.to_json())["compile_config"]["metrics"] == ["mae"]
    layers = model.get_config()["layers"]
    unbuilt = {"layers": layers[1:], "build_input_shape": [None, 4]}
    for again in (model_from_json(model.to_json()), model_from_config(layers), model_from_config(unbuilt)):
        assert again.count_params() == model.count_params()
    with pytest.raises(nn.ArgumentError, match="class_name must be 'Sequential'"):
        model_from_config({"class_name": "Functional", "config": {}})
    assert "build_config" not in json.loads(nn.Sequential([nn.layers.Dense(1)]).to_json())


def test_popping_layers_leaves_a_model_that_grows_again() -> None:
    model = nn.Sequential([nn.Input((4,)), nn.layers.Dense(2)])
    model.pop()
    with pytest.raises(ValueError, match="has no layers"):
        model.pop()
    model.add(nn.layers.Dense(5))
    assert model.output_shape == (None, 5)
    free = nn.Sequential([nn.layers.Dense(3), nn.layers.Dense(2)])
    free.pop()
    assert free(rows()).shape == (24, 3)


def test_a_model_serves_batches_of_any_sizes_in_turn() -> None:
    model = model_of(nn.layers.Dense(2))
    whole = model.predict(rows())
    for count in (*range(1, 9), 3, 24):
        np.testing.assert_allclose(model.predict(rows()[:count]), whole[:count], rtol=1e-5)
    assert len(model.predict(rows(), batch_size=5, steps=2)) == 10


def test_a_vector_of_targets_belongs_to_a_single_unit() -> None:
    model = model_of(nn.layers.Dense(1), metrics="mae")
    model.train_on_batch(rows(), np.ones(24))
    assert model.test_on_batch(rows(), np.ones(24)) == model.test_on_batch(rows(), np.ones((24, 1)))
    assert model.loss == "mse"
    assert nn.losses.MeanSquaredError()(np.ones(3), np.zeros((3, 1))) == 1.0


def test_targets_of_class_indices_are_weighed_by_class() -> None:
    y = np.array([0, 1] * 12)
    flat, column = (model_of(nn.layers.Dense(2, "softmax"), loss="sparse_categorical_crossentropy") for _ in range(2))
    column.set_weights(flat.get_weights())
    weights = {1: 5.0}
    assert flat.train_on_batch(rows(), y, class_weight=weights) == pytest.approx(
        column.train_on_batch(rows(), y[:, None], class_weight=weights)
    )


def test_metrics_of_shares_understand_class_indices() -> None:
    shares, indices = np.abs(rows(12, 3)), np.arange(12) % 3
    expected = nn.metrics.CategoricalAccuracy()(np.eye(3)[indices], shares)
    for given in (indices, indices[:, None]):
        assert nn.metrics.CategoricalAccuracy()(given, shares) == expected
    assert nn.metrics.MeanSquaredError()(np.ones(4), np.zeros((4, 1))) == 1.0


def test_ignored_classes_weigh_nothing_in_a_metric() -> None:
    shares, indices = np.full((4, 2), 0.5), np.array([0, 1, 1, 1])
    shares[1] = [0.1, 0.9]
    for weights in (None, np.ones(4)):
        metric = nn.metrics.SparseCategoricalCrossentropy(ignore_class=0)
        metric.update_state(indices[:2], shares[:2], None if weights is None else weights[:2])
        assert metric.result() == pytest.approx(-np.log(0.9), rel=1e-6)


def test_the_best_of_a_row_are_chosen_before_the_threshold_is_applied() -> None:
    y, p = np.array([[1, 1, 1]]), np.array([[0.3, 0.9, 0.6]])
    assert nn.metrics.Recall(top_k=2)(y, p) == pytest.approx(2 / 3)
    assert nn.metrics.Recall(thresholds=0.7, top_k=2)(y, p) == pytest.approx(1 / 3)


def test_sorted_ids_are_looked_up_among_the_first_k() -> None:
    metric = nn.metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)
    assert metric(np.array([3, 1]), np.array([[4, 3, 1], [4, 3, 1]])) == 0.5


@pytest.mark.parametrize("name", ["AUC", "R2Score", "Mean", "Precision", "MeanSquaredError"])
def test_a_metric_that_has_seen_nothing_is_zero(name: str) -> None:
    assert getattr(nn.metrics, name)().result() == 0.0


def test_mean_and_sum_make_one_number_of_each_row() -> None:
    matrix = np.array([[1.0, 3.0], [5.0, 7.0]])
    assert nn.metrics.Mean()(matrix) == 4.0
    assert nn.metrics.Mean()(matrix, sample_weight=[0.0, 1.0]) == 6.0
    assert nn.metrics.Sum()(matrix) == 16.0
    assert nn.metrics.Sum()(matrix, sample_weight=[0.0, 1.0]) == 12.0
    mean = nn.metrics.Mean()
    mean.update_state(matrix)
    assert mean(10.0) == 6.0


def test_weight_decay_is_the_second_argument_of_adamw() -> None:
    optimizer = nn.optimizers.AdamW(0.05, 0.1, 0.8)
    assert (optimizer.learning_rate, optimizer.weight_decay, optimizer.beta_1) == (0.05, 0.1, 0.8)


def test_a_learning_rate_may_be_written_as_a_schedule() -> None:
    written = {"class_name": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.5}
    optimizer = nn.optimizers.SGD(written)
    model = model_of(nn.layers.Dense(1), optimizer=optimizer)
    model.train_on_batch(rows(), np.ones(24))
    assert optimizer.current_learning_rate() == pytest.approx(0.05)
    state = optimizer.get_state()
    assert "learning_rate" not in state
    optimizer.build(model.parameters)
    optimizer.set_state(state)
    assert optimizer.current_learning_rate() == pytest.approx(0.05)


def test_muon_leaves_embeddings_to_adam_unless_told_otherwise() -> None:
    tables = []
    for exclude in (True, False):
        nn.utils.set_random_seed(1)
        layers = [nn.layers.Embedding(5, 2), nn.layers.Flatten(), nn.layers.Dense(1)]
        model = model_of(*layers, optimizer=nn.optimizers.Muon(0.1, exclude_embeddings=exclude))
        model.train_on_batch(np.ones((6, 4)), np.ones(6))
        tables.append(model.get_weights()[0])
    assert not np.allclose(tables[0], tables[1])


def test_a_plateau_of_something_that_is_not_measured_changes_nothing() -> None:
    model = model_of(nn.layers.Dense(1))
    history = model.fit(rows(), np.ones(24), epochs=3, callbacks=nn.callbacks.ReduceLROnPlateau("val_mae", patience=0))
    assert history.history["learning_rate"] == pytest.approx([0.1] * 3)


def test_a_plateau_in_its_cooldown_keeps_the_rate() -> None:
    model = model_of(nn.layers.Dense(1, trainable=False))
    plateau = nn.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, cooldown=2)
    rates = model.fit(rows(), np.ones(24), epochs=6, callbacks=plateau).history["learning_rate"]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_two_halves_of_a_step_on_two_threads_learn_what_one_step_learns(
    monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    x, weights = rows(150, 200), np.linspace(0.5, 1.5, 150)
    first = nn.layers.Dense(200, "relu", kernel_regularizer="l2", kernel_initializer=nn.initializers.HeNormal(1))
    start = model_of(first, nn.layers.Dense(3, "softmax"), columns=200)
    monkeypatch.setattr(blas, "SMALL_WORK", 0)
    assert [threads for threads in range(1, 5) if halves.splits(start.network(), 65, threads)] == [2]
    before, results = blas.threads(), []
    try:
        for threads in (1, 2):
            blas.set_threads(threads)
            model = model_from_config(start.get_config())
            model.set_weights(start.get_weights())
            model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
            y = np.eye(3)[np.arange(150) % 3]
            fit: Any = {"epochs": 3, "batch_size": 65, "shuffle": False}
            history = model.fit(x, y, sample_weight=weights, **fit).history | model.fit(x, y, **fit).history
            results.append((history, model.get_weights()))
    finally:
        blas.set_threads(before)
    assert results[0][0]["loss"] == pytest.approx(results[1][0]["loss"], rel=1e-4)
    for one, two in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_work_beside_other_work_raises_what_failed_and_goes_on() -> None:
    beside, done = Beside(), []

    def fail() -> None:
        raise ArithmeticError("out of numbers")

    for there, here in ((fail, lambda: done.append("here")), (lambda: done.append("there"), fail)):
        with pytest.raises(ArithmeticError, match="out of numbers"):
            beside.do(there, here)
    beside.do(lambda: done.append("there"), lambda: None)
    assert done == ["here", "there", "there"]


def test_a_layer_learns_the_same_before_a_frozen_one() -> None:
    learnt = []
    for trainable in (True, False):
        nn.utils.set_random_seed(3)
        model = model_of(nn.layers.Dense(5, "relu"), nn.layers.Dense(2, trainable=trainable))
        model.train_on_batch(rows(), np.ones((24, 2)))
        learnt.append(model.get_weights())
    np.testing.assert_allclose(learnt[0][0], learnt[1][0], rtol=1e-5)
    assert not np.allclose(learnt[0][2], learnt[1][2])


def test_targets_of_sequences_may_leave_out_the_single_unit() -> None:
    model = model_of(nn.layers.Reshape((2, 2)), nn.layers.Dense(1))
    assert model.output_shape == (None, 2, 1)
    y = rows(24, 2)
    assert model.evaluate(rows(), y) == model.evaluate(rows(), y[..., None])


def test_a_configuration_names_what_was_given_as_an_object() -> None:
    given = {"class_name": "Constant", "value": 2}
    layer = nn.layers.Dense(1, activation=nn.activations.tanh, kernel_initializer=given)
    config = json.loads(json.dumps(layer.get_config()))
    assert config["activation"] == "tanh"
    assert config["kernel_initializer"] == given
    weighted = nn.metrics.AUC(label_weights=list(np.array([0.5, 1.0])))
    assert json.loads(json.dumps(weighted.get_config()))["label_weights"] == [0.5, 1.0]


def test_the_best_of_several_epochs_is_saved_and_no_other() -> None:
    saved: list[int] = []
    best = nn.callbacks.ModelCheckpoint(lambda epoch, model: saved.append(epoch), monitor="loss", save_best_only=True)
    history = model_of(nn.layers.Dense(1)).fit(rows(), np.ones(24), epochs=4, shuffle=False, callbacks=best).history
    losses = history["loss"]
    assert saved == [epoch for epoch in range(4) if losses[epoch] == min(losses[: epoch + 1])]
    assert best.best == min(losses)


def test_a_metric_by_its_short_name_is_better_when_smaller() -> None:
    assert not is_better_when_larger("mse", "auto", [nn.metrics.Mean(name="mse")])


def test_a_library_that_cannot_tell_its_threads_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openblas, "_LIBRARY", None)
    unknown = blas.Blas()
    with unknown.limited_to(2):
        assert unknown.threads() == 1

"""Models are built, described and changed as in Keras."""

import json
import warnings
from typing import Any

import numpy as np
import pytest

from service import nn
from service import nn as keras
from service.nn.layers import Dense
from service.nn.models import Sequential, model_from_config, model_from_json
from tests.support.networks import model_of, rows


def canonical() -> Sequential:
    """The network of the README."""
    return Sequential([Dense(units=64, activation="relu", input_dim=100), Dense(10, activation="softmax")])


def canonical_data(rows: int = 1000) -> tuple[Any, Any]:
    """Rows whose class a network can learn."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 100)).astype(np.float32)
    return x, np.eye(10, dtype=np.float32)[(x @ rng.normal(size=(100, 10))).argmax(axis=1)]


def test_the_canonical_network_has_the_shapes_and_parameters_of_keras(capsys: pytest.CaptureFixture[str]) -> None:
    model = canonical()
    assert [row["output_shape"] for row in model.summary_rows()] == [[None, 64], [None, 10]]
    assert [row["params"] for row in model.summary_rows()] == [6464, 650]
    model.summary()
    printed = capsys.readouterr().out
    assert "(None, 64)" in printed
    assert "6,464" in printed
    assert "Total params: 7,114" in printed


def test_a_keras_script_runs_with_only_its_import_changed() -> None:
    x, y = canonical_data()
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((100,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=10, batch_size=32, verbose=0)
    assert list(history.history) == ["loss", "accuracy"]
    assert len(history.history["loss"]) == 10
    assert history.params == {"epochs": 10, "steps": 32}
    assert model.optimizer.iterations == 320
    assert history.history["accuracy"][-1] > 0.75
    probabilities = model.predict(x[:7])
    assert probabilities.shape == (7, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_an_epoch_of_1000_rows_is_31_batches_of_32_and_one_of_8() -> None:
    x, y = canonical_data()
    model = canonical()
    model.compile("sgd", "categorical_crossentropy")
    sizes: list[int] = []
    forward = model.layers[0].connect

    def connect(shape: Any, setting: Any) -> Any:
        made = forward(shape, setting)

        def counted(batch: Any) -> Any:
            sizes.append(len(batch))
            return made.forward(batch)

        return made._replace(forward=counted)

    model.layers[0].connect = connect  # type: ignore[method-assign]
    history = model.fit(x, y, epochs=10, batch_size=32)
    assert sizes == ([32] * 31 + [8]) * 10
    assert model.optimizer.iterations == 320
    assert history.params["steps"] == 32


def test_a_dense_layer_with_an_input_shape_that_is_not_first_warns_as_keras_does() -> None:
    with pytest.warns(UserWarning, match="not the first layer"):
        Sequential([Dense(4, input_dim=3), Dense(2, input_dim=4)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sequential([Dense(4, input_shape=(3,)), Dense(2)])


def test_a_model_without_an_input_is_built_by_its_first_data() -> None:
    model = Sequential([Dense(3)])
    assert not model.built
    with pytest.raises(AttributeError, match="not known"):
        _ = model.input_shape
    assert not hasattr(model, "input_shape")
    model(np.ones((2, 5), np.float32))
    assert model.input_shape == (None, 5)


def test_names_are_counted_and_must_differ() -> None:
    model = Sequential([keras.Input((2,)), Dense(2), Dense(2), Dense(2, name="out")])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "out"]
    assert model.get_layer("out") is model.layers[2]
    assert model.get_layer(index=0) is model.layers[0]
    with pytest.raises(ValueError, match="No layer is named 'absent'"):
        model.get_layer("absent")
    with pytest.raises(keras.ArgumentError, match="different for each layer"):
        model.add(Dense(2, name="out"))


def test_layers_can_be_added_and_taken_off() -> None:
    model = Sequential([keras.Input((2,)), Dense(3), Dense(1)])
    assert model.output_shape == (None, 1)
    model.pop()
    assert model.output_shape == (None, 3)
    model.add(Dense(5))
    assert model.output_shape == (None, 5)
    assert model.count_params() == 2 * 3 + 3 + 3 * 5 + 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sequential().add("relu"), "layer must be a layer"),  # type: ignore[arg-type]
        (lambda: Sequential([Dense(2), keras.Input((2,))]), "no second Input"),
        (lambda: Sequential([]).pop(), "no layers"),
        (lambda: Sequential([]).build((None, 2)), "no layers"),
        (lambda: Sequential([Dense(2)]).build(), "input_shape must be given"),
        (keras.Input, "shape must be given"),
        (lambda: keras.Input((0,)), "integers >= 1"),
        (lambda: keras.models.model_from_config({"class_name": "Functional", "config": {}}), "'Sequential'"),
    ],
)
def test_a_stack_that_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_weights_are_copied_out_and_in_and_checked() -> None:
    model = canonical()
    weights = model.get_weights()
    assert [weight.shape for weight in weights] == [(100, 64), (64,), (64, 10), (10,)]
    weights[1][:] = 1
    model.set_weights(weights)
    np.testing.assert_array_equal(model.layers[0].weights[1].value, 1)
    with pytest.raises(ValueError, match="4 weights; received 1"):
        model.set_weights(weights[:1])
    with pytest.raises(ValueError, match=r"shape \(100, 64\); received shape \(64,\)"):
        model.set_weights(weights[::-1][2:] + weights[:2])
    with pytest.raises(ValueError, match="2 weights; received 0"):
        model.layers[0].set_weights([])


def test_a_frozen_layer_keeps_its_weights_and_a_thawed_one_learns_again() -> None:
    x, y = canonical_data(64)
    model = canonical()
    model.layers[0].trainable = False
    model.compile("sgd", "categorical_crossentropy")
    before = model.get_weights()
    model.fit(x, y)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])
    assert len(model.non_trainable_weights) == 2
    model.layers[0].trainable = True
    model.compile("sgd", "categorical_crossentropy")
    model.fit(x, y)
    assert not np.array_equal(model.get_weights()[0], before[0])


def test_a_layer_can_be_called_by_itself() -> None:
    layer = Dense(3, kernel_initializer="ones")
    np.testing.assert_array_equal(layer(np.ones((2, 4), np.float32)), np.full((2, 3), 4))
    np.testing.assert_array_equal(keras.layers.ReLU()(np.array([[-1, 2]])), [[0, 2]])
    assert layer.count_params() == 15


def test_a_keras_2_layer_config_is_understood() -> None:
    layer = keras.layers.deserialize(
        {"class_name": "Dense", "config": {"units": 3, "batch_input_shape": [None, 4], "dtype": "float32"}}
    )
    model = Sequential([layer])
    assert model.input_shape == (None, 4)


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


def test_targets_of_sequences_may_leave_out_the_single_unit() -> None:
    model = model_of(nn.layers.Reshape((2, 2)), nn.layers.Dense(1))
    assert model.output_shape == (None, 2, 1)
    y = rows(24, 2)
    assert model.evaluate(rows(), y) == model.evaluate(rows(), y[..., None])


def test_what_keras_writes_today_is_read() -> None:
    """A Dense of Keras 3.15.1, and what older versions wrote."""
    dense = {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {
            "name": "dense_6",
            "trainable": True,
            "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}},
            "units": 2,
            "activation": "linear",
            "kernel_initializer": {
                "module": "keras.initializers",
                "class_name": "GlorotUniform",
                "config": {"seed": None, "input_axes": None, "output_axes": None},
                "registered_name": None,
            },
            "quantization_config": None,
            "lora_rank": None,
        },
        "registered_name": None,
    }
    text = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": [dense]}})
    model = keras.models.model_from_json(text)
    assert (model.layers[0].name, model.layers[0].units) == ("dense_6", 2)  # type: ignore[attr-defined]
    wrong = text.replace('"quantization_config": null', '"quantization_config": {"mode": "int8"}')
    with pytest.raises(keras.ArgumentError, match="quantization_config"):
        keras.models.model_from_json(wrong)


def test_a_frozen_model_freezes_its_layers_and_their_moving_averages() -> None:
    model = Sequential([keras.Input((3,)), keras.layers.BatchNormalization(), Dense(2)])
    model.trainable = False
    assert [layer.trainable for layer in model.layers] == [False, False]
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(np.ones((8, 3)), np.ones((8, 2)))
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)
    model.trainable = True
    assert len(model.trainable_variables) == 4


def test_a_model_that_is_not_built_tells_what_is_known_and_is_built_by_a_prediction() -> None:
    model = Sequential([Dense(4), Dense(8)])
    printed: list[str] = []
    model.summary(print_fn=printed.append)
    assert "0 (unbuilt)" in printed[0]
    assert model.compute_output_shape((1, 2)) == (1, 8)
    assert not hasattr(model, "output_shape")
    assert model.predict(np.ones((5, 2))).shape == (5, 8)
    assert model.output_shape == (None, 8)
    with pytest.raises(ValueError, match="for which the model is built"):
        model.build((None, 3))


def test_each_call_in_training_drops_other_values() -> None:
    model = Sequential([keras.Input((50,)), keras.layers.Dropout(0.5)])
    layer, x = keras.layers.Dropout(0.5, seed=1), np.ones((2, 50), np.float32)
    for called in (model, layer):
        assert not np.array_equal(called(x, training=True), called(x, training=True))
        np.testing.assert_array_equal(called(x), called(x))

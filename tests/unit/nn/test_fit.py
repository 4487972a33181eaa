"""fit, evaluate and predict do with their arguments what Keras does, and refuse what cannot be."""

from typing import Any

import numpy as np
import pytest

from service import nn

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def numbers(rows: int = 40) -> Arrays:
    """A linear problem."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 3)).astype(np.float32)
    return x, (x @ np.array([[1.0], [2.0], [-1.0]])).astype(np.float32)


def linear(**compiled: Any) -> nn.Sequential:
    """A model of one layer."""
    model = nn.Sequential([nn.Input((3,)), nn.layers.Dense(1)])
    model.compile(**{"optimizer": nn.optimizers.SGD(0.1), "loss": "mse", **compiled})
    return model


def test_the_loss_of_an_epoch_is_weighted_by_the_size_of_its_batches() -> None:
    model = nn.Sequential([nn.Input((1,)), nn.layers.Dense(1, kernel_initializer="zeros", trainable=False)])
    model.compile("sgd", "mse")
    y = np.array([0.0] * 8 + [1.0] * 2)
    assert model.fit(np.ones((10, 1)), y, batch_size=8, shuffle=False).history["loss"] == [pytest.approx(0.2)]


def test_validation_takes_the_last_rows_before_shuffling() -> None:
    x, y = numbers(10)
    model = linear()
    history = model.fit(x, y, validation_split=0.3).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(x[7:], y[7:]), rel=1e-6)
    assert history["val_loss"][0] != pytest.approx(model.evaluate(x[:7], y[:7]), rel=1e-6)
    model, other = linear(), linear()
    other.set_weights(model.get_weights())
    other.seed = other.clock.seed = model.clock.seed
    model.fit(x, y, validation_split=0.3, batch_size=3)
    other.fit(x[:7], y[:7], batch_size=3)
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])


def test_one_dimensional_inputs_and_targets_are_columns() -> None:
    model = nn.Sequential([nn.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(np.arange(4.0), np.arange(4.0))
    assert set(history.history) == {"loss", "mae"}
    assert model.predict(np.arange(4.0)).shape == (4, 1)


def test_whole_numbers_and_read_only_memory_maps_are_trained_on_as_they_are(tmp_path: Any) -> None:
    np.save(tmp_path / "x.npy", np.arange(60).reshape(20, 3) % 5)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = linear(optimizer="adam")
    assert np.isfinite(model.fit(x, x.sum(axis=1), epochs=2).history["loss"]).all()


def test_evaluate_answers_one_number_a_list_or_a_dict() -> None:
    x, y = numbers()
    assert isinstance(linear().evaluate(x, y), float)
    model = linear(metrics=["mae"])
    as_list = model.evaluate(x, y, batch_size=7)
    assert model.evaluate(x, y, return_dict=True) == pytest.approx({"loss": as_list[0], "mae": as_list[1]})
    assert model.test_on_batch(x, y) == pytest.approx(as_list)
    assert model.evaluate(x, y, batch_size=10, steps=1, return_dict=True)["loss"] == pytest.approx(
        model.evaluate(x[:10], y[:10], return_dict=True)["loss"]
    )


def test_train_on_batch_is_one_step_and_answers_the_loss_before_it() -> None:
    x, y = numbers()
    model = linear(metrics=["mae"])
    before = model.evaluate(x, y)
    assert model.train_on_batch(x, y) == pytest.approx(before)
    assert model.optimizer.iterations == 1
    assert model.evaluate(x, y)[0] < before[0]
    assert model.train_on_batch(x, y, return_dict=True).keys() == {"loss", "mae"}


def test_stop_training_ends_the_fit_after_its_epoch() -> None:
    x, y = numbers()
    model = linear()
    stop = nn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 1))
    assert len(model.fit(x, y, epochs=9, callbacks=stop).history["loss"]) == 2


def test_watching_blocks_tells_how_far_an_epoch_is() -> None:
    class Watcher(nn.callbacks.Callback):
        seen: list[tuple[int, int]] = []  # noqa: RUF012

        def on_block_end(self, steps_done: int, steps: int) -> None:
            self.seen.append((steps_done, steps))

    x, y = numbers(2500)
    linear().fit(x, y, callbacks=[Watcher()])
    assert Watcher.seen == [(32, 79), (64, 79), (79, 79)]


def test_watching_batches_changes_nothing_but_the_speed() -> None:
    x, y = numbers(100)
    losses = []
    for callbacks in ([], [nn.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)]):
        model = linear(metrics=["mae"])
        model.set_weights([np.ones((3, 1)), np.zeros(1)])
        losses.append(model.fit(x, y, epochs=2, batch_size=16, callbacks=callbacks, shuffle=False).history)
    assert losses[0]["loss"] == pytest.approx(losses[1]["loss"], rel=1e-6)
    assert losses[0]["mae"] == pytest.approx(losses[1]["mae"], rel=1e-6)


def test_class_weights_weigh_the_training_and_not_the_validation() -> None:
    x, y = numbers(20)
    classes = (y[:, 0] > 0).astype(int)
    model = nn.Sequential([nn.Input((3,)), nn.layers.Dense(2, "softmax", trainable=False)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    logs = model.fit(x, classes, class_weight={0: 0.0, 1: 0.0}, validation_data=(x, classes)).history
    assert logs["loss"] == [0.0]
    assert logs["val_loss"][0] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer >= 1; received 0"),
        ({"epochs": -1}, "epochs must be an integer >= 0"),
        ({"epochs": 1.5}, "epochs must be an integer"),
        ({"validation_split": 1.0}, "validation_split must be"),
        ({"validation_split": 0.99}, "both sides of 40 rows"),
        ({"validation_data": 3}, "validation_data must be"),
        ({"sample_weight": np.ones(3)}, "sample_weight must be as long as x"),
        ({"sample_weight": np.ones(40), "class_weight": {0: 1.0}}, "class_weight must be left out"),
        ({"y": None}, "y must be an array of targets"),
        ({"y": np.ones(3)}, "as long as x"),
        ({"y": np.ones((40, 2))}, r"y_true must be of shape \(1, 1\)"),
        ({"x": [[1.0]]}, "x must be a NumPy array"),
        ({"x": np.array(["a"])}, "array of numbers"),
        ({"x": np.ones((40, 5))}, r"x must be of shape \(rows, 3\); received"),
        ({"x": np.ones((0, 3)), "y": np.ones(0)}, "at least one row"),
        ({"x": np.float32(1)}, "array with rows"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    x, y = numbers()
    with pytest.raises(nn.ArgumentError, match=message):
        linear().fit(**{"x": x, "y": y, **arguments})


@pytest.mark.parametrize(
    ("compiled", "message"),
    [
        ({"loss": "mean_squared"}, "Did you mean"),
        ({"loss": 3}, "loss"),
        ({"metrics": [3]}, "metric"),
        ({"metrics": 3}, "metrics must be a list"),
        ({"optimizer": "adma"}, "Did you mean .*'adam'"),
        ({"loss": nn.losses.MeanSquaredError(reduction="none")}, "reduced to one number"),
    ],
)
def test_what_cannot_be_compiled_is_refused_by_name(compiled: dict[str, Any], message: str) -> None:
    x, y = numbers()
    with pytest.raises(ValueError, match=message):
        linear(**compiled).fit(x, y)


def test_fit_needs_a_loss() -> None:
    x, y = numbers()
    model = nn.Sequential([nn.layers.Dense(1)])
    with pytest.raises(ValueError, match="Call compile"):
        model.fit(x, y)
    model.compile()
    with pytest.raises(ValueError, match="Call compile with a loss"):
        model.fit(x, y)


def test_epochs_of_a_number_of_steps_go_on_where_the_last_one_ended() -> None:
    x, y = numbers(40)
    whole, pieces = linear(), linear()
    pieces.set_weights(whole.get_weights())
    whole.fit(x, y, epochs=2, batch_size=10, shuffle=False)
    history = pieces.fit(x, y, epochs=4, steps_per_epoch=2, batch_size=10, shuffle=False)
    assert len(history.history["loss"]) == 4
    for a, b in zip(whole.get_weights(), pieces.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_epoch_ends_with_the_rows_as_in_keras() -> None:
    """A pass of 5 batches in epochs of 4: Keras 3.15.1 trains on 4, 1, 4 and 1 batches."""
    seen: list[int] = []
    model = nn.Sequential([nn.Input((1,)), nn.layers.Dense(1)])
    model.compile("sgd", "mse")
    counting = nn.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(0),
        on_train_batch_end=lambda batch, logs: seen.append(seen.pop() + 1),
    )
    with pytest.warns(UserWarning, match="1 of the 4 batches"):
        model.fit(np.ones((10, 1)), np.ones(10), batch_size=2, steps_per_epoch=4, epochs=4, callbacks=counting)
    assert seen == [4, 1, 4, 1]

"""Keras's face: scripts run with their imports changed, and get the numbers of the library that Keras judges."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitd import keras
from fitd.keras.layers import Dense
from fitd.keras.models import Sequential
from service import nn
from tests.e2e.server import Server

RNG = np.random.default_rng(7)
X = RNG.normal(size=(200, 6)).astype(np.float32)
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)


@pytest.fixture(autouse=True)
def _at(service: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FITD_URL", service.url)
    yield
    keras.models.close_clients()


def test_the_canonical_script_runs_with_its_imports_changed(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential()
    model.add(Dense(units=64, activation="relu", input_dim=100))
    model.add(Dense(units=10, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
    x_train = RNG.normal(size=(320, 100))
    y_train = keras.utils.to_categorical(RNG.integers(0, 10, 320), 10)
    history = model.fit(x_train, y_train, epochs=5, batch_size=32)
    loss_and_metrics = model.evaluate(x_train, y_train, batch_size=128)
    classes = model.predict(x_train, batch_size=128)
    assert classes.shape == (320, 10)
    assert len(loss_and_metrics) == 2
    assert list(history.history) == ["accuracy", "loss"]
    assert history.epoch == [0, 1, 2, 3, 4]
    printed = capsys.readouterr().out
    assert re.search(r"Epoch 5/5\n10/10 ━{20} \d+s \d+[mu]?s/step - accuracy: 0\.\d{4} - loss: \d\.\d{4}\n", printed)


LAYERS: dict[str, Any] = {
    "dense": lambda k: [k.layers.Dense(8, "relu"), k.layers.Dense(3, activation="softmax")],
    "regularized": lambda k: [
        k.layers.Dense(8, kernel_regularizer=k.regularizers.L2(0.01), bias_initializer="ones"),
        k.layers.BatchNormalization(),
        k.layers.Activation("tanh"),
        k.layers.Dense(3, activation="softmax", kernel_constraint=k.constraints.MaxNorm(1.0)),
    ],
}
OPTIMIZERS: dict[str, Any] = {
    "name": lambda k: "adam",
    "momentum": lambda k: k.optimizers.SGD(learning_rate=0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda k: k.optimizers.RMSprop(0.01),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("layers", LAYERS)
def test_from_the_same_weights_the_history_is_the_librarys(layers: str, optimizer: str) -> None:
    def made(k: Any) -> Any:
        model = k.Sequential([k.Input((6,)), *LAYERS[layers](k)])
        model.compile(
            OPTIMIZERS[optimizer](k),
            loss=k.losses.SparseCategoricalCrossentropy(),
            metrics=[k.metrics.SparseCategoricalAccuracy(name="accuracy")],
        )
        return model

    local, remote = made(nn), made(keras)
    weights = [RNG.normal(0, 0.3, weight.shape) ** 2 for weight in local.get_weights()]
    local.set_weights(weights)
    remote.set_weights(weights)
    options: dict[str, Any] = {"epochs": 3, "batch_size": 20, "shuffle": False, "verbose": 0}
    wanted = local.fit(X[:160], CLASSES[:160], validation_data=(X[160:], CLASSES[160:]), **options).history
    found = remote.fit(X[:160], CLASSES[:160], validation_data=(X[160:], CLASSES[160:]), **options).history
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6, err_msg=name)
    for one, other in zip(remote.get_weights(), local.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(remote.predict(X, verbose=0), local.predict(X, verbose=0), rtol=1e-4, atol=1e-5)


def test_callbacks_run_where_they_can(tmp_path: Path) -> None:
    rates: list[float] = []
    model = Sequential([keras.Input((6,)), Dense(1)])
    model.compile("sgd", loss="mse")
    history = model.fit(
        X, X[:, 0], epochs=50, verbose=0, validation_split=0.2,
        callbacks=[
            keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (1 + epoch)),
            keras.callbacks.EarlyStopping(patience=2, min_delta=10.0),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append(logs["learning_rate"])),
        ],
    )  # fmt: skip
    assert history.epoch == [0, 1, 2]
    np.testing.assert_allclose(rates, [0.1, 0.05, 0.1 / 3], rtol=1e-6)
    assert (tmp_path / "log.csv").read_text().splitlines()[0] == "epoch,learning_rate,loss,val_loss"
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4


def test_a_callback_that_runs_here_stops_the_training() -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = True

    model = Sequential([Dense(64), Dense(1)])
    model.compile("sgd", loss="mse")
    history = model.fit(
        np.tile(X, (20, 1)), np.tile(X[:, 0], 20), epochs=5000, batch_size=8, verbose=0, callbacks=[Stop()]
    )
    assert len(history.epoch) == 1
    assert model.predict(X, verbose=0).shape == (200, 1)


def test_a_model_is_saved_loaded_and_trained_on(tmp_path: Path) -> None:
    model = Sequential([keras.Input((6,)), Dense(8, "relu"), Dense(1)], name="my model")
    model.compile("adam", loss="mse", metrics=["mae"])
    model.fit(X, X[:, 0], epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    with pytest.raises(FileExistsError):
        model.save(tmp_path / "model.keras", overwrite=False)
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    first, second = (one.fit(X, X[:, 0], epochs=2, shuffle=False, verbose=0) for one in (model, again))
    np.testing.assert_allclose(first.history["loss"], second.history["loss"], rtol=1e-5)
    assert again.version.version == 2
    assert set(again.evaluate(X, X[:, 0], verbose=0, return_dict=True)) == {"loss", "mae"}


def test_a_summary_before_the_training_counts_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([Dense(units=64, activation="relu", input_dim=100), Dense(10, activation="softmax")])
    model.summary()
    assert model.count_params() == 7114
    assert "dense (Dense)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda model: model.fit(X, CLASSES), "call compile"),
        (lambda model: model.predict(X), "call fit or set_weights"),
        (lambda model: model.add("dense"), "Expected a layer"),
        (lambda model: model.summary(), "input shape"),
    ],
    ids=["fit", "predict", "add", "summary"],
)
def test_what_cannot_be_done_yet_says_what_to_do(act: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        act(Sequential([Dense(1)]))

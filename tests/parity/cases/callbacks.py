"""Callbacks whose work shows in numbers, and their calls in order."""

import csv
import tempfile
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.cases.data import classes, numbers, words
from tests.parity.cases.training import Fit, build, linear_net, observe, softmax_net
from tests.parity.engine import Case, Engine, Outcome


def _fit(rate: float, callbacks: Any, epochs: int = 8, **more: Any) -> Fit:
    return Fit(
        lambda k: {"optimizer": k.optimizers.SGD(rate, momentum=0.9), "loss": "mse", "metrics": ["mae"]},
        layers=linear_net,
        data=numbers,
        fit=lambda k: {"epochs": epochs, "validation_split": 0.2, "callbacks": callbacks(k), **more},
    )


def _plateau(**options: Any) -> Fit:
    return _fit(0.35, lambda k: [k.callbacks.ReduceLROnPlateau(**options)])


def _halve(epoch: int, rate: float) -> float:
    return rate * 0.5 if epoch else 0.2


def csv_file(engine: Engine, append: bool) -> Outcome:
    """The file of `CSVLogger`: its columns as a count of each name, and its numbers."""
    keras = engine.keras
    x, y = classes()
    model = build(keras, softmax_net(keras), x.shape[1:])
    model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        for _ in range(2):
            logger = keras.callbacks.CSVLogger(str(path), separator=";", append=append)
            options = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0, "validation_split": 0.2}
            model.fit(x, y, callbacks=[logger], **options)
        rows = list(csv.DictReader(path.read_text().splitlines(), delimiter=";"))
    return {f"column {name}": [float(row[name]) for row in rows] for name in rows[0]}


def order_of_calls(engine: Engine) -> Outcome:
    """Every hook in order, as numbers, with the index it was given and the logs it could read."""
    keras = engine.keras
    hooks = words(
        "on_train_begin on_epoch_begin on_train_batch_begin on_train_batch_end on_test_begin "
        "on_test_batch_begin on_test_batch_end on_test_end on_epoch_end on_train_end"
    )
    calls: list[list[float]] = []

    def note(hook: str, *arguments: Any) -> None:
        index = arguments[0] if arguments and isinstance(arguments[0], int) else -1
        logs = arguments[-1] if arguments and isinstance(arguments[-1], dict) else {}
        calls.append([hooks.index(hook), index, len(logs)])

    methods = {hook: partialmethod(_forward, note, hook) for hook in hooks}
    watcher = type("Watcher", (keras.callbacks.Callback,), methods)()
    x, y = classes()
    model = build(keras, softmax_net(keras), x.shape[1:])
    model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    options = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0, "validation_split": 0.2}
    model.fit(x, y, callbacks=[watcher], **options)
    return {"calls": calls}


def _forward(_: Any, note: Any, hook: str, *arguments: Any, **named: Any) -> None:
    note(hook, *arguments, *named.values())


def logs_of_batches(engine: Engine) -> Outcome:
    """The logs at the end of a batch are running means over the epoch so far."""
    keras = engine.keras
    seen: list[list[float]] = []

    def note(_: Any, batch: int, logs: Any = None) -> None:
        seen.append([batch, float(logs["loss"]), float(logs["accuracy"])])

    watcher = type("Watcher", (keras.callbacks.Callback,), {"on_train_batch_end": note})()

    x, y = classes()
    model = build(keras, softmax_net(keras), x.shape[1:])
    model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[watcher])
    return {"seen": seen} | observe(model, history, x, y, {})


def terminate_on_nan(engine: Engine) -> Outcome:
    """How many batches and epochs it took; the numbers by then are none."""
    keras = engine.keras
    batches: list[int] = []
    counter = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(batch))
    x, y = numbers()
    model = build(keras, [keras.layers.Dense(2)], x.shape[1:])
    model.compile(optimizer=keras.optimizers.SGD(1e25), loss="mse")
    with np.errstate(over="ignore", invalid="ignore"):
        watchers = [keras.callbacks.TerminateOnNaN(), counter]
        history = model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0, callbacks=watchers)
    return {"batches": batches, "epoch": history.epoch, "finite": np.isfinite(history.history["loss"])}


def stop_training(engine: Engine) -> Outcome:
    """`model.stop_training` ends the fit after its epoch."""
    keras = engine.keras

    def stop(self: Any, batch: int, logs: Any = None) -> None:
        self.model.stop_training = batch == 1

    stopper = type("Stopper", (keras.callbacks.Callback,), {"on_train_batch_end": stop})()

    x, y = classes()
    model = build(keras, softmax_net(keras), x.shape[1:])
    model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=5, shuffle=False, verbose=0, callbacks=[stopper])
    return observe(model, history, x, y, {})


CASES: dict[str, Case] = {
    "ReduceLROnPlateau": _plateau(patience=1),
    "ReduceLROnPlateau with options": _plateau(
        monitor="val_mae", factor=0.3, patience=1, min_delta=0.05, cooldown=1, min_lr=0.02
    ),
    "ReduceLROnPlateau never": _plateau(monitor="loss"),
    "LearningRateScheduler": _fit(0.1, lambda k: [k.callbacks.LearningRateScheduler(_halve)], epochs=4),
    "LearningRateScheduler by epoch alone": _fit(
        0.1, lambda k: [k.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))], epochs=4
    ),
    "TerminateOnNaN": terminate_on_nan,
    "EarlyStopping and ReduceLROnPlateau": _fit(
        0.35,
        lambda k: [k.callbacks.ReduceLROnPlateau(patience=1), k.callbacks.EarlyStopping(patience=4)],
        epochs=12,
    ),
    "CSVLogger": partial(csv_file, append=False),
    "CSVLogger appending": partial(csv_file, append=True),
    "order of calls": order_of_calls,
    "logs of batches": logs_of_batches,
    "stop_training": stop_training,
}
"""One case for each callback and set of arguments."""

"""Callbacks: what they watch, keep and change."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn.callbacks.callback import is_better_when_larger
from tests.support.networks import model_of, rows


def test_a_plateau_of_something_that_is_not_measured_changes_nothing() -> None:
    model = model_of(nn.layers.Dense(1))
    history = model.fit(rows(), np.ones(24), epochs=3, callbacks=nn.callbacks.ReduceLROnPlateau("val_mae", patience=0))
    assert history.history["learning_rate"] == pytest.approx([0.1] * 3)


def test_a_plateau_in_its_cooldown_keeps_the_rate() -> None:
    model = model_of(nn.layers.Dense(1, trainable=False))
    plateau = nn.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, cooldown=2)
    rates = model.fit(rows(), np.ones(24), epochs=6, callbacks=plateau).history["learning_rate"]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


def test_the_best_of_several_epochs_is_saved_and_no_other() -> None:
    saved: list[int] = []
    best = nn.callbacks.ModelCheckpoint(lambda epoch, model: saved.append(epoch), monitor="loss", save_best_only=True)
    history = model_of(nn.layers.Dense(1)).fit(rows(), np.ones(24), epochs=4, shuffle=False, callbacks=best).history
    losses = history["loss"]
    assert saved == [epoch for epoch in range(4) if losses[epoch] == min(losses[: epoch + 1])]
    assert best.best == min(losses)


def fitted(*callbacks: Any, **fit: Any) -> tuple[nn.Sequential, dict[str, list[float]]]:
    """A small training watched by the callbacks."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    model = nn.Sequential([nn.Input((3,)), nn.layers.Dense(1)])
    model.compile(nn.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return model, model.fit(x, y, **{"epochs": 4, "callbacks": list(callbacks), **fit}).history


def test_a_checkpoint_hands_out_the_model_only_when_it_is_better() -> None:
    saved: list[tuple[int, float]] = []
    fitted(nn.callbacks.ModelCheckpoint(lambda epoch, model: saved.append((epoch, 0.0))))
    assert [epoch for epoch, _ in saved] == [0, 1, 2, 3]
    saved.clear()
    best = nn.callbacks.ModelCheckpoint(
        lambda epoch, model: saved.append((epoch, best.best or 0)),
        monitor="mae",
        mode="max",
        save_best_only=True,
        initial_value_threshold=1e9,
    )
    fitted(best)
    assert saved == []
    fitted(nn.callbacks.ModelCheckpoint(lambda epoch, model: saved.append((epoch, 0.0)), save_freq=3), batch_size=20)
    assert len(saved) == 2
    fitted(nn.callbacks.ModelCheckpoint(lambda epoch, model: saved.append((9, 0.0)), save_best_only=True))
    assert len(saved) == 2
    for arguments in (
        {"filepath": "model.keras"},
        {"filepath": print, "mode": "x"},
        {"filepath": print, "save_freq": 0},
    ):
        with pytest.raises(nn.ArgumentError):
            nn.callbacks.ModelCheckpoint(**arguments)


def test_early_stopping_on_a_metric_that_is_not_there_warns_and_goes_on() -> None:
    with pytest.warns(UserWarning, match="'val_loss', which is not among"):
        _, history = fitted(nn.callbacks.EarlyStopping())
    assert len(history["loss"]) == 4


def test_early_stopping_restores_the_best_weights() -> None:
    kept: list[Any] = []

    class Keeper(nn.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            kept.append(self.model.get_weights())

    stopping = nn.callbacks.EarlyStopping("loss", mode="max", patience=2, restore_best_weights=True)
    model, history = fitted(Keeper(), stopping, epochs=8)
    assert len(history["loss"]) == stopping.stopped_epoch + 1 == 3
    for restored, best in zip(model.get_weights(), kept[0], strict=True):
        np.testing.assert_array_equal(restored, best)


@pytest.mark.parametrize(
    ("monitor", "larger"), [("val_loss", False), ("mae", False), ("val_accuracy", True), ("auc", True)]
)
def test_the_direction_of_a_metric_follows_from_what_it_is(monitor: str, larger: bool) -> None:
    metrics = {name: nn.metrics.resolve(name, (None, 1), (4, 1)) for name in ("mae", "accuracy")}
    metrics["auc"] = nn.metrics.AUC()
    assert is_better_when_larger(monitor, "auto", metrics) is larger


def test_a_metric_of_unknown_direction_needs_a_mode() -> None:
    with pytest.raises(ValueError, match="set mode to 'min' or 'max'"):
        is_better_when_larger("learning_rate", "auto", {})


def test_a_learning_rate_schedule_can_be_called_by_epoch() -> None:
    schedule = {"class_name": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.5}
    _, history = fitted(nn.callbacks.LearningRateScheduler(schedule))
    assert history["learning_rate"] == pytest.approx([0.1, 0.05, 0.025, 0.0125])
    with pytest.raises(nn.ArgumentError, match="schedule"):
        nn.callbacks.LearningRateScheduler("fast")


def test_a_csv_log_has_a_line_for_each_epoch(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    fitted(nn.callbacks.CSVLogger(str(path), separator=";"))
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch;loss;mae;val_loss;val_mae"  # as in Keras: they may come with a later epoch
    assert len(lines) == 5


def test_a_broken_loss_can_end_the_training_with_an_error() -> None:
    model = nn.Sequential([nn.Input((1,)), nn.layers.Dense(1)])
    model.compile(nn.optimizers.SGD(1e30), "mse")
    with np.errstate(all="ignore"), pytest.raises(RuntimeError, match="The loss at batch"):
        model.fit(np.ones((9, 1)), np.ones(9), epochs=9, callbacks=[nn.callbacks.TerminateOnNaN(raise_error=True)])


class Diary(nn.callbacks.Callback):
    """Writes down every hook that is called, and what `logs` it got."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        for verb in ("train", "test", "predict"):
            for moment in (f"{verb}_begin", f"{verb}_end", f"{verb}_batch_begin", f"{verb}_batch_end"):
                setattr(self, f"on_{moment}", self._noting(moment))
        for moment in ("epoch_begin", "epoch_end"):
            setattr(self, f"on_{moment}", self._noting(moment))

    def wants_batches(self, verb: str = "train") -> bool:
        return True

    def _noting(self, moment: str) -> Any:
        return lambda *places, logs=None, **_: self.calls.append((moment, places[-1] if logs is None else logs))

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


def test_every_hook_is_called_with_logs() -> None:
    """In the order and with the logs of Keras 3.15.1."""
    diary = Diary()
    model, _ = fitted(diary, epochs=1, batch_size=30, validation_split=0.5)
    batch = ["train_batch_begin", "train_batch_end"]
    test = ["test_begin", "test_batch_begin", "test_batch_end", "test_end"]
    assert diary.names() == ["train_begin", "epoch_begin", *batch, *test, "epoch_end", "train_end"]
    assert all(isinstance(logs, dict) for _, logs in diary.calls)
    assert [sorted(logs) for name, logs in diary.calls if name.endswith("begin")] == [[]] * 5
    diary.calls.clear()
    model.evaluate(np.ones((4, 3)), np.ones(4), callbacks=[diary])
    assert diary.names() == test
    diary.calls.clear()
    outputs = model.predict(np.ones((4, 3)), batch_size=3, callbacks=[diary])
    assert diary.names() == ["predict_begin", *["predict_batch_begin", "predict_batch_end"] * 2, "predict_end"]
    seen = [logs["outputs"] for name, logs in diary.calls if name == "predict_batch_end"]
    np.testing.assert_array_equal(np.concatenate(seen), outputs)


def test_a_lambda_callback_takes_every_hook_as_the_documentation_of_keras_writes_them() -> None:
    seen: list[Any] = []
    watching = nn.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])),
        on_train_batch_begin=lambda batch, logs: seen.append(batch),
        on_train_end=lambda logs: seen.append("end"),
        on_test_begin=lambda logs: seen.append("test"),
    )
    _, history = fitted(watching, epochs=1, batch_size=20)
    assert seen == [0, 1, (0, history["loss"][0]), "end"]


def test_the_older_names_of_batch_hooks_are_called() -> None:
    seen: list[int] = []

    class Old(nn.callbacks.Callback):
        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(batch)

    fitted(Old(), epochs=1, batch_size=10)
    assert seen == [0, 1, 2, 3]


def test_a_callback_may_end_an_evaluation_and_a_prediction() -> None:
    model, _ = fitted(epochs=1)

    class Enough(nn.callbacks.Callback):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_evaluating = True

        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_predicting = True

    x, y = np.ones((5, 3)), np.arange(5.0)
    first = model.evaluate(x[:2], y[:2])
    assert model.evaluate(x, y, batch_size=2, callbacks=[Enough()]) == pytest.approx(first)
    assert model.predict(x, batch_size=2, callbacks=[Enough()]).shape == (2, 1)


def test_what_cannot_be_watched_is_said() -> None:
    with pytest.raises(ValueError, match="set mode"):  # as in Keras: its direction is not known
        fitted(nn.callbacks.EarlyStopping("nothing"))
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[nn.metrics.F1Score()])
    with pytest.raises(ValueError, match="has 2 numbers, and only one number can be watched"):
        model.fit(rows(4, 2), np.eye(2)[[0, 1, 0, 1]], callbacks=nn.callbacks.EarlyStopping("f1_score", mode="max"))

"""The small parts: arguments, registries, initializers, callbacks, threads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn.arguments import describe
from service.nn.callbacks.callback import is_better_when_larger

# As a caller without a type checker sees it.
untyped: Any = nn
MAKE: list[tuple[Any, str]] = [
    (lambda: untyped.layers.Dense(0), "units must be an integer >= 1; received 0."),
    (lambda: untyped.layers.Dense(True), "units must be an integer >= 1; received True."),
    (lambda: untyped.layers.Dense(2.5), "units must be an integer >= 1; received 2.5."),
    (lambda: untyped.layers.Dropout(1.5), "rate must be a number >= 0 and <= 1; received 1.5."),
    (lambda: untyped.layers.Dropout("a" * 100), "rate must be a number >= 0 and <= 1; received '" + "a" * 56 + "...."),
    (lambda: untyped.losses.Huber(delta=float("inf")), "delta must be a number > 0; received inf."),
    (lambda: untyped.metrics.AUC(curve="RC"), "curve must be 'ROC' or 'PR'; received 'RC'."),
    (lambda: untyped.layers.Reshape(3), "target_shape must be tuple or list; received 3."),
    (lambda: untyped.initializers.RandomUniform(1.0, 0.0), "maxval must be at least minval (1.0); received 0.0."),
    (lambda: untyped.layers.Normalization(mean=1.0), "variance must be given together with mean; received None."),
    (lambda: untyped.layers.Permute((1, 3)), "dims must be an order of the numbers 1 to 2; received (1, 3)."),
    (lambda: untyped.layers.Rescaling("a"), "scale must be a number or a list of numbers; received 'a'."),
    (lambda: untyped.layers.deserialize({"config": {}}),
     "class_name must be the name of a registered layer; received None."),
    (lambda: untyped.layers.deserialize({"class_name": "Dense", "config": 3}),
     "config must be an object of arguments; received 3."),
    (lambda: untyped.activations.get(3), "activation must be the name of an activation; received 3."),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), MAKE)
def test_a_wrong_argument_says_what_was_expected_and_what_came(make: Any, message: str) -> None:
    with pytest.raises(nn.ArgumentError) as caught:
        make()
    assert str(caught.value) == message


def test_an_unknown_name_lists_the_known_ones_and_those_that_look_alike() -> None:
    with pytest.raises(
        nn.UnknownNameError, match=r"'rleu' is not the name of an activation\. Did you mean 'relu'"
    ) as e:
        nn.activations.get("rleu")
    assert "softmax" in str(e.value)
    with pytest.raises(nn.UnknownNameError, match="not the name of a layer"):
        nn.layers.deserialize("Dens")


def test_an_unknown_argument_lists_the_known_ones() -> None:
    with pytest.raises(nn.ArgumentError, match=r"did you mean 'units'\?"):
        nn.layers.deserialize({"class_name": "Dense", "unit": 3})


def test_long_values_are_not_echoed() -> None:
    assert describe(list(range(100))) == "a value of type list"
    assert len(describe("x" * 1000)) < 70


def test_registries_accept_names_classes_objects_and_configurations() -> None:
    registry = nn.initializers.REGISTRY
    for given in (
        "HeNormal",
        "he_normal",
        nn.initializers.HeNormal,
        nn.initializers.HeNormal(),
        {"class_name": "HeNormal"},
    ):
        assert isinstance(registry.get(given), nn.initializers.HeNormal)
    assert "he_normal" in registry
    assert nn.initializers.HeNormal in list(registry)
    with pytest.raises(nn.ArgumentError, match="initializer must be"):
        registry.get(3)


@pytest.mark.parametrize("name", nn.initializers.REGISTRY.classes())
def test_a_seeded_initializer_gives_the_same_values_each_time(name: str) -> None:
    cls: Any = nn.initializers.REGISTRY.classes()[name]
    seeded = cls(seed=3) if "seed" in cls.__dataclass_fields__ else cls()
    first, second = seeded((4, 4)), seeded((4, 4))
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, second)


def test_initializers_of_matrices_refuse_vectors() -> None:
    for name in ("identity", "orthogonal"):
        with pytest.raises(nn.ArgumentError, match="two-dimensional"):
            nn.initializers.get(name)((3,))


def test_set_random_seed_decides_the_weights_of_the_next_models() -> None:
    def weights() -> list[Any]:
        nn.utils.set_random_seed(5)
        pair = [nn.Sequential([nn.Input((3,)), nn.layers.Dense(2)]) for _ in range(2)]
        return [model.get_weights()[0] for model in pair]

    first, second = weights(), weights()
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


def test_to_categorical_and_normalize() -> None:
    np.testing.assert_array_equal(nn.utils.to_categorical([0, 2]), [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(nn.utils.to_categorical([[1]], 2), [[0, 1]])
    with pytest.raises(nn.ArgumentError, match="class indices from 0 to 1"):
        nn.utils.to_categorical([2], 2)
    np.testing.assert_allclose(nn.utils.normalize([[3.0, 4.0], [0.0, 0.0]]), [[0.6, 0.8], [0.0, 0.0]])


def test_floatx_is_float32_or_float64() -> None:
    with pytest.raises(ValueError, match="float32"):
        nn.config.set_floatx("float16")  # type: ignore[arg-type]


def test_small_work_runs_on_one_blas_thread_and_the_number_comes_back() -> None:
    before = nn.blas.threads()
    nn.blas.set_threads(2)
    try:
        assert nn.blas.threads_for(32, 100) == 1
        assert nn.blas.threads_for(10_000, 100_000) == 2
        with nn.blas.limited_to(1):
            assert nn.blas.threads() == 1
        assert nn.blas.threads() == 2
    finally:
        nn.blas.set_threads(before)


def test_limits_that_overlap_leave_the_number_of_blas_threads_as_it_was() -> None:
    before = nn.blas.threads()
    nn.blas.set_threads(2)
    try:
        first, second, third = nn.blas.limited_to(1), nn.blas.limited_to(2), nn.blas.limited_to(1)
        first.__enter__()
        second.__enter__()
        third.__enter__()
        first.__exit__(None, None, None)
        assert nn.blas.threads() == 1
        third.__exit__(None, None, None)
        assert nn.blas.threads() == 2
        with nn.blas.limited_to(1):
            second.__exit__(None, None, None)
            assert nn.blas.threads() == 1
        assert nn.blas.threads() == 2
    finally:
        nn.blas.set_threads(before)


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

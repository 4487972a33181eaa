"""A fit that was broken off anywhere and taken up by a fresh model ends with the bits of one that was not."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import nn
from service.formats.checkpoints import pack_state, unpack_state
from service.nn.callbacks import Callback
from service.nn.training_state import StateMismatch, TrainingState
from tests.property.test_engine import arguments

Made = tuple[list[Any], dict[str, list[float]], dict[str, Any], Any]
ROWS = np.random.default_rng(0).normal(size=(150, 5)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 3, len(ROWS))


class Stop(Exception):
    pass


class Snapshots(Callback):
    """Keeps the state at every resume point; at number `stop` it ends the training, as a killed worker would."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.states: list[TrainingState] = []

    def on_resume_point(self, epoch: int, step: int, capture: Callable[[], TrainingState]) -> None:
        self.states.append(capture())
        if self.stop is not None and len(self.states) > self.stop:
            raise Stop


def network(optimizer: Any = "adam", metrics: Any = (), classes: bool = True, seed: int = 3) -> nn.Sequential:
    model = nn.Sequential([nn.layers.Dense(6, activation="relu"), nn.layers.BatchNormalization()])
    for layer in (nn.layers.Dropout(0.3), nn.layers.GaussianNoise(0.1), nn.layers.Dense(3, activation="softmax")):
        model.add(layer)
    model.seed = seed
    loss = "sparse_categorical_crossentropy" if classes else "categorical_crossentropy"
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def fit(model: nn.Sequential, watcher: Snapshots, callbacks: Any = (), **options: Any) -> Made:
    y = LABELS if "sparse" in str(model.loss) else np.eye(3, dtype=np.float32)[LABELS]
    given = {"batch_size": 8, "epochs": 3, "validation_split": 0.2} | options
    history = model.fit(ROWS, y, callbacks=[*callbacks, watcher], verbose=0, **given)
    return model.get_weights(), history.history, model.optimizer.get_state(), model.predict(ROWS)


def same(first: Made, second: Made) -> bool:
    weights = all(a.tobytes() == b.tobytes() for a, b in zip(first[0], second[0], strict=True))
    slots = all(np.array_equal(first[2][name], second[2][name], equal_nan=True) for name in first[2] | second[2])
    return weights and slots and repr(first[1]) == repr(second[1]) and first[3].tobytes() == second[3].tobytes()


def check(make: Callable[[], tuple[nn.Sequential, Any]], at: int, **options: Any) -> None:
    """Trains undisturbed, trains until resume point `at` and breaks off, goes on in a fresh model, compares."""
    whole = Snapshots()
    model, callbacks = make()
    expected = fit(model, whole, callbacks, **options)
    at %= len(whole.states)
    broken = Snapshots(stop=at)
    model, callbacks = make()
    with pytest.raises(Stop):
        fit(model, broken, callbacks, **options)
    state = unpack_state(pack_state(broken.states[-1]))
    model, callbacks = make()
    model.resume_from(state)
    assert same(fit(model, Snapshots(), callbacks, **options), expected)


CALLBACKS: dict[str, Callable[[], list[Callback]]] = {
    "none": list,
    "stops early": lambda: [nn.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True)],
    "waits": lambda: [nn.callbacks.EarlyStopping(patience=5, min_delta=0.5, restore_best_weights=True)],
    "plateau": lambda: [nn.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=1.0, factor=0.5)],
    "schedule": lambda: [nn.callbacks.LearningRateScheduler(lambda _epoch, rate: rate * 0.7)],
    "by batch": lambda: [nn.callbacks.TerminateOnNaN()],
    "saves": lambda: [nn.callbacks.ModelCheckpoint(lambda _epoch, _model: None, save_best_only=True)],
}


@pytest.mark.filterwarnings("ignore:The rows give:UserWarning")
@settings(max_examples=150, deadline=None)
@given(
    at=st.integers(0, 10_000),
    optimizer=st.sampled_from(["sgd", "adam", "rmsprop", "nadam", "lion", "adafactor"]),
    metrics=st.sets(st.sampled_from(["accuracy", "sparse_top_k_categorical_accuracy"])).map(sorted),
    callbacks=st.sampled_from(sorted(CALLBACKS)),
    shuffle=st.sampled_from([True, False, "batch"]),
    batch_size=st.sampled_from([1, 3, 8, 50, 400]),
    epochs=st.integers(2, 4),
    steps_per_epoch=st.sampled_from([None, 1, 7, 40]),
    weighted=st.booleans(),
)
def test_a_fit_goes_on_to_the_same_bits(
    at: int, optimizer: str, metrics: list[str], callbacks: str, weighted: bool, **options: Any
) -> None:
    if weighted:
        options["class_weight"] = {0: 0.5, 2: 3.0}
    check(lambda: (network(optimizer, metrics), CALLBACKS[callbacks]()), at, **options)


RICH = {
    "ema": lambda: nn.optimizers.Adam(use_ema=True, ema_overwrite_frequency=5, weight_decay=0.01, global_clipnorm=1.0),
    "accumulation": lambda: nn.optimizers.SGD(0.1, momentum=0.9, nesterov=True, gradient_accumulation_steps=4),
    "schedule": lambda: nn.optimizers.Adam(nn.optimizers.schedules.CosineDecay(0.01, 30)),
}


@pytest.mark.parametrize("name", [*nn.optimizers.REGISTRY.classes(), *RICH])
def test_every_optimizer_remembers_all_it_needs(name: str) -> None:
    made = RICH[name] if name in RICH else nn.optimizers.REGISTRY.classes()[name]
    check(lambda: (network(made()), []), 1)


@pytest.mark.parametrize("name", nn.metrics.REGISTRY.classes())
def test_every_metric_goes_on_in_the_middle_of_an_epoch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.nn.engine.batches.BLOCK_ROWS", 24)
    cls = nn.metrics.REGISTRY.classes()[name]
    make = functools.partial(cls, **arguments(cls))
    classes = bool(cls.takes_classes)
    check(lambda: (network(metrics=[make()], classes=classes), []), 2)


@pytest.mark.filterwarnings("ignore:The rows give:UserWarning")
@pytest.mark.parametrize("at", range(12))
def test_an_epoch_of_many_blocks_goes_on_after_any_of_them(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.nn.engine.batches.BLOCK_ROWS", 24)
    callbacks = CALLBACKS["waits"]
    check(lambda: (network(metrics=["accuracy"]), callbacks()), at, steps_per_epoch=11)


def test_an_undisturbed_fit_is_offered_every_border_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.nn.engine.batches.BLOCK_ROWS", 24)
    snapshots = Snapshots()
    fit(network(), snapshots, epochs=3, batch_size=1)
    places = [(state.epoch, state.step) for state in snapshots.states]
    assert places == sorted(set(places))
    assert {(1, 0), (2, 0)} < set(places)
    assert (3, 0) not in places


def state_at(place: int = 0) -> TrainingState:
    snapshots = Snapshots()
    fit(network(), snapshots, CALLBACKS["waits"]())
    return snapshots.states[place]


def changed(**fields: Any) -> TrainingState:
    state = state_at()
    return TrainingState(**{name: fields.get(name, getattr(state, name)) for name in TrainingState.__slots__})


MISMATCHES: dict[str, tuple[Callable[[], TrainingState], str]] = {
    "epoch": (lambda: changed(epoch=3), "state.epoch"),
    "step": (lambda: changed(step=10_000), "state.step"),
    "weights": (lambda: changed(arrays={}), "state.weights"),
    "optimizer": (
        lambda: changed(arrays={k: v for k, v in state_at().arrays.items() if "batches" not in k}),
        "state.optimizer",
    ),
    "objective": (lambda: changed(step=1), "state.objective"),
    "callbacks": (lambda: changed(meta={"callbacks": {}}), "state.callbacks.0"),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_a_state_of_another_fit_is_refused_before_anything_changes(name: str) -> None:
    make, place = MISMATCHES[name]
    model = network()
    model.build((None, 5))
    before = model.get_weights()
    model.resume_from(make())
    with pytest.raises(StateMismatch, match=place):
        fit(model, Snapshots(), CALLBACKS["waits"]())
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert len(fit(model, Snapshots(), CALLBACKS["waits"]())[1]["loss"]) == 3

"""The training of a bag: broken off anywhere it ends with the same bits, and a cancel keeps the members so far."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from service.data.datasets import Dataset
from service.data.features import prepare
from service.errors import Findings, TrainingFailed
from service.formats.checkpoints import pack_state, unpack_state
from service.formats.weights import unpack
from service.guards import TimeLimit
from service.jobs import CancelRequested, Keep
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.prediction.versions import LoadedVersion
from service.spec import TrainingRequest
from service.spec.data import DataSpec
from service.task.bag import seed_of
from service.training import salvage, train
from service.versions import NewVersion

RNG = np.random.default_rng(8)
X = RNG.normal(size=(60, 4)).astype(np.float32)
DATA = Dataset(X, (X[:, 0] ** 2 + X[:, 1] + RNG.normal(scale=0.1, size=60)).astype(np.float32))
DENSE = {"class_name": "Dense", "units": 6, "activation": "relu"}
STOPS = {"class_name": "EarlyStopping", "patience": 2, "restore_best_weights": True}
EPOCHS = 5
ASKED: dict[str, Any] = {
    "spec": {"layers": [DENSE, {"class_name": "Dropout", "rate": 0.2}, {"class_name": "Dense", "units": 1}]},
    "compile": {"optimizer": "adam", "loss": "mse", "metrics": ["mae"]},
    "fit": {"epochs": EPOCHS, "batch_size": 8, "seed": 4, "callbacks": [STOPS]},
    "data": {"split": {"folds": 3, "seed": 6}, "target": {"transform": "standardize"}},
}


class At(Callback):
    """Remembers the state of each resume point, and acts at one of them."""

    def __init__(self, number: int | None = None, act: Callable[[], None] = lambda: None) -> None:
        self.number, self.act = number, act
        self.states: list[TrainingState] = []
        self.epochs: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(epoch)

    def on_resume_point(self, epoch: int, step: int, capture: Callable[[], TrainingState]) -> None:
        state = capture()
        assert (state.epoch, state.step) == (epoch, step)
        self.states.append(unpack_state(pack_state(state)))
        if len(self.states) - 1 == self.number:
            self.act()


class Killed(BaseException):
    pass


def die() -> None:
    raise Killed


def made(watcher: Callback, states: Any = (), **fit: Any) -> NewVersion:
    asked = copy.deepcopy(ASKED)
    asked["fit"] |= fit
    return train(TrainingRequest.from_json_dict(asked), DATA, [watcher], states)


@pytest.fixture(scope="module")
def whole() -> tuple[NewVersion, At]:
    watcher = At()
    return made(watcher), watcher


def test_a_bag_that_is_broken_off_anywhere_ends_with_the_same_bits(whole: tuple[NewVersion, At]) -> None:
    expected, watcher = whole
    assert len(watcher.states) > 9
    for number in range(0, len(watcher.states), 2):
        broken = At(number, die)
        with pytest.raises(Killed):
            made(broken)
        result = made(At(), broken.states[::-1])
        assert result.sha256 == expected.sha256
        assert (result.history, result.score, result.metrics) == (expected.history, expected.score, expected.metrics)


def test_a_state_of_another_training_is_passed_over(whole: tuple[NewVersion, At]) -> None:
    expected, watcher = whole
    foreign = copy.deepcopy(watcher.states[-1])
    foreign.arrays["weights.0"] = np.zeros((9, 9), np.float32)
    without = copy.deepcopy(watcher.states[-1])
    without.meta["callbacks"] = {}
    assert made(At(), [foreign, without]).sha256 == expected.sha256


def test_who_watches_sees_the_epochs_of_all_members_one_after_the_other(whole: tuple[NewVersion, At]) -> None:
    version, watcher = whole
    assert watcher.epochs == sorted(set(watcher.epochs))
    members = {epoch // EPOCHS for epoch in watcher.epochs}
    assert members == {0, 1, 2}
    assert max(len(values) for values in version.history.values()) <= EPOCHS
    points = [(state.epoch, state.step) for state in watcher.states]
    assert points == sorted(set(points))


def test_each_member_is_the_network_of_its_own_seed_on_the_rows_of_the_other_folds(
    whole: tuple[NewVersion, At],
) -> None:
    version, _ = whole
    prepared = prepare(DATA, DataSpec.model_validate(ASKED["data"]), Findings(), classifies=False)
    assert prepared is not None
    assert prepared.folds is not None
    mean, deviation = DATA.y.astype(np.float64).mean(), DATA.y.astype(np.float64).std()
    y = ((DATA.y - mean) / deviation).astype(np.float32)
    for number in range(3):
        held = prepared.folds == number
        asked = copy.deepcopy(ASKED) | {"data": {"target": {"transform": "none"}}}
        asked["fit"]["seed"] = seed_of(number + 1, 4)
        rows = Dataset(X[~held], y[~held], validation=Dataset(X[held], y[held]))
        single = train(TrainingRequest.from_json_dict(asked), rows)
        own = [array for key, array in unpack(version.weights)[0].items() if key.startswith(f"member_{number + 1}/")]
        for ours, theirs in zip(own, unpack(single.weights)[0].values(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def cancelled(keep: Keep | None) -> Callable[[], None]:
    def act() -> None:
        raise CancelRequested(keep)

    return act


def second_member(watcher: At) -> int:
    return next(place for place, state in enumerate(watcher.states) if state.epoch >= EPOCHS and state.step == 0) + 1


@pytest.mark.parametrize("keep", [Keep.BEST, Keep.LAST])
def test_a_cancel_that_keeps_weights_leaves_a_bag_of_the_members_so_far(
    whole: tuple[NewVersion, At], keep: Keep
) -> None:
    version, watcher = whole
    partial = made(At(second_member(watcher), cancelled(keep)))
    assert (partial.partial, partial.members, version.members) == (True, 2, 3)
    first, of_whole = (
        {key: array for key, array in unpack(one.weights)[0].items() if key.startswith("member_1/")}
        for one in (partial, version)
    )
    assert all(np.array_equal(first[key], of_whole[key]) for key in of_whole)
    assert LoadedVersion(partial, partial.weights).predict(X).shape == (60, 1)
    with pytest.raises(CancelRequested):
        made(At(second_member(watcher), cancelled(None)))


@pytest.mark.parametrize("keep", [Keep.BEST, Keep.LAST])
def test_a_checkpoint_becomes_the_bag_that_a_cancel_would_have_left(whole: tuple[NewVersion, At], keep: Keep) -> None:
    _, watcher = whole
    place = second_member(watcher)
    heard = made(At(place, cancelled(keep)))
    saved = salvage(watcher.states[place], keep)
    assert (saved.sha256, saved.metrics, saved.members) == (heard.sha256, heard.metrics, 2)


def test_the_time_of_all_members_counts() -> None:
    now = 100.0
    limit = TimeLimit(10.0, spent=8.0, now=lambda: now)
    limit.on_train_begin()
    now += 1.5
    limit.on_test_block_end()
    assert limit.get_state() == {"seconds": 9.5}
    now += 1.0
    with pytest.raises(TrainingFailed, match="max_seconds"):
        limit.on_test_block_end()

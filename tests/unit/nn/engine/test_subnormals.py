"""Numbers below the normal range cost no training its time."""

import threading

import numpy as np
import pytest

from service import nn
from service.nn.engine import subnormals
from service.nn.engine.second_thread import SecondThread

TINY = np.finfo(np.float32).tiny
SMALL = np.full(3, 1e-30, np.float32)
pytestmark = pytest.mark.skipif(subnormals._LIBRARY is None, reason="other machines compute with them")


def product() -> float:
    """Of two numbers, below the normal range."""
    return float((SMALL * np.float32(1e-10)).max())


def test_inside_they_are_zeros_and_outside_they_are_not() -> None:
    assert 0 < product() < TINY
    with subnormals.flushed():
        assert product() == 0
    assert 0 < product() < TINY


def test_only_the_thread_that_asks_takes_them_for_zeros() -> None:
    found: list[float] = []
    with subnormals.flushed():
        before = threading.Thread(target=lambda: found.append(product()))
    before.start()
    before.join()
    assert found[0] > 0
    SecondThread().do(lambda: found.append(product()), lambda: found.append(product()))
    assert min(found) == 0
    assert max(found) > 0


def learnt_by_who_is_sure() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The sizes of the gradients of a network that is right, and sure of it."""
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(4, "relu"), nn.layers.Dense(1, "sigmoid")])
    model.compile(nn.optimizers.SGD(0.01), "binary_crossentropy")
    model.set_weights([np.full((2, 4), 1e-3), np.ones(4), np.full((4, 1), -21.0), np.zeros(1)])
    model.fit(np.full((8, 2), 1e-3, np.float32), np.zeros(8), batch_size=8, verbose=0)
    return np.abs(model.parameters.gradients)


def test_a_network_that_is_sure_leaves_no_gradients_below_the_normal_range(monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = learnt_by_who_is_sure()
    assert ((gradients == 0) | (gradients >= TINY)).all()
    assert product() > 0
    monkeypatch.setattr(subnormals, "_LIBRARY", None)
    gradients = learnt_by_who_is_sure()
    assert not ((gradients == 0) | (gradients >= TINY)).all()


def test_on_other_machines_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subnormals, "_LIBRARY", None)
    with subnormals.flushed():
        assert product() > 0

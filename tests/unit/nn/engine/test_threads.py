"""Threads change no result: those of one fit, those of fits side by side; and memory follows the rows."""

import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn.engine import blas
from service.nn.engine.second_thread import SecondThread
from service.nn.models import model_from_config

X = np.random.default_rng(2).normal(size=(300, 40)).astype(np.float32)
Y = X[:, :1] * X[:, 1:2]


@pytest.fixture
def split_early(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two threads also for little work."""
    monkeypatch.setattr(blas, "SMALL_WORK", 0)
    before = blas.threads()
    yield
    blas.set_threads(before)


def model_of(*layers: Any) -> nn.Sequential:
    model = nn.Sequential([nn.Input((40,)), *layers, nn.layers.Dense(1)])
    model.compile(nn.optimizers.SGD(0.01), "mse")
    return model


def learnt(start: nn.Sequential, threads: int) -> Any:
    blas.set_threads(threads)
    model = model_from_config(start.get_config())
    model.set_weights(start.get_weights())
    model.compile(nn.optimizers.SGD(0.01), "mse")
    losses = model.fit(X, Y, batch_size=300, epochs=5, shuffle=False, verbose=0).history["loss"]
    return losses, model.get_weights()


@pytest.mark.usefixtures("split_early")
@pytest.mark.parametrize(
    "name",
    ["BatchNormalization", "LayerNormalization", "RMSNormalization", "GroupNormalization", "UnitNormalization"],
)
def test_a_normalization_learns_the_same_on_two_threads(name: str) -> None:
    options = {"groups": 4} if name == "GroupNormalization" else {}
    layer = getattr(nn.layers, name)(**options)
    start = model_of(nn.layers.Dense(40, "relu"), layer, nn.layers.Dense(40, "tanh"))
    one, two = learnt(start, 1), learnt(start, 2)
    assert one[0] == pytest.approx(two[0], rel=1e-4)
    for first, second in zip(one[1], two[1], strict=True):
        np.testing.assert_allclose(first, second, atol=1e-4)


@pytest.mark.usefixtures("split_early")
def test_fits_side_by_side_learn_what_they_learn_alone() -> None:
    starts = [model_of(nn.layers.Dense(40 + number, "relu")) for number in range(4)]
    alone = [learnt(start, 2) for start in starts]
    together: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda number=number: together.update({number: learnt(starts[number], 2)}))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for number, (losses, weights) in enumerate(alone):
        assert together[number][0] == losses
        assert all(map(np.array_equal, together[number][1], weights))


def test_the_second_thread_serves_one_at_a_time() -> None:
    second_thread, inside, finish = SecondThread(), threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        inside.set()
        assert finish.wait(30)
        order.append("first")

    one = threading.Thread(target=second_thread.do, args=(first, lambda: None))
    one.start()
    assert inside.wait(30)
    two = threading.Thread(target=second_thread.do, args=(lambda: order.append("second"), lambda: order.append("here")))
    two.start()
    assert order == []
    finish.set()
    for thread in (one, two):
        thread.join(30)
    assert order[0] == "first"
    assert sorted(order[1:]) == ["here", "second"]


def test_a_batch_size_beyond_the_rows_takes_no_more_memory_than_the_rows() -> None:
    def peak(batch_size: int) -> int:
        model = model_of(nn.layers.Dense(8))
        tracemalloc.start()
        try:
            model.fit(X, Y, batch_size=batch_size, epochs=1, verbose=0)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(10**9) <= 1.5 * peak(len(X))

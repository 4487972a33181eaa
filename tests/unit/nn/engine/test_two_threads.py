"""A step in two halves on two threads."""

from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn import openblas
from service.nn.engine import blas
from service.nn.engine import two_threads as halves
from service.nn.engine.second_thread import SecondThread
from service.nn.models import model_from_config
from tests.support.networks import model_of, rows


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_two_halves_of_a_step_on_two_threads_learn_what_one_step_learns(
    monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    x, weights = rows(150, 200), np.linspace(0.5, 1.5, 150)
    first = nn.layers.Dense(200, "relu", kernel_regularizer="l2", kernel_initializer=nn.initializers.HeNormal(1))
    start = model_of(first, nn.layers.Dense(3, "softmax"), columns=200)
    monkeypatch.setattr(blas, "SMALL_WORK", 0)
    assert [threads for threads in range(1, 5) if halves.splits(start.network(), 65, threads)] == [2]
    before, results = blas.threads(), []
    try:
        for threads in (1, 2):
            blas.set_threads(threads)
            model = model_from_config(start.get_config())
            model.set_weights(start.get_weights())
            model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
            y = np.eye(3)[np.arange(150) % 3]
            fit: Any = {"epochs": 3, "batch_size": 65, "shuffle": False}
            history = model.fit(x, y, sample_weight=weights, **fit).history | model.fit(x, y, **fit).history
            results.append((history, model.get_weights()))
    finally:
        blas.set_threads(before)
    assert results[0][0]["loss"] == pytest.approx(results[1][0]["loss"], rel=1e-4)
    for one, two in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_work_beside_other_work_raises_what_failed_and_goes_on() -> None:
    second_thread, done = SecondThread(), []

    def fail() -> None:
        raise ArithmeticError("out of numbers")

    for there, here in ((fail, lambda: done.append("here")), (lambda: done.append("there"), fail)):
        with pytest.raises(ArithmeticError, match="out of numbers"):
            second_thread.do(there, here)
    second_thread.do(lambda: done.append("there"), lambda: None)
    assert done == ["here", "there", "there"]


def test_a_library_that_cannot_tell_its_threads_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openblas, "_LIBRARY", None)
    unknown = blas.Blas()
    with unknown.limited_to(2):
        assert unknown.threads() == 1

"""Passes of OpenBLAS over openblas, and what is done without them."""

import ctypes
from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn import openblas
from service.nn.initializers import Zeros
from service.nn.layers.dense import connect_transposed
from service.nn.optimizers import Optimizer
from service.nn.optimizers.updates import PIECE
from service.nn.variable import Parameters, Variable

Array = np.ndarray[Any, Any]
SIZE = 3 * PIECE + 5
untyped: Any = nn


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_pass_multiplies_and_adds_and_reads_its_numbers_anew(dtype: str) -> None:
    x, y = np.linspace(-1, 1, 99, dtype=dtype), np.linspace(3, 4, 99, dtype=dtype)
    expected, b = 2.5 * (0.25 * x - 2 * y) + x, openblas.scalar(dtype, -2)
    openblas.axpby(openblas.scalar(dtype, 0.25), x, b, y)()
    b.value = 2.5
    openblas.axpby(openblas.scalar(dtype, 1), x, b, y)()
    np.testing.assert_allclose(y, expected, rtol=1e-5)


def test_a_pass_keeps_its_memory_alive() -> None:
    x, y = np.ones(1000, np.float32), np.zeros(1000, np.float32)
    bound = openblas.axpby(openblas.scalar(np.float32, 2), x, openblas.scalar(np.float32), y)
    address = x.ctypes.data
    del x
    bound()
    assert (y == 2).all()
    assert (ctypes.c_float * 1000).from_address(address)[999] == 1


def test_only_numbers_of_one_or_two_words_are_offered() -> None:
    assert openblas.offered(np.float32)
    assert openblas.offered("float64")
    assert not openblas.offered(np.float16)
    assert openblas.function("no_such_function") is None


def test_a_small_gradient_through_a_transposed_copy_is_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    kernel, dz = (rng.normal(size=shape).astype(np.float32) for shape in ((64, 48), (40, 48)))
    copied, plain = np.empty((40, 64), np.float32), np.empty((40, 64), np.float32)
    times_transposed = connect_transposed(kernel, 40)
    kernel *= 2  # weights change from step to step
    times_transposed(dz, copied)
    monkeypatch.setattr(openblas, "offered", lambda dtype: False)
    connect_transposed(kernel, 40)(dz, plain)
    np.testing.assert_allclose(copied, plain, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(plain, dz @ kernel.T, rtol=1e-4, atol=1e-4)


def learnt(optimizer: Optimizer, dtype: Any, both: Any = None) -> Array:
    """Weights after a few steps along random gradients."""
    rng = np.random.default_rng(3)
    held = Parameters([Variable("v", rng.normal(size=SIZE).astype(dtype), initializer=Zeros())], dtype)
    optimizer.build(held)
    for _ in range(5):
        held.gradients[:] = rng.normal(size=SIZE)
        optimizer.step(both)
    return held.values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Adam", {}),
        ("AdamW", {"beta_1": 0.5, "epsilon": 0.1}),
        ("SGD", {}),
        ("SGD", {"momentum": 0.9}),
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("RMSprop", {"rho": 0.7}),
    ],
    ids=str,
)
def test_an_optimizer_learns_the_same_with_openblas_and_without(
    name: str, options: dict[str, Any], dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = learnt(getattr(untyped.optimizers, name)(0.01, **options), dtype)
    monkeypatch.setattr(openblas, "offered", lambda dtype: False)
    plain = learnt(getattr(untyped.optimizers, name)(0.01, **options), dtype)
    np.testing.assert_allclose(fast, plain, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam"])
def test_numbers_of_half_a_word_learn_without_openblas(name: str) -> None:
    assert np.isfinite(learnt(getattr(untyped.optimizers, name)(0.01), np.float16)).all()


@pytest.mark.parametrize("name", nn.optimizers.REGISTRY.classes())
def test_an_optimizer_learns_the_same_in_two_halves(name: str) -> None:
    calls: list[int] = []

    def both(there: Any, here: Any) -> None:
        calls.append(1)
        there()
        here()

    whole = learnt(getattr(untyped.optimizers, name)(0.01), np.float64)
    halves = learnt(getattr(untyped.optimizers, name)(0.01), np.float64, both)
    np.testing.assert_allclose(halves, whole, rtol=1e-12)
    assert len(calls) == (0 if nn.optimizers.REGISTRY.classes()[name].whole_variables else 5)

"""Optimizers: the fast forms equal the formulas, state can be taken out and put back."""

import math
from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn.initializers import Zeros
from service.nn.optimizers.optimizer import SWEEP_STEPS, TINY
from service.nn.variable import Parameters, Variable
from tests.support.networks import model_of, rows

untyped: Any = nn


def parameters(*shapes: tuple[int, ...]) -> Parameters:
    """Variables of these shapes with random values, in float64."""
    rng = np.random.default_rng(0)
    made = [Variable(f"v{i}", rng.normal(size=shape), initializer=Zeros()) for i, shape in enumerate(shapes)]
    return Parameters(made, np.float64)


def test_adam_equals_its_formula_over_many_pieces() -> None:
    held, rng = parameters((100, 200), (200,)), np.random.default_rng(1)
    optimizer = nn.optimizers.Adam(learning_rate=0.01)
    optimizer.build(held)
    w, m, v = held.values.copy(), np.zeros_like(held.values), np.zeros_like(held.values)
    for t in range(1, 20):
        g = rng.normal(size=w.size)
        held.gradients[:] = g
        optimizer.step()
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        w -= 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
    np.testing.assert_allclose(held.values, w, rtol=1e-10, atol=1e-12)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"use_ema": True},
    {"gradient_accumulation_steps": 2},
    {"clipnorm": 0.5, "weight_decay": 0.1},
]
CASES = [
    *((name, options) for name in nn.optimizers.REGISTRY.classes() for options in OPTIONS),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adam", {"amsgrad": True}),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_an_optimizer_continues_exactly_from_its_state(name: str, options: dict[str, Any]) -> None:
    cls, rng = nn.optimizers.REGISTRY.classes()[name], np.random.default_rng(2)
    gradients = rng.normal(size=(10, 15))
    whole, parts = parameters((4, 3), (3,)), parameters((4, 3), (3,))
    first, second, third = cls(**options), cls(**options), cls(**options)
    first.build(whole)
    second.build(parts)
    for g in gradients:
        whole.gradients[:] = g
        first.step()
    for g in gradients[:5]:
        parts.gradients[:] = g
        second.step()
    third.build(parts)
    third.set_state(second.get_state())
    for g in gradients[5:]:
        parts.gradients[:] = g
        third.step()
    np.testing.assert_array_equal(parts.values, whole.values)


def test_what_remains_of_a_slot_without_gradient_becomes_zero() -> None:
    held = parameters((3,))
    optimizer = nn.optimizers.Adam()
    optimizer.build(held)
    held.gradients[:] = 1e-30
    optimizer.step()
    held.gradients[:] = 0
    for _ in range(3 * SWEEP_STEPS):
        optimizer.step()
    slots = optimizer.get_state()
    assert (slots["momentum"] == 0).all()
    assert ((np.abs(slots["velocity"]) >= TINY) | (slots["velocity"] == 0)).all()


def test_weight_decay_spares_what_is_excluded() -> None:
    held = parameters((2, 2), (2,))
    optimizer = nn.optimizers.AdamW(weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["v1"])
    optimizer.build(held)
    before = held.values.copy()
    optimizer.step()
    np.testing.assert_array_equal(held.variables[1].value, before[4:])
    assert (np.abs(held.variables[0].value) < np.abs(before[:4].reshape(2, 2))).all()


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: nn.optimizers.Adam(learning_rate="fast"), "learning_rate"),
        (lambda: nn.optimizers.Adam(learning_rate=-1), "learning_rate"),
        (lambda: nn.optimizers.Adam(learning_rate=float("nan")), "learning_rate"),
        (lambda: nn.optimizers.Adam(beta_1=1.0), "beta_1"),
        (lambda: nn.optimizers.Adam(clipnorm=1.0, clipvalue=1.0), "clipvalue"),
        (lambda: untyped.optimizers.SGD(nesterov="yes"), "nesterov"),
        (lambda: nn.optimizers.Ftrl(learning_rate=0.0), "learning_rate"),
        (lambda: nn.optimizers.get({"class_name": "Adam", "learnig_rate": 1.0}), "learnig_rate"),
        (lambda: nn.optimizers.schedules.PiecewiseConstantDecay([1], [0.1]), "values"),
        (lambda: nn.optimizers.schedules.PiecewiseConstantDecay(["a"], [0.1, 0.2]), "boundaries"),
    ],
)
def test_a_wrong_argument_is_named(make: Any, argument: str) -> None:
    with pytest.raises(nn.ArgumentError) as caught:
        make()
    assert caught.value.argument == argument


def test_names_of_optimizers_may_be_in_any_case_and_whole_learning_rates_are_numbers() -> None:
    assert isinstance(nn.optimizers.get("RMSProp"), nn.optimizers.RMSprop)
    assert nn.optimizers.Adam(learning_rate=1).learning_rate == 1.0


def test_a_schedule_counts_batches() -> None:
    held = parameters((2,))
    schedule = nn.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.5])
    optimizer = nn.optimizers.SGD(learning_rate=schedule)
    optimizer.build(held)
    before = held.values.copy()
    held.gradients[:] = 1
    optimizer.step()
    optimizer.step()
    np.testing.assert_allclose(before - held.values, 1.5)


def test_weight_decay_is_the_second_argument_of_adamw() -> None:
    optimizer = nn.optimizers.AdamW(0.05, 0.1, 0.8)
    assert (optimizer.learning_rate, optimizer.weight_decay, optimizer.beta_1) == (0.05, 0.1, 0.8)


def test_a_learning_rate_may_be_written_as_a_schedule() -> None:
    written = {"class_name": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.5}
    optimizer = nn.optimizers.SGD(written)
    model = model_of(nn.layers.Dense(1), optimizer=optimizer)
    model.train_on_batch(rows(), np.ones(24))
    assert optimizer.current_learning_rate() == pytest.approx(0.05)
    state = optimizer.get_state()
    assert "learning_rate" not in state
    optimizer.build(model.parameters)
    optimizer.set_state(state)
    assert optimizer.current_learning_rate() == pytest.approx(0.05)


def test_muon_leaves_embeddings_to_adam_unless_told_otherwise() -> None:
    tables = []
    for exclude in (True, False):
        nn.utils.set_random_seed(1)
        layers = [nn.layers.Embedding(5, 2), nn.layers.Flatten(), nn.layers.Dense(1)]
        model = model_of(*layers, optimizer=nn.optimizers.Muon(0.1, exclude_embeddings=exclude))
        model.train_on_batch(np.ones((6, 4)), np.ones(6))
        tables.append(model.get_weights()[0])
    assert not np.allclose(tables[0], tables[1])

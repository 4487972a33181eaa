"""Regularizers, constraints, schedules and the initializers without chance."""

import pytest

from tests.parity.checking import assert_equal_to_keras, names


@pytest.mark.parametrize("name", names("formulas", "regularizer: "))
def test_a_penalty_and_its_gradient_equal_those_of_keras(name: str) -> None:
    """L1, L2, both, and orthogonality."""
    assert_equal_to_keras("formulas", name)


@pytest.mark.parametrize("name", names("formulas", "constraint: "))
def test_a_constraint_gives_the_weights_of_keras(name: str) -> None:
    """For a matrix and a vector."""
    assert_equal_to_keras("formulas", name)


@pytest.mark.parametrize("name", names("formulas", "schedule: "))
def test_a_schedule_gives_the_learning_rates_of_keras(name: str) -> None:
    """At sixty steps, boundaries and restarts included."""
    assert_equal_to_keras("formulas", name)


@pytest.mark.parametrize("name", names("formulas", "initializer: "))
def test_an_initializer_without_chance_gives_the_weights_of_keras(name: str) -> None:
    """Zeros, ones, constants, identities; and the orthogonality of the orthogonal one."""
    assert_equal_to_keras("formulas", name)

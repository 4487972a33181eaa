"""Losses: rows, reductions and derivatives."""

import pytest

from tests.parity.checking import assert_equal_to_keras, names


@pytest.mark.parametrize("name", names("losses"))
def test_a_loss_and_its_derivative_equal_those_of_keras(name: str) -> None:
    """With every reduction, from probabilities and from logits, by class and by name."""
    assert_equal_to_keras("losses", name)

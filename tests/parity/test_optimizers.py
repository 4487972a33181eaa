"""Optimizers: ten steps with every option."""

import pytest

from tests.parity.checking import assert_equal_to_keras, names


@pytest.mark.parametrize("name", names("optimizers"))
def test_ten_steps_of_an_optimizer_follow_keras(name: str) -> None:
    """The weights after steps 1, 2, 5 and 10, and every loss."""
    assert_equal_to_keras("optimizers", name)

"""Activations: value and gradient."""

import pytest

from tests.parity.checking import assert_equal_to_keras, names


@pytest.mark.parametrize("name", names("activations"))
def test_an_activation_and_its_gradient_equal_those_of_keras(name: str) -> None:
    """With default and other arguments, for ordinary and for large values."""
    assert_equal_to_keras("activations", name)

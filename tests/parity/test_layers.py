"""Layers: forward, backward and inference."""

import pytest

from tests.parity.checking import assert_equal_to_keras, names


@pytest.mark.parametrize("name", names("layers"))
def test_a_layer_computes_and_learns_as_in_keras(name: str) -> None:
    """Predictions, losses and weights round two steps of gradient descent."""
    assert_equal_to_keras("layers", name)

"""Callbacks whose work shows in numbers."""

import pytest

from tests.parity.checking import assert_equal_to_keras, names


@pytest.mark.parametrize("name", names("callbacks"))
def test_a_callback_does_what_it_does_in_keras(name: str) -> None:
    """History, weights, files and the order of calls."""
    assert_equal_to_keras("callbacks", name)

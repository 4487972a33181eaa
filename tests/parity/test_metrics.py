"""Metrics: the result after each update."""

import pytest

from tests.parity.checking import assert_equal_to_keras, names


@pytest.mark.parametrize("name", names("metrics"))
def test_a_metric_equals_that_of_keras_after_every_update(name: str) -> None:
    """Unweighted, weighted, and after a reset."""
    assert_equal_to_keras("metrics", name)

"""Generated trainings."""

import pytest

from tests.parity.checking import assert_equal_to_keras, names


@pytest.mark.parametrize("name", names("architectures"))
def test_a_generated_training_follows_keras(name: str) -> None:
    """Layers, losses, optimizers, weights, clipping and schedules, mixed."""
    assert_equal_to_keras("architectures", name)

"""What activations can give: the table is true of the library."""

import numpy as np
import pytest

from service.checks.ranges import RANGES, threshold_of
from service.nn.activations import REGISTRY

X = np.linspace(-9, 9, 400, dtype=np.float32).reshape(100, 4)


@pytest.mark.parametrize("name", REGISTRY.names())
def test_outputs_lie_in_the_range_of_their_activation(name: str) -> None:
    low, high = RANGES.get(name, (-np.inf, np.inf))
    y = REGISTRY.get(name)(X)
    assert low <= y.min()
    assert y.max() <= high


@pytest.mark.parametrize("name", ["sigmoid", "hard_sigmoid", "sparse_sigmoid", "log_sigmoid", "tanh", "softsign", None])
def test_one_output_turns_to_the_second_class_where_its_input_turns_positive(name: str | None) -> None:
    y = REGISTRY.get(name)(np.array([-0.1, 0.1], np.float32))
    assert (y > threshold_of(name)).tolist() == [False, True]

"""The default type of numbers, and the small functions of `utils`."""

import random

import numpy as np
import pytest

from service import nn


def test_to_categorical_and_normalize() -> None:
    np.testing.assert_array_equal(nn.utils.to_categorical([0, 2]), [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(nn.utils.to_categorical([[1]], 2), [[0, 1]])
    with pytest.raises(nn.ArgumentError, match="class indices from 0 to 1"):
        nn.utils.to_categorical([2], 2)
    np.testing.assert_allclose(nn.utils.normalize([[3.0, 4.0], [0.0, 0.0]]), [[0.6, 0.8], [0.0, 0.0]])


def test_floatx_is_float32_or_float64() -> None:
    with pytest.raises(ValueError, match="float32"):
        nn.config.set_floatx("float16")  # type: ignore[arg-type]


def test_a_seed_is_that_of_python_and_numpy_too() -> None:
    """As in Keras: a script that draws its data afterwards draws the same again."""
    drawn = []
    for _ in range(2):
        nn.utils.set_random_seed(7)
        drawn.append((random.random(), np.random.rand(3).tolist()))
    assert drawn[0] == drawn[1]
    with pytest.raises(nn.ArgumentError, match="seed"):
        nn.utils.set_random_seed(-1)

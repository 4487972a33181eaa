"""Noise: as much of it as a layer's rate says, and the same at the same step."""

import numpy as np
import pytest

from service import nn
from service.nn.randomness import NOISE, Stream


@pytest.mark.parametrize("rate", [0.001, 0.2, 0.5, 0.9, 1])
@pytest.mark.parametrize("shape", [(1000, 999), (999, 1)])
def test_a_dropout_drops_the_share_that_its_rate_says_and_scales_the_rest(rate: float, shape: tuple[int, int]) -> None:
    y = nn.layers.Dropout(rate, seed=1)(np.ones(shape, np.float32), True)

    kept = y[y != 0]
    assert abs(y.size - kept.size - rate * y.size) <= 5 * np.sqrt(y.size * rate * (1 - rate))
    np.testing.assert_array_equal(kept, np.float32(1 / (1 - rate)) if kept.size else kept)


def test_a_step_has_the_same_numbers_whatever_was_drawn_before() -> None:
    stream = Stream(5, NOISE, 2)
    expected = Stream(5, NOISE, 2).at(7).random(100)

    stream.at(3).random(11, np.float32)
    np.testing.assert_array_equal(stream.at(7).random(100), expected)
    np.testing.assert_array_equal(stream.at(7).random(100), expected)
    assert not np.isin(Stream(5, NOISE, 3).at(7).random(100), expected).any()


@pytest.mark.parametrize("apart", [1, 2, 64, 1 << 20])
def test_the_numbers_of_two_steps_have_nothing_in_common(apart: int) -> None:
    stream = Stream(0, NOISE)

    one, other = (stream.at(step).bit_generator.random_raw(10_000) for step in (10, 10 + apart))

    same = np.unpackbits((~(one ^ other)).view(np.uint8)).reshape(-1, 64).mean(0)
    assert np.abs(same - 0.5).max() < 5 * 0.5 / np.sqrt(len(one))
    assert len(np.intersect1d(one, other)) == 0

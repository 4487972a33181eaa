"""Random initializers: the distribution, since the draws themselves are each library's own."""

import math

import numpy as np
import pytest

from tests.parity.cases.initializers import CASES, SHAPES
from tests.parity.engine import OurEngine
from tests.parity.recording import flatten, load

NORMAL = {"RandomNormal", "untruncated_normal"}
"""Without bounds: the extremes of a draw vary by a good part of a standard deviation."""


@pytest.mark.parametrize("name", CASES)
def test_a_random_initializer_draws_from_the_distribution_of_keras(name: str) -> None:
    """Two draws of 100,000 agree: in the mean within 6 standard errors, in the spread within 2 %."""
    received = flatten(CASES[name](OurEngine()))
    for kind, recorded in load("initializers")[name].items():
        mean, deviation, least, greatest, right_shape = received[kind].tolist()
        expected = recorded.tolist()
        slack = 6 * expected[1] * (2 / math.prod(SHAPES[kind])) ** 0.5
        assert right_shape == 1, kind
        assert mean == pytest.approx(expected[0], abs=slack), kind
        assert deviation == pytest.approx(expected[1], rel=0.02), kind
        reach = 1.5 if any(word in name for word in NORMAL) else 0.02
        assert least == pytest.approx(expected[2], abs=reach * expected[1]), kind
        assert greatest == pytest.approx(expected[3], abs=reach * expected[1]), kind


@pytest.mark.parametrize("name", CASES)
def test_a_seed_gives_the_same_draw_again(name: str) -> None:
    """As an initializer with a whole number for a seed does in Keras."""
    first, second = (flatten(CASES[name](OurEngine())) for _ in range(2))
    assert all(np.array_equal(first[kind], second[kind]) for kind in SHAPES)

"""Initializers: their seeds and their shapes."""

from typing import Any

import numpy as np
import pytest

from service import nn


@pytest.mark.parametrize("name", nn.initializers.REGISTRY.classes())
def test_a_seeded_initializer_gives_the_same_values_each_time(name: str) -> None:
    cls: Any = nn.initializers.REGISTRY.classes()[name]
    seeded = cls(seed=3) if "seed" in cls.__dataclass_fields__ else cls()
    first, second = seeded((4, 4)), seeded((4, 4))
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, second)


def test_initializers_of_matrices_refuse_vectors() -> None:
    for name in ("identity", "orthogonal"):
        with pytest.raises(nn.ArgumentError, match="two-dimensional"):
            nn.initializers.get(name)((3,))


def test_set_random_seed_decides_the_weights_of_the_next_models() -> None:
    def weights() -> list[Any]:
        nn.utils.set_random_seed(5)
        pair = [nn.Sequential([nn.Input((3,)), nn.layers.Dense(2)]) for _ in range(2)]
        return [model.get_weights()[0] for model in pair]

    first, second = weights(), weights()
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])

"""Random numbers as a function of (seed, purpose, position), never of what was drawn before."""

import os
import random

import numpy as np

from service.nn.arguments import ArgumentError

WEIGHTS, ORDER, NOISE, SPLIT = range(4)

_APART = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""The golden ratio of all that PCG64 draws, as in its `jumped`: places a power of two apart would be alike."""

_seeds: np.random.SeedSequence | None = None


def generator(seed: int, purpose: int, *position: int) -> np.random.Generator:
    """Returns the random stream of one place: the same arguments give the same numbers."""
    return np.random.default_rng([seed, purpose, *position])


class Stream:
    """The random numbers of each step at one place: those of a step are had again by asking for it again."""

    def __init__(self, seed: int, purpose: int, *position: int) -> None:
        self._bits = np.random.PCG64([seed, purpose, *position])
        self._start = self._bits.state
        self._generator = np.random.Generator(self._bits)

    def at(self, step: int) -> np.random.Generator:
        """The generator where the numbers of this step begin, which the next call moves on."""
        self._bits.state = self._start
        self._bits.advance(step * _APART)
        return self._generator


def set_random_seed(seed: int) -> None:
    """Lets every model made from now on have a seed that follows from this one; seeds `random` and `numpy.random`."""
    global _seeds  # noqa: PLW0603 (Keras's own global)
    if not 0 <= seed < 2**32:
        raise ArgumentError("seed", "an integer >= 0 and < 4294967296", seed)
    random.seed(int(seed))
    np.random.seed(int(seed))  # scripts draw their data from it
    _seeds = np.random.SeedSequence(seed)


def next_seed() -> int:
    """The seed of the next model: from `set_random_seed` if it was called, else from the system."""
    if _seeds is None:
        return int.from_bytes(os.urandom(6), "little")
    return int(_seeds.spawn(1)[0].generate_state(1)[0])

"""Random numbers as a function of (seed, purpose, position), never of what was drawn before."""

import os

import numpy as np

WEIGHTS, ORDER, NOISE, SPLIT = range(4)

_seeds: np.random.SeedSequence | None = None


def generator(seed: int, purpose: int, *position: int) -> np.random.Generator:
    """The stream that belongs to one place: the same arguments give the same numbers."""
    return np.random.default_rng([seed, purpose, *position])


def set_random_seed(seed: int) -> None:
    """Lets every model made from now on have a seed that follows from this one."""
    global _seeds  # noqa: PLW0603 (Keras's own global)
    _seeds = np.random.SeedSequence(seed)


def next_seed() -> int:
    """The seed of the next model: from `set_random_seed` if it was called, else from the system."""
    if _seeds is None:
        return int.from_bytes(os.urandom(6), "little")
    return int(_seeds.spawn(1)[0].generate_state(1)[0])

"""Keras's initializers as specs. Made by client/generate.py from the signatures of the service."""

from typing import Any

from fitd.keras.specs import Spec


class Initializer(Spec):
    """The parent of all initializers."""


class Constant(Initializer):
    """`value` everywhere."""

    def __init__(self, value: Any = 0.0) -> None:
        super().__init__(value=value)


class ConvexCombination(Initializer):
    """Biases by which the zero of each unit lies at a random mixture of `points` training rows."""

    def __init__(self, points: Any = 5, seed: Any = None) -> None:
        super().__init__(points=points, seed=seed)


class GlorotNormal(Initializer):
    """Truncated normal of variance 2 / (fan_in + fan_out)."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed=seed)


class GlorotUniform(Initializer):
    """Uniform within +-sqrt(6 / (fan_in + fan_out))."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed=seed)


class HeNormal(Initializer):
    """Truncated normal of variance 2 / fan_in."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed=seed)


class HeUniform(Initializer):
    """Uniform within +-sqrt(6 / fan_in)."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed=seed)


class Identity(Initializer):
    """`gain` on the diagonal, zero elsewhere; two-dimensional weights only."""

    def __init__(self, gain: Any = 1.0) -> None:
        super().__init__(gain=gain)


class LecunNormal(Initializer):
    """Truncated normal of variance 1 / fan_in."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed=seed)


class LecunUniform(Initializer):
    """Uniform within +-sqrt(3 / fan_in)."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed=seed)


class Ones(Initializer):
    """One everywhere."""


class Orthogonal(Initializer):
    """`gain` times a random matrix with orthonormal rows or columns."""

    def __init__(self, gain: Any = 1.0, seed: Any = None) -> None:
        super().__init__(gain=gain, seed=seed)


class RandomNormal(Initializer):
    """Normal distribution."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None) -> None:
        super().__init__(mean=mean, stddev=stddev, seed=seed)


class RandomSigns(Initializer):
    """+1 or -1, each with probability 1/2 (Wen et al. 2020, "BatchEnsemble")."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed=seed)


class RandomUniform(Initializer):
    """Uniform distribution over [minval, maxval)."""

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: Any = None) -> None:
        super().__init__(minval=minval, maxval=maxval, seed=seed)


class TruncatedNormal(Initializer):
    """Normal distribution without the values beyond two standard deviations."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None) -> None:
        super().__init__(mean=mean, stddev=stddev, seed=seed)


class UnitVariance(Initializer):
    """Standard normal kernels, each unit divided by the deviation of its outputs over the training rows."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed=seed)


class VarianceScaling(Initializer):
    """Mean 0 and variance scale / n, where n is fan_in, fan_out or their mean."""

    def __init__(
        self, scale: Any = 1.0, mode: Any = "fan_in", distribution: Any = "truncated_normal", seed: Any = None
    ) -> None:
        super().__init__(scale=scale, mode=mode, distribution=distribution, seed=seed)


class Zeros(Initializer):
    """Zero everywhere."""


__all__ = [
    "Constant",
    "ConvexCombination",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomSigns",
    "RandomUniform",
    "TruncatedNormal",
    "UnitVariance",
    "VarianceScaling",
    "Zeros",
]

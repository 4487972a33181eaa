"""Keras's regularizers as specs. Made by client/generate.py from the signatures of the service."""

from typing import Any

from fitd.keras.specs import Spec


class Regularizer(Spec):
    """The parent of all regularizers."""


class L1(Regularizer):
    """l1 * sum |w|."""

    def __init__(self, l1: Any = 0.01) -> None:
        super().__init__(l1=l1)


class L1L2(Regularizer):
    """l1 * sum |w| + l2 * sum w^2."""

    def __init__(self, l1: Any = 0.0, l2: Any = 0.0) -> None:
        super().__init__(l1=l1, l2=l2)


class L2(Regularizer):
    """l2 * sum w^2 (without one half)."""

    def __init__(self, l2: Any = 0.01) -> None:
        super().__init__(l2=l2)


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean absolute cosine between different rows (or columns) of a matrix."""

    def __init__(self, factor: Any = 0.01, mode: Any = "rows") -> None:
        super().__init__(factor=factor, mode=mode)


__all__ = ["L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer"]

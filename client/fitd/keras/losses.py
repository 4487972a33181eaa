"""Keras's losses as specs. Made by client/generate.py from the signatures of the service."""

from typing import Any

from fitd.keras.specs import Spec


class Loss(Spec):
    """The parent of all losses."""


class BinaryCrossentropy(Loss):
    """mean -(y log p + (1 - y) log(1 - p)); label smoothing s makes y(1 - s) + s / 2 of the targets."""

    def __init__(
        self,
        from_logits: Any = False,
        label_smoothing: Any = 0.0,
        axis: Any = -1,
        reduction: Any = "sum_over_batch_size",
        name: Any = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class BinaryFocalCrossentropy(Loss):
    """mean (1 - p_t)^gamma times the binary cross-entropy, p_t the probability of the truth (Lin et al. 2017)."""

    def __init__(
        self,
        apply_class_balancing: Any = False,
        alpha: Any = 0.25,
        gamma: Any = 2.0,
        from_logits: Any = False,
        label_smoothing: Any = 0.0,
        axis: Any = -1,
        reduction: Any = "sum_over_batch_size",
        name: Any = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class CategoricalCrossentropy(Loss):
    """-sum y log p; label smoothing s makes y(1 - s) + s / classes of the one-hot targets."""

    def __init__(
        self,
        from_logits: Any = False,
        label_smoothing: Any = 0.0,
        axis: Any = -1,
        reduction: Any = "sum_over_batch_size",
        name: Any = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class CategoricalFocalCrossentropy(Loss):
    """-sum alpha (1 - p)^gamma y log p."""

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: Any = 2.0,
        from_logits: Any = False,
        label_smoothing: Any = 0.0,
        axis: Any = -1,
        reduction: Any = "sum_over_batch_size",
        name: Any = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class CategoricalGeneralizedCrossEntropy(Loss):
    """(1 - p[y]^q) / q, between cross-entropy (q -> 0) and absolute error (q = 1) (Zhang & Sabuncu 2018)."""

    def __init__(
        self,
        q: Any = 0.5,
        reduction: Any = "sum_over_batch_size",
        name: Any = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(q=q, reduction=reduction, name=name, dtype=dtype)


class CategoricalHinge(Loss):
    """max(n - s + 1, 0), s the score of the true class and n the best score of the others."""

    def __init__(
        self, reduction: Any = "sum_over_batch_size", name: Any = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


class CosineSimilarity(Loss):
    """- sum (y / |y|) (p / |p|) along `axis`: -1 is the same direction."""

    def __init__(
        self, axis: Any = -1, reduction: Any = "sum_over_batch_size", name: Any = "cosine_similarity", dtype: Any = None
    ) -> None:
        super().__init__(axis=axis, reduction=reduction, name=name, dtype=dtype)


class Hinge(Loss):
    """mean max(1 - y p, 0)."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: Any = "hinge", dtype: Any = None) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


class Huber(Loss):
    """mean of e^2 / 2 for |e| <= delta, delta |e| - delta^2 / 2 beyond (Huber 1964)."""

    def __init__(
        self, delta: Any = 1.0, reduction: Any = "sum_over_batch_size", name: Any = "huber_loss", dtype: Any = None
    ) -> None:
        super().__init__(delta=delta, reduction=reduction, name=name, dtype=dtype)


class KLDivergence(Loss):
    """sum y log(y / p), both kept within [1e-7, 1]."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: Any = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


class LogCosh(Loss):
    """mean log cosh (p - y)."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: Any = "log_cosh", dtype: Any = None) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


class MeanAbsoluteError(Loss):
    """mean |y - p|."""

    def __init__(
        self, reduction: Any = "sum_over_batch_size", name: Any = "mean_absolute_error", dtype: Any = None
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


class MeanAbsolutePercentageError(Loss):
    """100 mean |y - p| / max(|y|, 1e-7)."""

    def __init__(
        self, reduction: Any = "sum_over_batch_size", name: Any = "mean_absolute_percentage_error", dtype: Any = None
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


class MeanSquaredError(Loss):
    """mean (y - p)^2."""

    def __init__(
        self, reduction: Any = "sum_over_batch_size", name: Any = "mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


class MeanSquaredLogarithmicError(Loss):
    """mean (log(max(y, 1e-7) + 1) - log(max(p, 1e-7) + 1))^2."""

    def __init__(
        self, reduction: Any = "sum_over_batch_size", name: Any = "mean_squared_logarithmic_error", dtype: Any = None
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


class Poisson(Loss):
    """mean p - y log(p + 1e-7)."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: Any = "poisson", dtype: Any = None) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


class SparseCategoricalCrossentropy(Loss):
    """-log p[y] for class indices y; rows of `ignore_class` do not count."""

    def __init__(
        self,
        from_logits: Any = False,
        ignore_class: Any = None,
        reduction: Any = "sum_over_batch_size",
        axis: Any = -1,
        name: Any = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            from_logits=from_logits, ignore_class=ignore_class, reduction=reduction, axis=axis, name=name, dtype=dtype
        )


class SquaredHinge(Loss):
    """mean max(1 - y p, 0)^2."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: Any = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)


__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]

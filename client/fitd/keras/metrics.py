"""Keras's metrics as specs. Made by client/generate.py from the signatures of the service."""

from typing import Any

from fitd.keras.specs import Spec


class Metric(Spec):
    """The parent of all metrics."""


class AUC(Metric):
    """Area under the ROC or precision-recall curve, by a Riemann sum over `num_thresholds` as in Keras."""

    def __init__(
        self,
        num_thresholds: Any = 200,
        curve: Any = "ROC",
        summation_method: Any = "interpolation",
        name: Any = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: Any = False,
        num_labels: Any = None,
        label_weights: Any = None,
        from_logits: Any = False,
    ) -> None:
        super().__init__(
            num_thresholds=num_thresholds,
            curve=curve,
            summation_method=summation_method,
            name=name,
            dtype=dtype,
            thresholds=thresholds,
            multi_label=multi_label,
            num_labels=num_labels,
            label_weights=label_weights,
            from_logits=from_logits,
        )


class Accuracy(Metric):
    """Share of outputs that equal the target exactly; compile's "accuracy" means another, chosen by shape."""

    def __init__(self, name: Any = "accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class BinaryAccuracy(Metric):
    """Share of outputs on the target's side of `threshold`."""

    def __init__(self, name: Any = "binary_accuracy", dtype: Any = None, threshold: Any = 0.5) -> None:
        super().__init__(name=name, dtype=dtype, threshold=threshold)


class BinaryCrossentropy(Metric):
    """mean -(y log p + (1 - y) log(1 - p))."""

    def __init__(
        self, name: Any = "binary_crossentropy", dtype: Any = None, from_logits: Any = False, label_smoothing: Any = 0
    ) -> None:
        super().__init__(name=name, dtype=dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalAccuracy(Metric):
    """Share of rows whose largest output is at the one of the one-hot target."""

    def __init__(self, name: Any = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class CategoricalCrossentropy(Metric):
    """mean -sum y log p of one-hot targets."""

    def __init__(
        self,
        name: Any = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: Any = False,
        label_smoothing: Any = 0,
        axis: Any = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalHinge(Metric):
    """mean max(n - s + 1, 0), s the score of the true class and n the best of the others."""

    def __init__(self, name: Any = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class ConcordanceCorrelation(Metric):
    """mean over rows of Lin's concordance along `axis`: correlation that also asks for equal mean and spread."""

    def __init__(self, name: Any = "concordance_correlation", dtype: Any = None, axis: Any = -1) -> None:
        super().__init__(name=name, dtype=dtype, axis=axis)


class CosineSimilarity(Metric):
    """mean of the cosine between target and prediction: 1 is the same direction."""

    def __init__(self, name: Any = "cosine_similarity", dtype: Any = None, axis: Any = -1) -> None:
        super().__init__(name=name, dtype=dtype, axis=axis)


class F1Score(Metric):
    """The harmonic mean of precision and recall, for each class unless averaged."""

    def __init__(self, average: Any = None, threshold: Any = None, name: Any = "f1_score", dtype: Any = None) -> None:
        super().__init__(average=average, threshold=threshold, name=name, dtype=dtype)


class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), for each class unless averaged."""

    def __init__(
        self, average: Any = None, beta: Any = 1.0, threshold: Any = None, name: Any = "fbeta_score", dtype: Any = None
    ) -> None:
        super().__init__(average=average, beta=beta, threshold=threshold, name=name, dtype=dtype)


class FalseNegatives(Metric):
    """How many positives were called negative."""

    def __init__(self, thresholds: Any = None, name: Any = None, dtype: Any = None) -> None:
        super().__init__(thresholds=thresholds, name=name, dtype=dtype)


class FalsePositives(Metric):
    """How many negatives were called positive."""

    def __init__(self, thresholds: Any = None, name: Any = None, dtype: Any = None) -> None:
        super().__init__(thresholds=thresholds, name=name, dtype=dtype)


class Hinge(Metric):
    """mean max(1 - y p, 0)."""

    def __init__(self, name: Any = "hinge", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class KLDivergence(Metric):
    """mean of sum y log(y / p)."""

    def __init__(self, name: Any = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class LogCoshError(Metric):
    """mean log cosh (p - y)."""

    def __init__(self, name: Any = "logcosh", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class MeanAbsoluteError(Metric):
    """mean |y - p|."""

    def __init__(self, name: Any = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class MeanAbsolutePercentageError(Metric):
    """100 mean |y - p| / max(|y|, 1e-7)."""

    def __init__(self, name: Any = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class MeanSquaredError(Metric):
    """mean (y - p)^2."""

    def __init__(self, name: Any = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class MeanSquaredLogarithmicError(Metric):
    """mean (log(y + 1) - log(p + 1))^2."""

    def __init__(self, name: Any = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class PearsonCorrelation(Metric):
    """mean over rows of the correlation along `axis`."""

    def __init__(self, name: Any = "pearson_correlation", dtype: Any = None, axis: Any = -1) -> None:
        super().__init__(name=name, dtype=dtype, axis=axis)


class Poisson(Metric):
    """mean p - y log p."""

    def __init__(self, name: Any = "poisson", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class Precision(Metric):
    """tp / (tp + fp)."""

    def __init__(
        self, thresholds: Any = None, top_k: Any = None, class_id: Any = None, name: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(thresholds=thresholds, top_k=top_k, class_id=class_id, name=name, dtype=dtype)


class PrecisionAtRecall(Metric):
    """The best precision where recall is at least `recall`."""

    def __init__(
        self, recall: Any, num_thresholds: Any = 200, class_id: Any = None, name: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(recall=recall, num_thresholds=num_thresholds, class_id=class_id, name=name, dtype=dtype)


class R2Score(Metric):
    """1 - squared error / variance of the target, for each output, then aggregated."""

    def __init__(
        self,
        class_aggregation: Any = "uniform_average",
        num_regressors: Any = 0,
        name: Any = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(class_aggregation=class_aggregation, num_regressors=num_regressors, name=name, dtype=dtype)


class Recall(Metric):
    """tp / (tp + fn)."""

    def __init__(
        self, thresholds: Any = None, top_k: Any = None, class_id: Any = None, name: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(thresholds=thresholds, top_k=top_k, class_id=class_id, name=name, dtype=dtype)


class RecallAtPrecision(Metric):
    """The best recall where precision is at least `precision`."""

    def __init__(
        self, precision: Any, num_thresholds: Any = 200, class_id: Any = None, name: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(precision=precision, num_thresholds=num_thresholds, class_id=class_id, name=name, dtype=dtype)


class RootMeanSquaredError(Metric):
    """sqrt(mean (y - p)^2)."""

    def __init__(self, name: Any = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class SensitivityAtSpecificity(Metric):
    """The best sensitivity where specificity is at least `specificity`."""

    def __init__(
        self, specificity: Any, num_thresholds: Any = 200, class_id: Any = None, name: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(
            specificity=specificity, num_thresholds=num_thresholds, class_id=class_id, name=name, dtype=dtype
        )


class SparseCategoricalAccuracy(Metric):
    """Share of rows whose largest output is at the target's class index."""

    def __init__(self, name: Any = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class SparseCategoricalCrossentropy(Metric):
    """mean -log p[y] of class indices."""

    def __init__(
        self,
        name: Any = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: Any = False,
        ignore_class: Any = None,
        axis: Any = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)


class SparseTopKCategoricalAccuracy(Metric):
    """Share of rows whose class index is among the k largest outputs, or in the first k of sorted class ids."""

    def __init__(
        self,
        k: Any = 5,
        name: Any = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: Any = False,
    ) -> None:
        super().__init__(k=k, name=name, dtype=dtype, from_sorted_ids=from_sorted_ids)


class SpecificityAtSensitivity(Metric):
    """The best specificity where sensitivity is at least `sensitivity`."""

    def __init__(
        self, sensitivity: Any, num_thresholds: Any = 200, class_id: Any = None, name: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(
            sensitivity=sensitivity, num_thresholds=num_thresholds, class_id=class_id, name=name, dtype=dtype
        )


class SquaredHinge(Metric):
    """mean max(1 - y p, 0)^2."""

    def __init__(self, name: Any = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)


class TopKCategoricalAccuracy(Metric):
    """Share of rows whose class is among the k largest outputs; one-hot targets."""

    def __init__(self, k: Any = 5, name: Any = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(k=k, name=name, dtype=dtype)


class TrueNegatives(Metric):
    """How many negatives were called negative."""

    def __init__(self, thresholds: Any = None, name: Any = None, dtype: Any = None) -> None:
        super().__init__(thresholds=thresholds, name=name, dtype=dtype)


class TruePositives(Metric):
    """How many positives were called positive."""

    def __init__(self, thresholds: Any = None, name: Any = None, dtype: Any = None) -> None:
        super().__init__(thresholds=thresholds, name=name, dtype=dtype)


__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
]

"""Texts that name things, such as `"mse"` or `"HeNormal"`: which Keras takes, and what it takes them for."""

import inspect
from typing import Any

from tests.parity.cases.data import words

TEXTS: dict[str, list[str]] = {
    "activations": words(
        "relu leaky_relu relu6 softmax celu elu selu softplus softsign squareplus soft_shrink sparse_plus silu "
        "swish gelu glu tanh tanh_shrink threshold sigmoid sparse_sigmoid exponential hard_sigmoid hard_silu "
        "hard_swish hard_tanh hard_shrink linear mish log_softmax log_sigmoid sparsemax"
    ),
    "initializers": words(
        "zeros zero Zeros ones one Ones normal random_normal RandomNormal uniform random_uniform RandomUniform "
        "truncated_normal TruncatedNormal variance_scaling VarianceScaling glorot_uniform GlorotUniform "
        "glorot_normal GlorotNormal he_uniform HeUniform he_normal HeNormal lecun_uniform LecunUniform "
        "lecun_normal LecunNormal orthogonal Orthogonal identity Identity"
    ),
    "regularizers": words("l1 L1 l2 L2 l1l2 L1L2 orthogonal_regularizer OrthogonalRegularizer"),
    "constraints": words("max_norm MaxNorm non_neg NonNeg unit_norm UnitNorm min_max_norm MinMaxNorm"),
    "losses": words(
        "mse MSE mean_squared_error MeanSquaredError mae MAE mean_absolute_error MeanAbsoluteError mape MAPE "
        "mean_absolute_percentage_error MeanAbsolutePercentageError msle MSLE mean_squared_logarithmic_error "
        "MeanSquaredLogarithmicError cosine_similarity CosineSimilarity huber Huber log_cosh LogCosh hinge Hinge "
        "squared_hinge SquaredHinge categorical_hinge CategoricalHinge kld KLD kl_divergence KLDivergence poisson "
        "Poisson bce BCE binary_crossentropy BinaryCrossentropy binary_focal_crossentropy "
        "BinaryFocalCrossentropy categorical_crossentropy CategoricalCrossentropy categorical_focal_crossentropy "
        "CategoricalFocalCrossentropy sparse_categorical_crossentropy SparseCategoricalCrossentropy"
    ),
    "metrics": words(
        "mse MSE mean_squared_error MeanSquaredError mae MAE mean_absolute_error MeanAbsoluteError mape MAPE "
        "mean_absolute_percentage_error MeanAbsolutePercentageError msle MSLE mean_squared_logarithmic_error "
        "MeanSquaredLogarithmicError root_mean_squared_error RootMeanSquaredError cosine_similarity "
        "CosineSimilarity log_cosh_error LogCoshError r2_score R2Score pearson_correlation PearsonCorrelation "
        "concordance_correlation ConcordanceCorrelation kl_divergence KLDivergence poisson Poisson bce BCE "
        "binary_crossentropy BinaryCrossentropy categorical_crossentropy CategoricalCrossentropy "
        "sparse_categorical_crossentropy SparseCategoricalCrossentropy hinge Hinge squared_hinge SquaredHinge "
        "categorical_hinge CategoricalHinge accuracy Accuracy binary_accuracy BinaryAccuracy "
        "categorical_accuracy CategoricalAccuracy sparse_categorical_accuracy SparseCategoricalAccuracy "
        "top_k_categorical_accuracy TopKCategoricalAccuracy sparse_top_k_categorical_accuracy "
        "SparseTopKCategoricalAccuracy auc AUC precision Precision recall Recall true_positives TruePositives "
        "true_negatives TrueNegatives false_positives FalsePositives false_negatives FalseNegatives f1_score "
        "F1Score"
    ),
    "optimizers": words(
        "sgd SGD rmsprop RMSprop adam Adam ADAM adamw AdamW adamax Adamax nadam NADAM adagrad Adagrad adadelta "
        "Adadelta ftrl Ftrl lion Lion adafactor Adafactor muon Muon"
    ),
}
"""Module -> what its `get` is asked for. A text that Keras refuses, such as `lamb`, we may take or not."""


def meaning(found: Any) -> str:
    """A name for what was found, the same for a function, a class and an instance."""
    name: str = found.__name__ if inspect.isfunction(found) or inspect.isclass(found) else _name_of(found)
    return name.replace("_", "").lower()


def _name_of(instance: Any) -> str:
    return str(getattr(instance, "__name__", type(instance).__name__))

"""Keras's public signatures for dense networks: which, and how they are written down.

A signature is a list of parameters in order, each `[name]` or `[name, default]`; `**kwargs` is left out,
since it does not say what it takes.
"""

import inspect
from typing import Any

from tests.parity.cases.data import words

NAMES: dict[str, list[str]] = {
    "": words("Input Sequential"),
    "Sequential": words(
        "compile fit evaluate predict train_on_batch test_on_batch predict_on_batch get_weights set_weights "
        "summary to_json add pop build get_config from_config count_params get_layer"
    ),
    "layers": words(
        "InputLayer Dense Activation ReLU LeakyReLU PReLU ELU Softmax BatchNormalization LayerNormalization "
        "GroupNormalization RMSNormalization UnitNormalization SpectralNormalization Dropout AlphaDropout "
        "GaussianDropout GaussianNoise ActivityRegularization Embedding Flatten Reshape Permute "
        "RepeatVector Identity Lambda Masking Add Average Concatenate Dot Maximum Minimum Multiply Subtract "
        "Normalization Rescaling Discretization CategoryEncoding IntegerLookup StringLookup Hashing "
        "HashedCrossing TextVectorization"
    ),
    "activations": words(
        "relu leaky_relu relu6 softmax celu elu selu softplus softsign squareplus soft_shrink sparse_plus "
        "silu gelu glu tanh tanh_shrink threshold sigmoid sparse_sigmoid exponential hard_sigmoid hard_silu "
        "hard_tanh hard_shrink linear mish log_softmax log_sigmoid sparsemax get"
    ),
    "initializers": words(
        "Zeros Ones Constant Identity RandomNormal TruncatedNormal RandomUniform VarianceScaling "
        "GlorotUniform GlorotNormal HeUniform HeNormal LecunUniform LecunNormal Orthogonal STFT get"
    ),
    "regularizers": words("L1 L2 L1L2 OrthogonalRegularizer get"),
    "constraints": words("MaxNorm NonNeg UnitNorm MinMaxNorm get"),
    "losses": words(
        "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError "
        "CosineSimilarity Huber LogCosh Hinge SquaredHinge CategoricalHinge KLDivergence Poisson "
        "BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy "
        "SparseCategoricalCrossentropy CategoricalGeneralizedCrossEntropy Dice Tversky Circle CTC "
        "mean_squared_error mean_absolute_error mean_absolute_percentage_error "
        "mean_squared_logarithmic_error cosine_similarity huber log_cosh hinge squared_hinge "
        "categorical_hinge kl_divergence poisson binary_crossentropy binary_focal_crossentropy "
        "categorical_crossentropy categorical_focal_crossentropy sparse_categorical_crossentropy "
        "categorical_generalized_cross_entropy dice tversky circle get"
    ),
    "metrics": words(
        "Accuracy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy TopKCategoricalAccuracy "
        "SparseTopKCategoricalAccuracy Precision Recall TruePositives TrueNegatives FalsePositives "
        "FalseNegatives AUC SensitivityAtSpecificity SpecificityAtSensitivity PrecisionAtRecall "
        "RecallAtPrecision F1Score FBetaScore MeanSquaredError RootMeanSquaredError MeanAbsoluteError "
        "MeanAbsolutePercentageError MeanSquaredLogarithmicError LogCoshError CosineSimilarity R2Score "
        "PearsonCorrelation ConcordanceCorrelation KLDivergence Poisson BinaryCrossentropy "
        "CategoricalCrossentropy SparseCategoricalCrossentropy Hinge SquaredHinge CategoricalHinge Mean Sum "
        "IoU MeanIoU BinaryIoU OneHotIoU OneHotMeanIoU binary_accuracy categorical_accuracy "
        "sparse_categorical_accuracy top_k_categorical_accuracy sparse_top_k_categorical_accuracy "
        "pearson_correlation concordance_correlation get"
    ),
    "optimizers": words(
        "SGD RMSprop Adam AdamW Adamax Nadam Adagrad Adadelta Ftrl Lion Lamb Adafactor Muon "
        "ScheduleFreeAdamW LossScaleOptimizer MultiOptimizer get"
    ),
    "optimizers.schedules": words(
        "ExponentialDecay InverseTimeDecay PolynomialDecay PiecewiseConstantDecay CosineDecay CosineDecayRestarts"
    ),
    "callbacks": words(
        "EarlyStopping ReduceLROnPlateau ModelCheckpoint OrbaxCheckpoint LearningRateScheduler "
        "TerminateOnNaN BackupAndRestore CSVLogger TensorBoard RemoteMonitor LambdaCallback SwapEMAWeights "
        "History ProgbarLogger Callback"
    ),
    "utils": words("set_random_seed to_categorical"),
    "config": words("floatx epsilon"),
}
"""Where -> what, as far as it concerns dense networks."""


def paths() -> list[str]:
    """Every name with its module in front."""
    return [f"{module}.{name}".lstrip(".") for module, names in NAMES.items() for name in names]


def find(module: Any, path: str) -> Any:
    """What a dotted path names."""
    for name in path.split("."):
        module = getattr(module, name)
    return module


def parameters(thing: Any) -> list[inspect.Parameter]:
    """The parameters of a function, or of making an instance of a class, without `self` and `**kwargs`."""
    signature = inspect.signature(thing.__init__ if inspect.isclass(thing) else thing)
    skipped = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [each for each in signature.parameters.values() if each.name != "self" and each.kind not in skipped]


def describe(thing: Any) -> list[list[Any]]:
    """A signature as JSON has it; a default that JSON lacks is told by its `repr`."""
    described: list[list[Any]] = []
    for parameter in parameters(thing):
        default = parameter.default
        if default is inspect.Parameter.empty:
            described.append([parameter.name])
        elif isinstance(default, str | int | float | bool | type(None)):
            described.append([parameter.name, default])
        else:
            described.append([parameter.name, repr(default)])
    return described

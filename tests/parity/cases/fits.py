"""Whole trainings, first part: optimizers, activations, losses and metrics as most people use them."""

from typing import Any

from tests.parity.cases.data import binary, class_ids, classes, numbers, positives, row_weights, signs, single
from tests.parity.cases.training import Fit, linear_net, sigmoid_net, softmax_net
from tests.parity.engine import Case

CCE, BCE = "categorical_crossentropy", "binary_crossentropy"


def _optimizer(name: str, **options: Any) -> Fit:
    return Fit(lambda k: {"optimizer": getattr(k.optimizers, name)(**options), "loss": CCE, "metrics": ["accuracy"]})


def _named(name: str) -> Fit:
    return Fit(lambda k: {"optimizer": name, "loss": CCE, "metrics": ["accuracy"]})


def _activation(name: str | None) -> Fit:
    return Fit(
        lambda k: {"optimizer": k.optimizers.SGD(0.05), "loss": "mse"},
        layers=lambda k: [k.layers.Dense(8, activation=name), k.layers.Dense(5, name), k.layers.Dense(2)],
        data=numbers,
    )


def _loss(loss: str, net: Any, data: Any, rate: float = 0.05) -> Fit:
    return Fit(lambda k: {"optimizer": k.optimizers.SGD(rate), "loss": loss}, layers=net, data=data)


def _logits(loss: str, units: int, data: Any) -> Fit:
    return Fit(
        lambda k: {"optimizer": k.optimizers.SGD(0.05), "loss": getattr(k.losses, loss)(from_logits=True)},
        layers=lambda k: [k.layers.Dense(8, activation="relu"), k.layers.Dense(units)],
        data=data,
    )


def _reduced(reduction: str, **fit: Any) -> Fit:
    return Fit(
        lambda k: {
            "optimizer": k.optimizers.SGD(0.02),
            "loss": k.losses.MeanSquaredError(reduction=reduction),
        },
        layers=linear_net,
        data=numbers,
        fit=lambda k: {"validation_split": 0.2, **fit},
    )


def _measured(loss: str, net: Any, data: Any, make: Any) -> Fit:
    return Fit(
        lambda k: {"optimizer": "sgd", "loss": loss, "metrics": make(k), "weighted_metrics": make(k)},
        layers=net,
        data=data,
        fit=lambda k: {"sample_weight": row_weights(), "validation_split": 0.2},
    )


def _metrics(loss: str, net: Any, data: Any, *metrics: str) -> Fit:
    return Fit(lambda k: {"optimizer": "sgd", "loss": loss, "metrics": list(metrics)}, layers=net, data=data)


OPTIMIZERS: dict[str, Case] = {
    "default optimizer": Fit(lambda k: {"loss": CCE}),
    "'sgd'": _named("sgd"),
    "'rmsprop'": _named("rmsprop"),
    "'adam'": _named("adam"),
    "'Adam'": _named("Adam"),
    "SGD": _optimizer("SGD", learning_rate=0.1),
    "SGD momentum": _optimizer("SGD", learning_rate=0.05, momentum=0.9),
    "SGD nesterov": _optimizer("SGD", learning_rate=0.05, momentum=0.9, nesterov=True),
    "RMSprop": _optimizer("RMSprop", learning_rate=0.01),
    "RMSprop momentum": _optimizer("RMSprop", learning_rate=0.01, momentum=0.8, rho=0.8),
    "RMSprop centered": _optimizer("RMSprop", learning_rate=0.01, centered=True, epsilon=1e-4),
    "RMSprop centered momentum": _optimizer("RMSprop", momentum=0.5, centered=True, epsilon=1e-4),
    "Adam": _optimizer("Adam", learning_rate=0.01),
    "Adam betas": _optimizer("Adam", learning_rate=0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
    "Adam amsgrad": _optimizer("Adam", learning_rate=0.05, beta_2=0.5, amsgrad=True),
}
"""One fit for each of the common optimizers."""

ACTIVATIONS: dict[str, Case] = {
    str(name): _activation(name) for name in ("relu", "sigmoid", "softmax", "tanh", "linear", None)
}
"""One fit with each of the common activations in both hidden layers."""

LOSSES: dict[str, Case] = {
    CCE: _loss(CCE, softmax_net, classes),
    "sparse_categorical_crossentropy": _loss("sparse_categorical_crossentropy", softmax_net, class_ids),
    BCE: _loss(BCE, sigmoid_net, binary),
    "binary_crossentropy on three outputs": _loss(BCE, softmax_net, classes),
    "mse": _loss("mse", linear_net, numbers),
    "MSE on a vector of targets": _loss("MSE", sigmoid_net, single),
    "mean_squared_error": _loss("mean_squared_error", linear_net, numbers),
    "mae": _loss("mae", linear_net, numbers),
    "mean_absolute_error": _loss("mean_absolute_error", linear_net, numbers),
    "mape": _loss("mape", linear_net, positives, rate=1e-4),
    "huber": _loss("huber", linear_net, numbers),
    "hinge": _loss("hinge", sigmoid_net, signs),
    "CategoricalCrossentropy(from_logits)": _logits("CategoricalCrossentropy", 3, classes),
    "SparseCategoricalCrossentropy(from_logits)": _logits("SparseCategoricalCrossentropy", 3, class_ids),
    "BinaryCrossentropy(from_logits)": _logits("BinaryCrossentropy", 1, binary),
    "reduced by sum": _reduced("sum"),
    "reduced by sum, weighted": _reduced("sum", sample_weight=row_weights()),
    "reduced by the mean of the weights": _reduced("mean_with_sample_weight", sample_weight=row_weights()),
    "crossentropy resolved to categorical": _loss("crossentropy", softmax_net, classes),
    "crossentropy resolved to sparse": _loss("crossentropy", softmax_net, class_ids),
    "crossentropy resolved to binary": _loss("crossentropy", sigmoid_net, binary),
}
"""One fit for each of the common losses, by name, by alias and as an object."""

METRICS: dict[str, Case] = {
    "accuracy is categorical": _metrics(CCE, softmax_net, classes, "accuracy"),
    "accuracy is sparse": _metrics("sparse_categorical_crossentropy", softmax_net, class_ids, "accuracy"),
    "accuracy is binary": _metrics(BCE, sigmoid_net, binary, "accuracy"),
    "accuracy is binary for a regression": _metrics("mse", sigmoid_net, single, "accuracy"),
    "acc": _metrics(CCE, softmax_net, classes, "acc"),
    "categorical metrics": _metrics(CCE, softmax_net, classes, "categorical_accuracy", CCE, "CategoricalAccuracy"),
    "binary metrics": _metrics(BCE, sigmoid_net, binary, "binary_accuracy", "BinaryAccuracy", BCE, "bce"),
    "sparse metrics": _metrics(
        "sparse_categorical_crossentropy",
        softmax_net,
        class_ids,
        "sparse_categorical_accuracy",
        "sparse_categorical_crossentropy",
    ),
    "objects for yes or no": _measured(
        BCE,
        sigmoid_net,
        binary,
        lambda k: [
            k.metrics.AUC(name="auc"),
            k.metrics.Precision(name="p"),
            k.metrics.Recall(0.4, name="r"),
        ],
    ),
    "objects for classes": _measured(
        CCE,
        softmax_net,
        classes,
        lambda k: [k.metrics.F1Score(average="macro"), k.metrics.TopKCategoricalAccuracy(k=2, name="top2")],
    ),
    "objects for class indices": _measured(
        "sparse_categorical_crossentropy",
        softmax_net,
        class_ids,
        lambda k: [k.metrics.SparseCategoricalAccuracy(), k.metrics.SparseTopKCategoricalAccuracy(k=2)],
    ),
    "objects for numbers": _measured(
        "mse",
        linear_net,
        numbers,
        lambda k: [
            k.metrics.R2Score(),
            k.metrics.RootMeanSquaredError(),
            k.metrics.MeanAbsoluteError(name="m"),
        ],
    ),
    "regression metrics": _metrics(
        "mse",
        linear_net,
        numbers,
        "mse",
        "MAE",
        "mean_squared_error",
        "MeanSquaredError",
        "RootMeanSquaredError",
    ),
}
"""One fit for each way to ask for metrics by name."""

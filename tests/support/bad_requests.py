"""Requests that cannot be trained, each with the place and the code of its mistake."""

from typing import Any

from tests.support.serving import small

SECRET = "a-value-nobody-may-see-again"
NAN, INFINITY = float("nan"), float("inf")
DENSE = {"class_name": "Dense", "units": 2}
X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]


def last(activation: str | None, units: int, **compiled: Any) -> dict[str, Any]:
    """A request whose last layer and loss are these, on targets that suit two units."""
    layer = {"class_name": "Dense", "units": units, "activation": activation}
    return small(spec={"layers": [layer]}, compile=compiled, data={"x": X, "y": Y})


def first(**arguments: Any) -> dict[str, Any]:
    """A request whose first layer has these arguments."""
    return small(spec={"layers": [DENSE | arguments, {"class_name": "Dense", "units": 1, "activation": "sigmoid"}]})


def without(key: str) -> dict[str, Any]:
    """A request that lacks a key."""
    request = small()
    del request[key]
    return request


CASES: dict[str, tuple[Any, str, str]] = {
    # the document
    "a list": ([1], "#", "wrong_type"),
    "null": (None, "#", "wrong_type"),
    "no spec": (without("spec"), "#/spec", "missing"),
    "no compile": (without("compile"), "#/compile", "missing"),
    "no data": (without("data"), "#/data", "missing"),
    "unknown key": (small(name="x"), "#/name", "unknown_key"),
    "unknown key with odd characters": (small(**{"a/b~ü": 1}), "#/a~1b~0%C3%BC", "unknown_key"),
    "model name with a slash": (small(model="a/b"), "#/model", "wrong_form"),
    "model name with a verb": (small(model="a:predict"), "#/model", "wrong_form"),
    # the network
    "no layers": (small(spec={"layers": []}), "#/spec/layers", "wrong_form"),
    "layers that are no list": (small(spec={"layers": DENSE}), "#/spec/layers", "wrong_type"),
    "only an input": (
        small(spec={"layers": [{"class_name": "InputLayer", "shape": [2]}]}),
        "#/spec/layers",
        "no_weights",
    ),
    "nothing to learn": (
        small(spec={"layers": [{"class_name": "Activation", "activation": "relu"}]}),
        "#/spec/layers",
        "no_weights",
    ),
    "layer without a class": (small(spec={"layers": [{"units": 2}]}), "#/spec/layers/0/class_name", "missing"),
    "unknown layer": (
        small(spec={"layers": [{"class_name": "Conv2D", "filters": 3}]}),
        "#/spec/layers/0/class_name",
        "unknown_name",
    ),
    "custom layer": (
        small(spec={"layers": [{"class_name": "Dense", "module": "mine", "config": {"units": 1}}]}),
        "#/spec/layers/0/module",
        "custom_object",
    ),
    "functional model": (small(spec={"class_name": "Functional", "config": {}}), "#/spec/class_name", "unknown_name"),
    "spec that is no JSON": ({**small(), "spec": "{"}, "#/spec", "wrong_type"),
    "unknown argument": (first(unit=3), "#/spec/layers/0/unit", "unknown_key"),
    "unknown argument in config": (
        small(spec={"layers": [{"class_name": "Dense", "config": {"units": 1, "bias": True}}]}),
        "#/spec/layers/0/config/bias",
        "unknown_key",
    ),
    "units of 0": (first(units=0), "#/spec/layers/0/units", "out_of_range"),
    "units below 0": (first(units=-3), "#/spec/layers/0/units", "out_of_range"),
    "units as a text": (first(units="8"), "#/spec/layers/0/units", "wrong_type"),
    "units as true": (first(units=True), "#/spec/layers/0/units", "wrong_type"),
    "units with a fraction": (first(units=1.5), "#/spec/layers/0/units", "wrong_type"),
    "units beyond the limit": (first(units=100_000), "#/spec/layers/0/units", "too_many_units"),
    "unknown activation": (first(activation="Relu"), "#/spec/layers/0/activation", "unknown_name"),
    "unknown initializer": (first(kernel_initializer="he"), "#/spec/layers/0/kernel_initializer", "unknown_name"),
    "wrong argument of an initializer": (
        first(kernel_initializer={"class_name": "RandomNormal", "config": {"stddev": "small"}}),
        "#/spec/layers/0/kernel_initializer/config/stddev",
        "wrong_type",
    ),
    "unknown regularizer": (first(kernel_regularizer="l3"), "#/spec/layers/0/kernel_regularizer", "unknown_name"),
    "rate beyond 1": (
        small(spec={"layers": [{"class_name": "Dropout", "rate": 1.5}, DENSE]}),
        "#/spec/layers/0/rate",
        "out_of_range",
    ),
    "width that differs from input_dim": (first(input_dim=3), "#/spec/layers/0/input_dim", "width_mismatch"),
    "width that differs from input_shape": (first(input_shape=[5]), "#/spec/layers/0/input_shape", "width_mismatch"),
    "input with two axes": (first(input_shape=[2, 2]), "#/spec/layers/0/input_shape", "shape_mismatch"),
    "input after a layer": (
        small(spec={"layers": [DENSE, {"class_name": "InputLayer", "shape": [2]}]}),
        "#/spec/layers/1",
        "input_not_first",
    ),
    "a name taken twice": (
        small(spec={"layers": [DENSE | {"name": "a"}, DENSE | {"name": "a"}]}),
        "#/spec/layers/1/name",
        "duplicate",
    ),
    "a layer that cannot follow": (
        small(spec={"layers": [{"class_name": "Reshape", "target_shape": [3]}, DENSE]}),
        "#/spec/layers/0",
        "shape_mismatch",
    ),
    "too many layers": (small(spec={"layers": [DENSE] * 101}), "#/spec/layers", "too_many_layers"),
    "too many parameters": (
        small(spec={"layers": [DENSE | {"units": 16_000}] * 3}),
        "#/spec/layers/1",
        "too_many_parameters",
    ),
    "an argument that is not finite": (
        small(spec={"layers": [{"class_name": "Rescaling", "scale": NAN}, DENSE]}),
        "#/spec/layers/0",
        "not_finite",
    ),
    "a row spread too wide": (
        small(spec={"layers": [{"class_name": "RepeatVector", "n": 10**8}, {"class_name": "Flatten"}, DENSE]}),
        "#/spec/layers/0",
        "too_many_units",
    ),
    "thresholds that are no numbers": (
        small(compile={"metrics": [{"class_name": "AUC", "thresholds": ["a"]}]}),
        "#/compile/metrics/0/thresholds",
        "out_of_range",
    ),
    "dtype in another form": (
        first(dtype={"class_name": "DTypePolicy", "config": 16}),
        "#/spec/layers/0/dtype",
        "unknown_name",
    ),
    "config that is no object": (
        small(spec={"layers": [{"class_name": "Dense", "config": 3}]}),
        "#/spec/layers/0/config",
        "wrong_type",
    ),
    # compile
    "no loss": (without("compile") | {"compile": {}}, "#/compile/loss", "missing"),
    "unknown loss": (small(compile={"loss": "mean_square"}), "#/compile/loss", "unknown_name"),
    "unknown optimizer": (small(compile={"optimizer": "adamm"}), "#/compile/optimizer", "unknown_name"),
    "unknown metric": (small(compile={"metrics": ["mse", "exactness"]}), "#/compile/metrics/1", "unknown_name"),
    "metric that lacks an argument": (
        small(compile={"metrics": ["sensitivity_at_specificity"]}),
        "#/compile/metrics/0",
        "missing",
    ),
    "metric taken twice": (small(compile={"metrics": ["mse", "mse"]}), "#/compile/metrics", "duplicate"),
    "misspelt learning rate": (
        small(compile={"optimizer": {"class_name": "SGD", "learnig_rate": 0.1}}),
        "#/compile/optimizer/learnig_rate",
        "unknown_key",
    ),
    "learning rate as a text": (
        small(compile={"optimizer": {"class_name": "SGD", "learning_rate": "0.1"}}),
        "#/compile/optimizer/learning_rate",
        "wrong_type",
    ),
    "learning rate below 0": (
        small(compile={"optimizer": {"class_name": "SGD", "learning_rate": -1}}),
        "#/compile/optimizer/learning_rate",
        "out_of_range",
    ),
    "learning rate of infinity": (
        small(compile={"optimizer": {"class_name": "SGD", "learning_rate": INFINITY}}),
        "#/compile/optimizer/learning_rate",
        "not_finite",
    ),
    "two ways to clip": (
        small(compile={"optimizer": {"class_name": "Adam", "clipnorm": 1, "clipvalue": 1}}),
        "#/compile/optimizer/clipvalue",
        "out_of_range",
    ),
    "schedule that lacks an argument": (
        small(
            compile={"optimizer": {"class_name": "Adam", "learning_rate": {"class_name": "CosineDecay"}}},
        ),
        "#/compile/optimizer/learning_rate/decay_steps",
        "missing",
    ),
    # fit
    "epochs of 0": (small(fit={"epochs": 0}), "#/fit/epochs", "out_of_range"),
    "epochs beyond the limit": (small(fit={"epochs": 10_001}), "#/fit/epochs", "too_many_epochs"),
    "batch_size of 0": (small(fit={"batch_size": 0}), "#/fit/batch_size", "out_of_range"),
    "batch_size as a text": (small(fit={"batch_size": "32"}), "#/fit/batch_size", "wrong_type"),
    "validation_split of 1": (small(fit={"validation_split": 1}), "#/fit/validation_split", "out_of_range"),
    "validation_split below 0": (small(fit={"validation_split": -0.1}), "#/fit/validation_split", "out_of_range"),
    "validation_split that leaves a side empty": (
        small(fit={"validation_split": 0.9}),
        "#/fit/validation_split",
        "empty_split",
    ),
    "two kinds of validation": (
        small(fit={"validation_split": 0.5, "validation_data": {"x": [[0, 1]], "y": ["equal"]}}),
        "#/fit/validation_split",
        "conflict",
    ),
    "validation data of another width": (
        small(fit={"validation_data": {"x": [[0]], "y": ["equal"]}}),
        "#/fit/validation_data/x",
        "width_mismatch",
    ),
    "validation data of an unknown class": (
        small(fit={"validation_data": {"x": [[0, 1]], "y": [SECRET]}}),
        "#/fit/validation_data/y/0",
        "unknown_class",
    ),
    "shuffle as a text": (small(fit={"shuffle": "yes"}), "#/fit/shuffle", "wrong_type"),
    "seed below 0": (small(fit={"seed": -1}), "#/fit/seed", "out_of_range"),
    "unknown argument of fit": (small(fit={"epocs": 3}), "#/fit/epocs", "unknown_key"),
    "unknown callback": (small(fit={"callbacks": ["ModelCheckpoint"]}), "#/fit/callbacks/0", "unknown_name"),
    "watching validation without any": (
        small(fit={"callbacks": [{"class_name": "EarlyStopping"}]}),
        "#/fit/callbacks/0/monitor",
        "unknown_metric",
    ),
    "watching a metric that is not measured": (
        small(fit={"callbacks": [{"class_name": "EarlyStopping", "monitor": "exactness"}]}),
        "#/fit/callbacks/0/monitor",
        "unknown_metric",
    ),
    "watching what is neither better up nor down": (
        small(
            fit={
                "callbacks": [
                    {"class_name": "ReduceLROnPlateau", "monitor": "loss"},
                    {"class_name": "EarlyStopping", "monitor": "learning_rate"},
                ]
            },
        ),
        "#/fit/callbacks/1/mode",
        "missing",
    ),
    "two masters of the learning rate": (
        small(
            compile={
                "optimizer": {
                    "class_name": "SGD",
                    "learning_rate": {"class_name": "CosineDecay", "initial_learning_rate": 1, "decay_steps": 9},
                }
            },
            fit={"callbacks": [{"class_name": "ReduceLROnPlateau", "monitor": "loss"}]},
        ),
        "#/fit/callbacks/0",
        "conflict",
    ),
    "class_weight and sample_weight": (
        small(fit={"class_weight": {"0": 1}, "sample_weight": [1, 1, 1, 1]}),
        "#/fit/class_weight",
        "conflict",
    ),
    "class_weight of an unknown class": (
        small(fit={"class_weight": {"2": 1}}),
        "#/fit/class_weight/2",
        "unknown_class",
    ),
    "class_weight below 0": (small(fit={"class_weight": {"0": -1}}), "#/fit/class_weight/0", "out_of_range"),
    "sample_weight of another length": (
        small(fit={"sample_weight": [1, 1]}),
        "#/fit/sample_weight",
        "length_mismatch",
    ),
    "sample_weight below 0": (small(fit={"sample_weight": [1, 1, 1, -1]}), "#/fit/sample_weight", "out_of_range"),
    # data
    "data that are no object": ({**small(), "data": [[1, 2]]}, "#/data", "wrong_type"),
    "no x": ({**small(), "data": {"y": Y}}, "#/data/x", "missing"),
    "no y": ({**small(), "data": {"x": X}}, "#/data/y", "missing"),
    "unknown key in data": (small(data={"z": 1}), "#/data/z", "unknown_key"),
    "empty x": (small(data={"x": [], "y": []}), "#/data/x", "empty"),
    "x without rows": (small(data={"x": [1, 2, 3, 4]}), "#/data/x", "not_rows"),
    "ragged rows": (small(data={"x": [[0, 0], [0, 1], [1], [1, 1]]}), "#/data/x/2", "ragged_rows"),
    "a text among the numbers": (
        small(data={"x": [[0, 0], [0, SECRET], [1, 0], [1, 1]]}),
        "#/data/x/1/1",
        "not_a_number",
    ),
    "null among the numbers": (small(data={"x": [[0, 0], [0, 1], [1, 0], [None, 1]]}), "#/data/x/3/0", "not_a_number"),
    "true among the numbers": (small(data={"x": [[0, 0], [0, True], [1, 0], [1, 1]]}), "#/data/x/1/1", "not_a_number"),
    "a list among the numbers": (small(data={"x": [[0, 0], [0, [1]], [1, 0], [1, 1]]}), "#/data/x/1/1", "not_a_number"),
    "NaN": (small(data={"x": [[0, 0], [0, 1], [NAN, 0], [1, 1]]}), "#/data/x/2/0", "not_finite"),
    "infinity": (small(data={"x": [[0, 0], [0, 1], [1, -INFINITY], [1, 1]]}), "#/data/x/2/1", "not_finite"),
    "a number beyond float32": (small(data={"x": [[0, 0], [0, 1], [1, 1e39], [1, 1]]}), "#/data/x/2/1", "not_finite"),
    "NaN among the targets": (small(data={"y": [0, 1, NAN, 0]}), "#/data/y/2", "not_finite"),
    "x and y of different lengths": (small(data={"y": ["equal"] * 3}), "#/data/y", "length_mismatch"),
    "mixed targets": (small(data={"y": ["equal", "different", 1, "equal"]}), "#/data/y/2", "mixed_types"),
    "class missing from classes": (
        small(data={"classes": ["equal", "other"]}),
        "#/data/y/1",
        "unknown_class",
    ),
    "validation data with names where training has none": (
        small(data={"y": Y}, fit={"validation_data": {"x": [[0, 1]], "y": ["equal"]}}),
        "#/fit/validation_data/y",
        "unknown_class",
    ),
    # the loss, the last layer, the targets
    "softmax of one unit": (
        last("softmax", 1, loss="binary_crossentropy"),
        "#/spec/layers/0/activation",
        "softmax_of_one",
    ),
    "categorical loss on one unit": (
        last("sigmoid", 1, loss="categorical_crossentropy"),
        "#/compile/loss",
        "loss_mismatch",
    ),
    "cross-entropy of linear outputs": (
        last(None, 2, loss="sparse_categorical_crossentropy"),
        "#/spec/layers/0/activation",
        "loss_mismatch",
    ),
    "binary cross-entropy of relu": (
        last("relu", 1, loss="binary_crossentropy"),
        "#/spec/layers/0/activation",
        "loss_mismatch",
    ),
    "softmax applied twice": (
        last("softmax", 2, loss={"class_name": "SparseCategoricalCrossentropy", "from_logits": True}),
        "#/compile/loss",
        "loss_mismatch",
    ),
    "label out of range": (
        last("softmax", 2, loss="sparse_categorical_crossentropy") | {"data": {"x": X, "y": [0, 1, 2, 0]}},
        "#/data/y/2",
        "out_of_range",
    ),
    "label below 0": (
        last("softmax", 2, loss="categorical_crossentropy") | {"data": {"x": X, "y": [0, 1, -1, 0]}},
        "#/data/y/2",
        "out_of_range",
    ),
    "label with a fraction": (
        last("softmax", 2, loss="sparse_categorical_crossentropy") | {"data": {"x": X, "y": [0, 1, 0.5, 0]}},
        "#/data/y/2",
        "out_of_range",
    ),
    "more classes than units": (
        last("softmax", 2, loss="sparse_categorical_crossentropy") | {"data": {"x": X, "y": ["a", "b", "c", "a"]}},
        "#/data/y",
        "too_many_classes",
    ),
    "three classes for one unit": (
        small(data={"y": ["a", "b", "c", "a"]}),
        "#/data/y",
        "too_many_classes",
    ),
    "one-hot rows for a sparse loss": (
        last("softmax", 2, loss="sparse_categorical_crossentropy") | {"data": {"x": X, "y": [[0, 1]] * 4}},
        "#/data/y",
        "shape_mismatch",
    ),
    "one-hot rows of another width": (
        last("softmax", 2, loss="categorical_crossentropy") | {"data": {"x": X, "y": [[0, 1, 0]] * 4}},
        "#/data/y",
        "shape_mismatch",
    ),
    "one-hot rows that sum to two": (
        last("softmax", 2, loss="categorical_crossentropy") | {"data": {"x": X, "y": [[0, 1], [1, 1], [1, 0], [1, 0]]}},
        "#/data/y/1",
        "not_one_hot",
    ),
    "binary targets beyond 1": (small(data={"y": [0, 1, 2, 0]}), "#/data/y/2", "out_of_range"),
    "class names for a regression": (
        last(None, 1, loss="mse") | {"data": {"x": X, "y": ["a", "b", "a", "b"]}},
        "#/data/y",
        "loss_mismatch",
    ),
    "one target for two outputs": (last(None, 2, loss="mse"), "#/data/y", "shape_mismatch"),
    "negative targets for a logarithm": (
        last("softplus", 1, loss="poisson") | {"data": {"x": X, "y": [1, 2, -1, 0]}},
        "#/data/y/2",
        "out_of_range",
    ),
    "class weights for a regression": (
        last(None, 1, loss="mse") | {"fit": {"class_weight": {"0": 2}}},
        "#/fit/class_weight",
        "conflict",
    ),
    "sparse metric for one-hot targets": (
        last("softmax", 2, loss="categorical_crossentropy", metrics=["sparse_categorical_accuracy"]),
        "#/compile/metrics/0",
        "metric_mismatch",
    ),
}

"""Requests that work as they stand, for the documentation; but for the id of a dataset, which only its upload tells."""

from typing import Any

_ROWS = [[(7 * row + 3 * column) % 100 / 100 for column in range(100)] for row in range(10)]
_ONE_HOT = [[int(column == row) for column in range(10)] for row in range(10)]

SMALL: dict[str, Any] = {
    "model": "xor",
    "spec": {
        "layers": [
            {"class_name": "Dense", "units": 8, "activation": "tanh"},
            {"class_name": "Dense", "units": 1, "activation": "sigmoid"},
        ]
    },
    "compile": {
        "optimizer": {"class_name": "Adam", "learning_rate": 0.1},
        "loss": "binary_crossentropy",
        "metrics": ["accuracy"],
    },
    "fit": {"epochs": 100, "seed": 7},
    "data": {"x": [[0, 0], [0, 1], [1, 0], [1, 1]], "y": ["equal", "different", "different", "equal"]},
}

CANONICAL: dict[str, Any] = {
    "model": "digits",
    "spec": {
        "layers": [
            {"class_name": "Dense", "units": 64, "activation": "relu", "input_dim": 100},
            {"class_name": "Dense", "units": 10, "activation": "softmax"},
        ]
    },
    "compile": {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["accuracy"]},
    "fit": {
        "epochs": 10,
        "batch_size": 32,
        "validation_split": 0.1,
        "shuffle": True,
        "seed": 7,
        "callbacks": [{"class_name": "EarlyStopping", "patience": 3}],
    },
    "data": {"x": _ROWS, "y": _ONE_HOT},
}

CONTINUED: dict[str, Any] = {"from": {"model": "xor"}, "fit": {"epochs": 20}, "data": SMALL["data"]}

DATASET = "ds_1n2v5jz4q9s0mxjrkpt8c7w3ye"

FRUIT = """weight,skin,fruit
120,smooth,apple
131,smooth,apple
118,,apple
140,smooth,apple
150,rough,orange
158,rough,orange
149,rough,orange
161,rough,orange
"""

TABLE: dict[str, Any] = {
    "model": "fruit",
    "spec": {
        "layers": [
            {"class_name": "Dense", "units": 8, "activation": "relu"},
            {"class_name": "Dense", "units": "auto", "activation": "softmax"},
        ]
    },
    "compile": {
        "optimizer": {"class_name": "Adam", "learning_rate": 0.05},
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
    },
    "fit": {"epochs": 60, "seed": 7},
    "data": {"dataset": DATASET, "target": "fruit"},
}

UPLOAD_EXAMPLES = {
    "fruit": {"summary": "A table with gaps, and a column to predict", "value": FRUIT},
}

TRAINING_EXAMPLES = {
    "small": {"summary": "Exclusive or, with class names", "value": SMALL},
    "canonical": {"summary": "Two dense layers, ten classes", "value": CANONICAL},
    "table": {"summary": "A column of an uploaded table; put its id here", "value": TABLE},
    "continued": {"summary": "Go on from the latest version of xor", "value": CONTINUED},
}

PREDICTION_EXAMPLES = {
    "small": {"summary": "Two rows for the model xor", "value": {"instances": [[0, 1], [1, 1]]}},
    "canonical": {"summary": "One row for the model digits", "value": {"instances": _ROWS[:1]}},
    "table": {
        "summary": "Two rows for the model fruit, by column; null is a gap",
        "value": {"instances": [{"weight": 155, "skin": "rough"}, {"weight": 119, "skin": None}]},
    },
    "explained": {
        "summary": "One row for the model fruit, and what each column adds to the prediction",
        "value": {"instances": [{"weight": 155, "skin": "rough"}], "explain": True},
    },
}

CLASSIFICATION_EXAMPLES = {
    "small": {"summary": "Two rows for the model xor", "value": {"examples": [{"input": [0, 1]}, {"input": [1, 1]}]}},
    "table": {
        "summary": "One row for the model fruit, by column",
        "value": {"examples": [{"weight": 155, "skin": "rough"}]},
    },
}

REGRESSION_EXAMPLES = {"small": CLASSIFICATION_EXAMPLES["small"]}

INFERENCE_EXAMPLES = {
    "small": {
        "summary": "Two rows for the model xor",
        "value": {"inputs": [{"name": "input", "shape": [2, 2], "datatype": "FP32", "data": [0, 1, 1, 1]}]},
    },
    "table": {
        "summary": "One row for the model fruit, a tensor for each column",
        "value": {
            "inputs": [
                {"name": "weight", "shape": [1, 1], "datatype": "FP64", "data": [155]},
                {"name": "skin", "shape": [1, 1], "datatype": "BYTES", "data": ["rough"]},
            ]
        },
    },
}

EVALUATION_EXAMPLES = {
    "small": {"summary": "Four rows for the model xor", "value": {"data": SMALL["data"]}},
    "table": {
        "summary": "A table for the model fruit, and how much each column matters; put the dataset's id here",
        "value": {"data": {"dataset": DATASET}, "importance": 5},
    },
}

BATCH_EXAMPLES = {
    "small": {"summary": "The same network twice", "value": {"jobs": [SMALL, {**SMALL, "model": "xor-again"}]}},
}

PREDICTION_JOB_EXAMPLES = {
    "table": {
        "summary": "Every row of a table, with its column of weights; put the dataset's id here",
        "value": {"model": "fruit", "dataset": DATASET, "include": ["weight"]},
    },
}

CANCEL_EXAMPLES = {
    "keep": {"summary": "Keep the weights of the best epoch so far", "value": {"keep": "best"}},
}

LABEL_EXAMPLES = {
    "first": {"summary": "Point at version 1, and say who does", "value": {"version": 1, "by": "ana"}},
}

IMPORT_EXAMPLES = {
    "small": {
        "summary": "A kernel of two rows and a bias",
        "value": {
            "model": "imported",
            "spec": {"layers": [{"class_name": "Dense", "units": 1, "activation": "sigmoid", "input_dim": 2}]},
            "weights": [[[1.5], [-1.5]], [0.25]],
        },
    },
}

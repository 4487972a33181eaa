"""Whole trainings, second part: validation, weights of rows and classes, early stopping, shapes and sizes."""

from typing import Any

from tests.parity.cases.data import binary, class_ids, classes, numbers, row_weights, single, start
from tests.parity.cases.training import Fit, build, linear_net, observe, sigmoid_net, softmax_net, weights_of
from tests.parity.engine import Case, Engine, Outcome


def _plain(k: Any) -> dict[str, Any]:
    return {"optimizer": k.optimizers.SGD(0.1), "loss": "categorical_crossentropy", "metrics": ["accuracy"]}


def _sparse(k: Any) -> dict[str, Any]:
    return {
        "optimizer": k.optimizers.SGD(0.1),
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
    }


def _weighted(k: Any) -> dict[str, Any]:
    return _plain(k) | {"metrics": ["accuracy", "mse"], "weighted_metrics": ["accuracy", "mae"]}


def _lists(k: Any) -> dict[str, Any]:
    """No name twice: where lists are answered, Keras would give its value twice."""
    return _plain(k) | {"metrics": ["accuracy", "mse"], "weighted_metrics": ["mae"]}


def _regression(k: Any) -> dict[str, Any]:
    return {"optimizer": k.optimizers.SGD(0.5), "loss": "mse", "metrics": ["mae"]}


def _held_out() -> tuple[Any, Any]:
    x, y = classes(rows=70)
    return x[50:], y[50:]


def _early(seed_rate: float, **options: Any) -> Fit:
    """Steps this large make the validation loss rise now and then."""
    return Fit(
        lambda k: {"optimizer": k.optimizers.SGD(seed_rate, momentum=0.9), "loss": "mse", "metrics": ["mae"]},
        layers=linear_net,
        data=numbers,
        fit=lambda k: {
            "epochs": 12,
            "validation_split": 0.2,
            "callbacks": [k.callbacks.EarlyStopping(**options)],
        },
    )


def fit_twice(engine: Engine) -> Outcome:
    """A second fit goes on from the first, optimizer state included."""
    x, y = classes()
    model = build(engine.keras, softmax_net(engine.keras), x.shape[1:])
    model.compile(optimizer=engine.keras.optimizers.Adam(0.01), loss="categorical_crossentropy")
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    history = model.fit(x, y, batch_size=16, epochs=4, initial_epoch=2, shuffle=False, verbose=0)
    return observe(model, history, x, y, {})


def one_batch_at_a_time(engine: Engine) -> Outcome:
    """`train_on_batch` and `test_on_batch` answer for their batch alone: they reset the metrics first."""
    x, y = classes()
    model = build(engine.keras, softmax_net(engine.keras), x.shape[1:])
    model.compile(**_weighted(engine.keras))
    outcome: Outcome = {}
    for step in range(3):
        rows = slice(step * 16, step * 16 + 16)
        results = model.train_on_batch(x[rows], y[rows], sample_weight=row_weights()[rows], return_dict=True)
        outcome |= {f"train {step}/{key}": value for key, value in results.items()}
    model.compile(**_lists(engine.keras))
    outcome["train list"] = model.train_on_batch(x[:7], y[:7], class_weight={0: 2.0, 1: 0.5, 2: 1.0})
    outcome["test list"] = model.test_on_batch(x[:9], y[:9])
    outcome["predict on batch"] = model.predict_on_batch(x[:9])
    return outcome | weights_of(model)


def evaluate_as_a_list(engine: Engine) -> Outcome:
    """`evaluate` answers a list unless asked for a dict, and one number without metrics."""
    x, y = classes()
    model = build(engine.keras, softmax_net(engine.keras), x.shape[1:])
    model.compile(**_lists(engine.keras))
    outcome: Outcome = {"list": model.evaluate(x, y, batch_size=7, sample_weight=row_weights(), verbose=0)}
    model = build(engine.keras, softmax_net(engine.keras), x.shape[1:])
    model.compile(optimizer="sgd", loss="categorical_crossentropy")
    outcome["number"] = model.evaluate(x, y, verbose=0)
    outcome["steps"] = model.evaluate(x, y, batch_size=7, steps=3, verbose=0)
    outcome["predict"] = model.predict(x, batch_size=7, verbose=0)
    outcome["called"] = model(x[:5])
    return outcome


def input_dim_on_the_first_layer(engine: Engine) -> Outcome:
    """The old way to say how wide the rows are."""
    x, _ = classes()
    layers = engine.keras.layers
    outcome: Outcome = {}
    for width in ({"input_dim": 6}, {"input_shape": (6,)}):
        model = engine.keras.Sequential([layers.Dense(5, activation="relu", **width), layers.Dense(3)])
        start(model)
        outcome |= weights_of(model, str(width)) | {f"{width} predict": model.predict(x, verbose=0)}
    return outcome


CASES: dict[str, Case] = {
    "validation_split": Fit(_plain, fit=lambda k: {"validation_split": 0.2}),
    "validation_split of a third": Fit(_plain, fit=lambda k: {"validation_split": 0.33}),
    "validation_split with sample_weight": Fit(
        _weighted, fit=lambda k: {"validation_split": 0.2, "sample_weight": row_weights()}
    ),
    "validation_data": Fit(_plain, fit=lambda k: {"validation_data": _held_out()}),
    "validation_data with weights": Fit(_weighted, fit=lambda k: {"validation_data": (*_held_out(), row_weights(20))}),
    "validation_freq": Fit(_plain, fit=lambda k: {"validation_data": _held_out(), "validation_freq": 2}),
    "validation_freq as a list": Fit(_plain, fit=lambda k: {"validation_data": _held_out(), "validation_freq": [1, 3]}),
    "validation_batch_size": Fit(
        _plain,
        fit=lambda k: {"validation_data": _held_out(), "validation_batch_size": 3, "validation_steps": 4},
    ),
    "sample_weight": Fit(_plain, fit=lambda k: {"sample_weight": row_weights()}),
    "sample_weight and weighted_metrics": Fit(
        _weighted, fit=lambda k: {"sample_weight": row_weights()}, evaluate={"sample_weight": row_weights()}
    ),
    "sample_weight on two targets": Fit(
        _regression, layers=linear_net, data=numbers, fit=lambda k: {"sample_weight": row_weights()}
    ),
    "class_weight on one-hot rows": Fit(_weighted, fit=lambda k: {"class_weight": {0: 1.0, 1: 2.5, 2: 0.25}}),
    "class_weight on indices": Fit(_sparse, data=class_ids, fit=lambda k: {"class_weight": {0: 0.5, 1: 3.0, 2: 1.0}}),
    "class_weight with a class missing": Fit(_sparse, data=class_ids, fit=lambda k: {"class_weight": {1: 3.0}}),
    "class_weight on a column of zeros and ones": Fit(
        lambda k: {"optimizer": "sgd", "loss": "binary_crossentropy", "metrics": ["accuracy"]},
        layers=sigmoid_net,
        data=binary,
        fit=lambda k: {"class_weight": {0: 0.5, 1: 2.0}, "validation_split": 0.2},
    ),
    "loss_weights": Fit(lambda k: _plain(k) | {"loss_weights": 0.5}),
    "early stopping": _early(0.35, patience=1),
    "early stopping patient": _early(0.35, patience=3, monitor="val_mae"),
    "early stopping on the training loss": _early(0.3, monitor="loss", min_delta=0.01),
    "early stopping restores the best weights": _early(0.35, patience=2, restore_best_weights=True),
    "early stopping restores without having stopped": _early(0.3, patience=50, restore_best_weights=True),
    "early stopping with a baseline": _early(0.1, patience=2, baseline=0.01),
    "early stopping starts late": _early(0.35, start_from_epoch=5, mode="min"),
    "batch of one": Fit(_plain, fit=lambda k: {"batch_size": 1, "epochs": 1}),
    "batch of all rows": Fit(_plain, fit=lambda k: {"batch_size": 1000}),
    "default batch size": Fit(_plain, fit=lambda k: {"batch_size": None}),
    "steps_per_epoch": Fit(_plain, fit=lambda k: {"steps_per_epoch": 2}),
    "no hidden layer": Fit(_plain, layers=lambda k: [k.layers.Dense(3, activation="softmax")]),
    "no biases": Fit(
        _plain,
        layers=lambda k: [
            k.layers.Dense(8, activation="relu", use_bias=False),
            k.layers.Dense(3, activation="softmax", use_bias=False),
        ],
    ),
    "five layers": Fit(
        _plain,
        layers=lambda k: [
            *(k.layers.Dense(units, activation="relu") for units in (16, 12, 9, 7)),
            k.layers.Dense(3),
            k.layers.Activation("softmax"),
        ],
    ),
    "dropout at rate 0": Fit(_plain, layers=lambda k: [k.layers.Dropout(0.0), *softmax_net(k)]),
    "a vector of targets": Fit(_regression, layers=sigmoid_net, data=single, fit=lambda k: {"validation_split": 0.2}),
    "fit twice": fit_twice,
    "one batch at a time": one_batch_at_a_time,
    "evaluate as a list": evaluate_as_a_list,
    "input_dim on the first layer": input_dim_on_the_first_layer,
}
"""One training for each argument of fit, and the other verbs of a model."""

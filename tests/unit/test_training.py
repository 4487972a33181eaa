"""Training: the numbers of the network library, reproducible from the seed, with everything worth keeping."""

import copy
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from service import nn
from service.data.datasets import Dataset
from service.data.tables import Table
from service.errors import TrainingFailed
from service.formats.checkpoints import pack_state, unpack_state
from service.formats.weights import digest, unpack
from service.jobs import Keep
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.spec import TrainingRequest
from service.training import salvage, train
from service.versions import NewVersion

RNG = np.random.default_rng(3)
X = RNG.normal(size=(50, 4)).astype(np.float32)
LABELS = (X[:, 0] + X[:, 1] > 0).astype(np.int32) + (X[:, 2] > 0.5)
NAMES = ("blue", "green", "red")
MEASURED = ("conformity", "calibration", "threshold")
"""What an output learns from held-out rows when a training has ended; one that is broken off does not measure."""


def asked(**changes: Any) -> TrainingRequest:
    document: dict[str, Any] = {
        "spec": {
            "layers": [
                {"class_name": "Dense", "units": 8, "activation": "relu"},
                {"class_name": "Dropout", "rate": 0.2},
                {"class_name": "Dense", "units": 3, "activation": "softmax"},
            ]
        },
        "compile": {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["accuracy"]},
        "fit": {"epochs": 3, "batch_size": 16, "seed": 11},
    }
    for key, value in copy.deepcopy(changes).items():
        document[key] = {**document.get(key, {}), **value}
    return TrainingRequest.model_validate(document)


def fitted(dataset: Dataset | None = None, **changes: Any) -> NewVersion:
    return train(asked(**changes), dataset or Dataset(X, LABELS, NAMES))


def test_the_weights_are_those_of_the_same_lines_in_python() -> None:
    model = nn.Sequential()
    model.seed = 11
    for layer in (
        nn.layers.Dense(8, activation="relu"),
        nn.layers.Dropout(0.2),
        nn.layers.Dense(3, activation="softmax"),
    ):
        model.add(layer)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, np.eye(3, dtype=np.float32)[LABELS], epochs=3, batch_size=16, verbose=0)
    result = fitted()
    assert result.history == history.history
    for ours, theirs in zip(unpack(result.weights)[0].values(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_same_request_and_data_give_the_same_bytes() -> None:
    first, again, other = fitted(), fitted(), fitted(fit={"seed": 12})
    assert first.weights == again.weights
    assert first.sha256 == digest(first.weights)
    assert first.weights != other.weights


def test_a_stored_request_and_dataset_give_the_same_bytes() -> None:
    dataset = Dataset.from_bytes(Dataset(X, LABELS, NAMES).to_bytes())
    assert train(asked().to_json_dict(), dataset).weights == fitted().weights


def test_a_seed_that_is_missing_is_drawn_and_told() -> None:
    request = asked(fit={"seed": None})
    first = train(request, Dataset(X, LABELS))
    again = train(asked(fit={"seed": first.fit["seed"]}), Dataset(X, LABELS))
    assert first.weights == again.weights


def test_names_indices_and_one_hot_rows_teach_the_same() -> None:
    one_hot = np.eye(3, dtype=np.float32)[LABELS]
    datasets = [
        Dataset(X, LABELS, NAMES),
        Dataset(X, LABELS),
        Dataset(X, LABELS.astype(np.float32)),
        Dataset(X, LABELS.astype(np.float32)[:, None]),
        Dataset(X, one_hot),
    ]
    assert len({fitted(dataset).weights for dataset in datasets}) == 1
    sparse = fitted(compile={"loss": "sparse_categorical_crossentropy"})
    assert sparse.history["loss"] == pytest.approx(fitted().history["loss"], rel=1e-5)


def test_crossentropy_by_shape_is_sparse_for_indices_and_categorical_for_rows() -> None:
    for dataset in (Dataset(X, LABELS), Dataset(X, np.eye(3, dtype=np.float32)[LABELS])):
        result = fitted(dataset, compile={"loss": "crossentropy"})
        assert result.history["loss"] == pytest.approx(fitted().history["loss"], rel=1e-5)


def test_class_weights_by_name_are_those_by_index_and_those_by_row() -> None:
    weights = {0: 1.0, 1: 3.0, 2: 0.5}
    by_name = fitted(fit={"class_weight": {NAMES[index]: weight for index, weight in weights.items()}})
    by_index = fitted(fit={"class_weight": {str(index): weight for index, weight in weights.items()}})
    rows = np.array([weights[int(label)] for label in LABELS], np.float32)
    by_row = fitted(Dataset(X, LABELS, NAMES, sample_weight=rows))
    assert by_name.weights == by_index.weights
    assert by_name.history["loss"] == pytest.approx(by_row.history["loss"], rel=1e-5)
    assert by_name.weights != fitted().weights


def test_held_out_rows_and_given_ones_are_measured_alike() -> None:
    split = fitted(fit={"validation_split": 0.2})
    held = Dataset(X[40:], LABELS[40:], NAMES)
    given = fitted(Dataset(X[:40], LABELS[:40], NAMES, validation=held))
    assert split.history == given.history
    weighted = Dataset(X[40:], LABELS[40:], NAMES, sample_weight=np.zeros(10, np.float32))
    result = fitted(Dataset(X[:40], LABELS[:40], NAMES, validation=weighted))
    assert result.history["val_loss"] == [0, 0, 0]


def test_the_result_tells_what_a_version_tells() -> None:
    result = fitted()
    assert result.spec["layers"][1] == {"class_name": "Dropout", "rate": 0.2}
    assert result.compile["loss"] == "categorical_crossentropy"
    assert result.fit == {"epochs": 3, "batch_size": 16, "seed": 11}
    assert [(row["layer"], row["output_shape"], row["params"]) for row in result.summary] == [
        ("dense", [None, 8], 40),
        ("dropout", [None, 8], 0),
        ("dense_1", [None, 3], 27),
    ]
    assert result.metrics == {name: values[-1] for name, values in result.history.items()}
    typical = np.sort(X, axis=0)[24].tolist()  # the lower median of fifty rows
    assert result.input == {"features": None, "shape": [None, 4], "typical": typical}
    assert result.output == {"classes": list(NAMES), "shape": [None, 3], "targets": None}
    assert list(unpack(result.weights)[0]) == ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]
    assert result.environment["numpy"] == np.__version__
    assert result.timing["fit_seconds"] > 0


def test_a_loss_that_is_no_number_any_more_ends_the_training() -> None:
    with pytest.raises(
        TrainingFailed, match=r"in epoch \d of 3, at step 4 of 4 .* the learning rate, 1e\+30, is too large"
    ) as caught:
        fitted(
            Dataset(X, LABELS.astype(np.float32)),
            spec={"layers": [{"class_name": "Dense", "units": 1}]},
            compile={"optimizer": {"class_name": "SGD", "learning_rate": 1e30}, "loss": "mse", "metrics": None},
        )
    assert caught.value.code == "diverged"


@pytest.mark.parametrize(
    ("rate", "cause"),
    [
        (0.1, r"some targets are beyond 100: scale them to about -1 to 1, or lower the learning rate, 0\.1"),
        (10.0, r"the learning rate, 10, is too large"),
    ],
)
def test_a_diverged_training_tells_its_likeliest_cause(rate: float, cause: str) -> None:
    with pytest.raises(TrainingFailed, match=f"Likely because {cause}"):
        fitted(
            Dataset(X, LABELS.astype(np.float32) + 1e25),
            spec={"layers": [{"class_name": "Dense", "units": 1}]},
            compile={"optimizer": {"class_name": "SGD", "learning_rate": rate}, "loss": "mse", "metrics": None},
        )


def test_a_metric_that_is_no_number_becomes_null() -> None:
    result = fitted(
        Dataset(X, np.ones(50, np.float32)),
        spec={"layers": [{"class_name": "Dense", "units": 1, "kernel_initializer": "zeros", "trainable": True}]},
        compile={"optimizer": {"class_name": "SGD", "learning_rate": 0}, "loss": "mse", "metrics": ["r2_score"]},
    )
    value = result.metrics["r2_score"]
    assert value is None or (isinstance(value, float) and np.isfinite(value))


def test_callbacks_of_the_request_come_before_those_of_the_caller() -> None:
    seen: list[dict[str, float]] = []

    class Watcher(nn.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            seen.append(dict(logs or {}))

    request = asked(
        fit={
            "epochs": 50,
            "callbacks": [
                {"class_name": "ReduceLROnPlateau", "monitor": "loss"},
                {"class_name": "EarlyStopping", "monitor": "loss", "min_delta": 10},
            ],
        }
    )
    result = train(request, Dataset(X, LABELS), [Watcher()])
    assert len(seen) == len(result.history["loss"]) == 2
    assert "learning_rate" in seen[0]


NETWORK: dict[str, Any] = {
    "layers": [
        {"class_name": "Dense", "units": 8, "activation": "relu"},
        {"class_name": "BatchNormalization"},
        {"class_name": "Dropout", "rate": 0.2},
        {"class_name": "Dense", "units": 3, "activation": "softmax"},
    ]
}


class Left(Callback):
    """Keeps the state after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.states: list[TrainingState] = []

    def on_resume_point(self, epoch: int, step: int, capture: Any) -> None:
        if epoch == self.epochs:
            self.states.append(unpack_state(pack_state(capture())))


@pytest.mark.parametrize("optimizer", ["adam", {"class_name": "SGD", "use_ema": True}])
def test_what_is_salvaged_is_what_a_training_until_then_would_have_learnt(optimizer: Any) -> None:
    changes: dict[str, Any] = {"spec": NETWORK, "compile": {"optimizer": optimizer}}
    left = Left(2)
    train(asked(**changes, fit={"epochs": 5, "validation_split": 0.2}), Dataset(X, LABELS, NAMES), [left])
    short = fitted(**changes, fit={"epochs": 2, "validation_split": 0.2})
    result = salvage(left.states[0], Keep.LAST)
    assert result.partial
    assert (result.weights, result.optimizer) == (short.weights, short.optimizer)
    assert (result.metrics, result.history) == (short.metrics, short.history)
    for told in ("spec", "compile", "summary", "input", "environment"):
        assert getattr(result, told) == getattr(short, told)
    assert result.output == {key: short.output[key] for key in short.output if key not in MEASURED}
    assert result.timing["fit_seconds"] > 0


def test_the_best_epoch_is_salvaged_where_it_is_asked_for() -> None:
    rates = {"class_name": "PiecewiseConstantDecay", "boundaries": [5], "values": [0.05, -0.5]}
    changes: dict[str, Any] = {"compile": {"optimizer": {"class_name": "SGD", "learning_rate": rates}}}
    left = Left(4)
    result = train(asked(**changes, fit={"epochs": 5, "validation_freq": 2}), Dataset(X, LABELS, NAMES), [left])
    losses = result.history["loss"][:4]
    best = losses.index(min(losses)) + 1
    assert best < 4
    salvaged = salvage(left.states[0], Keep.BEST)
    assert salvaged.metrics["loss"] == min(losses)
    assert salvaged.weights == fitted(**changes, fit={"epochs": best}).weights


def test_a_state_of_another_training_is_not_salvaged() -> None:
    with pytest.raises(LookupError):
        salvage(TrainingState(1, 0, {}, {"callbacks": {}}), Keep.LAST)


def test_a_training_on_a_table_is_salvaged_with_all_that_was_learnt_from_its_columns() -> None:
    rows = range(60)
    columns = {
        "size": [float(row) if row % 7 else None for row in rows],
        "rank": list(rows),
        "day": pa.array([86_400_000_000 * row for row in rows], pa.timestamp("us")),
        "color": [("red", "green", "blue", None)[row % 4] for row in rows],
        "kind": [("a", "a", "b")[row % 3] for row in rows],
    }
    split = {"test": 0.2, "validation": 0.2, "method": "stratified"}
    request = asked(
        spec={"layers": [{"class_name": "Dense", "units": 2, "activation": "softmax"}]},
        data={"dataset": "ds_table", "target": "kind", "split": split},
    )
    left = Left(1)
    whole = train(request, Table(pa.table(columns)), [left])
    salvaged = salvage(left.states[0], Keep.LAST)
    for told in ("input", "data", "fit", "environment"):
        assert getattr(salvaged, told) == getattr(whole, told)
    assert salvaged.output == {key: whole.output[key] for key in whole.output if key not in MEASURED}
    assert (salvaged.evaluation, whole.evaluation is None) == (None, False)

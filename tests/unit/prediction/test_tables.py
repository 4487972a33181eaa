"""Tables predicted in blocks: each row as it is alone, in order, under names that say what it is."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from service.config import Settings
from service.data.datasets import Dataset
from service.data.tables import Table
from service.errors import Findings, Invalid, TooLarge
from service.prediction import LoadedVersion
from service.prediction.outputs import Asked
from service.prediction.tables import PART_ROWS, TablePrediction, kinds_of_arrays, tables_of
from service.training import train

RNG = np.random.default_rng(6)
ROWS = 20_000
TABLE = pa.table({
    "id": [f"row {i}" for i in range(ROWS)],
    "a": RNG.normal(size=ROWS),
    "zone": RNG.choice(["north", "south"], ROWS),
    "yes": RNG.random(ROWS) < 0.5,
    "kind": RNG.choice(["red", "green", "blue"], ROWS),
    "b": RNG.normal(size=ROWS),
    "c": RNG.normal(size=ROWS),
})  # fmt: skip


def version(
    target: Any = "kind", units: Any = "auto", loss: str = "sparse_categorical_crossentropy", **last: Any
) -> LoadedVersion:
    """What a training on two columns of the table makes."""
    units = {"kind": 3, "yes": 1, "b": 1}.get(str(target), 2) if units == "auto" else units
    request = {
        "spec": {"layers": [{"class_name": "Dense", "units": units, "activation": "softmax", **last}]},
        "compile": {"loss": loss, "optimizer": "adam"},
        "fit": {"epochs": 1, "seed": 2},
        "data": {"dataset": "ds", "target": target, "features": ["a", "zone"]},
    }
    made = train(request, Table(TABLE.slice(0, 100)))
    return LoadedVersion(made, made.weights)


@pytest.fixture(scope="module")
def classifier() -> LoadedVersion:
    return version()


def answered(
    loaded: LoadedVersion, asked: Asked, *tables: pa.Table, include: list[str] | None = None, watch: Any = print
) -> pa.Table:
    findings = Findings()
    given = [Table(table) for table in tables or (TABLE,)]
    prediction = TablePrediction(loaded, asked, given[0].kinds, findings, include=include or [])
    findings.raise_errors()
    answer = pa.concat_tables(prediction.answers(given, findings, watch))
    assert answer.column_names == prediction.names
    return answer


def test_outputs_beyond_the_classes_have_names_that_no_class_has() -> None:
    data = Dataset(np.eye(4, 2, dtype=np.float32), np.array([0, 1, 0, 1], np.int32), classes=("1", "3"))
    request = {
        "spec": {"layers": [{"class_name": "Dense", "units": 4, "activation": "softmax"}]},
        "compile": {"loss": "sparse_categorical_crossentropy"},
        "fit": {"epochs": 1, "seed": 2},
    }
    made = train(request, data)
    loaded = LoadedVersion(made, made.weights)
    prediction = TablePrediction(loaded, Asked(frozenset({"predictions"})), kinds_of_arrays(2), Findings())
    assert prediction.names == ["prediction_1", "prediction_3", "prediction_2", "prediction_3_"]
    answer = pa.concat_tables(prediction.answers(tables_of(data.x), Findings()))
    assert [column["name"] for column in Table(answer).describe()] == prediction.names


def test_every_row_is_answered_in_order_however_the_rows_are_cut(classifier: LoadedVersion) -> None:
    done: list[int] = []
    whole = answered(classifier, Asked(), include=["id"], watch=done.append)
    assert whole.column_names == ["id", "predicted_kind", "probability_blue", "probability_green", "probability_red"]
    assert whole["id"].equals(TABLE["id"])
    assert done == sorted(done)
    assert len(done) > 1
    assert done[-1] == ROWS
    cut = answered(classifier, Asked(), TABLE.slice(0, 1), TABLE.slice(1, 777), TABLE.slice(778))
    assert cut["predicted_kind"].to_pylist() == whole["predicted_kind"].to_pylist()
    scores = np.stack([whole[name].to_numpy() for name in whole.column_names[2:]], axis=1)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    names = np.array(["blue", "green", "red"])
    assert whole["predicted_kind"].to_pylist() == names[scores.argmax(axis=1)].tolist()


def test_no_more_than_a_part_is_read_ahead(classifier: LoadedVersion) -> None:
    asked_for: list[int] = []

    def many() -> Iterator[Table]:
        for start in range(0, ROWS, 500):
            asked_for.append(start)
            yield Table(TABLE.slice(start, 500))

    findings = Findings()
    answers = TablePrediction(classifier, Asked(), Table(TABLE).kinds, findings).answers(many(), findings)
    assert len(next(answers)) == 500
    del answers
    assert len(asked_for) <= 1 + PART_ROWS // 8192


def test_the_same_table_gives_the_same_bits(classifier: LoadedVersion) -> None:
    assert answered(classifier, Asked()).equals(answered(classifier, Asked()))


@pytest.mark.parametrize(
    ("made", "asked", "names"),
    [
        ({"target": "yes", "loss": "binary_crossentropy", "activation": "sigmoid"}, Asked(),
         ["predicted_yes", "probability_false", "probability_true"]),
        ({"target": "yes", "loss": "binary_crossentropy", "activation": "sigmoid"},
         Asked(frozenset({"predictions"}), 1), ["prediction", "top_1", "top_1_score"]),
        ({"target": "b", "loss": "mse", "activation": "linear"}, Asked(), ["predicted_b"]),
        ({"target": ["b", "c"], "loss": "mse", "activation": "linear"}, Asked(), ["predicted_b", "predicted_c"]),
        ({}, Asked(frozenset({"predictions"})), ["prediction_blue", "prediction_green", "prediction_red"]),
        ({}, Asked(top_k=9), ["predicted_kind", "probability_blue", "probability_green", "probability_red",
                              "top_1", "top_1_score", "top_2", "top_2_score", "top_3", "top_3_score"]),
    ],
)  # fmt: skip
def test_columns_are_named_after_targets_and_classes(made: dict[str, Any], asked: Asked, names: list[str]) -> None:
    answer = answered(version(**made), asked, TABLE.slice(0, 50))
    assert answer.column_names == names
    assert answer.num_rows == 50


def test_outputs_without_names_are_counted_from_0() -> None:
    layers = [{"class_name": "Dense", "units": 4, "activation": "softmax"}]
    request = {"spec": {"layers": layers}, "compile": {"loss": "mse"}, "fit": {"seed": 1}}
    made = train(request, Dataset(np.ones((5, 2), np.float32), np.ones((5, 4), np.float32)))
    loaded = LoadedVersion(made, made.weights)
    x = RNG.normal(size=(9000, 2)).astype(np.float32)
    findings = Findings()
    prediction = TablePrediction(loaded, Asked(), kinds_of_arrays(2), findings)
    answer = pa.concat_tables(prediction.answers(tables_of(x), findings))
    assert answer.column_names == [f"prediction_{n}" for n in range(4)]
    assert np.allclose(np.stack([column.to_numpy() for column in answer.columns], axis=1), loaded.predict(x), atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "include", "found"),
    [
        (Asked(frozenset({"probabilities"})), [], {("#/outputs", "not_a_classifier")}),
        (Asked(frozenset({"predicted_classes"})), [], {("#/outputs", "not_a_classifier")}),
        (Asked(top_k=1), [], {("#/top_k", "not_a_classifier")}),
        (Asked(), ["nowhere"], {("#/include", "unknown_column")}),
        (Asked(), ["id", "id"], {("#/include", "duplicate")}),
    ],
)
def test_what_a_version_cannot_tell_is_refused(asked: Asked, include: list[str], found: set[tuple[str, str]]) -> None:
    findings = Findings()
    loaded = version("b", 1, "mse", activation="linear")
    TablePrediction(loaded, asked, Table(TABLE).kinds, findings, include=include)
    assert {(one.pointer, one.code) for one in findings.errors} == found


def test_a_wrong_cell_late_in_the_table_is_told_with_all_others(classifier: LoadedVersion) -> None:
    values = TABLE["a"].to_pylist()
    values[5], values[ROWS - 1] = 1e300, float("inf")
    broken = TABLE.set_column(1, "a", pa.array(values))
    with pytest.raises(Invalid) as refused:
        answered(classifier, Asked(), broken)
    assert [one.pointer for one in refused.value.findings] == ["#/rows/5/a", f"#/rows/{ROWS - 1}/a"]
    everywhere = TABLE.set_column(1, "a", pa.array([1e300] * ROWS))
    seen: list[int] = []
    with pytest.raises(Invalid):
        answered(classifier, Asked(), everywhere, TABLE, watch=seen.append)
    assert seen[-1] <= ROWS


def test_an_answer_larger_than_a_table_may_be_is_refused(classifier: LoadedVersion) -> None:
    findings = Findings()
    prediction = TablePrediction(classifier, Asked(), Table(TABLE).kinds, findings)
    limits = Settings(_env_file=None, max_table_cells=100)
    prediction.check_size(25, limits)
    with pytest.raises(TooLarge, match="100"):
        prediction.check_size(26, limits)

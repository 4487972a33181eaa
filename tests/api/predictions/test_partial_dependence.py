"""Partial dependence over HTTP, compared with scikit-learn's."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence

from tests.api.predictions.test_intervals import trained_on
from tests.support.penguins import csv_of, penguins, upload
from tests.support.serving import Service, assert_problem

RNG = np.random.default_rng(6)
X = np.column_stack([RNG.normal(size=250), RNG.integers(0, 4, 250), RNG.exponential(size=250)]).astype(np.float32)
Y = X[:, 0] ** 2 + X[:, 1] * X[:, 2]


class Served(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Asks the service."""

    def __init__(self, service: Any = None) -> None:
        self.service = service
        self.fitted_ = True

    def fit(self, _x: Any, _y: Any) -> Any:
        return self

    def predict(self, x: Any) -> Any:
        answer = self.service.client.post("/v1/models/curved:predict", json={"instances": x.tolist()})
        return np.array(answer.json()["predictions"])[:, 0]


@pytest.fixture
def curved(service: Service) -> Service:
    asked = {
        "model": "curved",
        "spec": {
            "layers": [{"class_name": "Dense", "units": 8, "activation": "tanh"}, {"class_name": "Dense", "units": 1}]
        },
        "compile": {"optimizer": {"class_name": "Adam", "learning_rate": 0.02}, "loss": "mse"},
        "fit": {"epochs": 5, "seed": 1},
        "data": {"x": X.tolist(), "y": Y.tolist()},
    }
    assert service.client.post("/v1/training-jobs", json=asked).status_code == 202
    service.work()
    return service


def test_means_and_curves_are_those_of_scikit_learn(curved: Service) -> None:
    asked = {"data": {"x": X.tolist(), "y": Y.tolist()}, "partial_dependence": ["0", "1", "2"]}
    view = curved.client.post("/v1/models/curved:evaluate", json=asked).json()
    for column, found in enumerate(view["report"]["partial_dependence"]):
        theirs = partial_dependence(Served(curved), X.astype(float), [column], method="brute", kind="both")
        (output,) = found["outputs"]
        assert (found["feature"], found["rows"], len(found["values"])) == (str(column), 250, 4 if column == 1 else 100)
        np.testing.assert_allclose(found["values"], theirs["grid_values"][0], atol=1e-6)
        np.testing.assert_allclose(output["average"], theirs["average"][0], atol=1e-6)
        np.testing.assert_allclose(output["individual"], theirs["individual"][0][found["curves"]], atol=1e-6)
        assert len(found["curves"]) == 50


def test_columns_of_a_table_are_tried_in_its_words(service: Service) -> None:
    trained_on(service, "species", {"class_name": "Dense", "units": "auto", "activation": "softmax"})
    table = penguins(60, seed=4)
    dataset = upload(service, csv_of(table))["id"]
    names = ["island", "female", "bill", "seen"]
    asked = {"data": {"dataset": dataset}, "partial_dependence": names}
    report = service.client.post("/v1/models/penguins:evaluate", json=asked).json()["report"]["partial_dependence"]
    island, female, bill, seen = report
    assert island["values"] == ["Biscoe", "Dream", "Torgersen"]
    assert female["values"] == [0.0, 1.0]
    assert bill["values"] == sorted({value for value in table["bill"] if value is not None})
    assert seen["values"][0] == "2024-01-10T00:00:00"
    kept = ("island", "bill", "mass", "female", "seen")
    dreaming = [{**{name: table[name][row] for name in kept}, "island": "Dream"} for row in range(60)]
    view = service.client.post(
        "/v1/models/penguins:predict", json={"instances": dreaming, "outputs": ["probabilities"]}
    ).json()
    for output in island["outputs"]:
        expected = np.mean([one[output["output"]] for one in view["probabilities"]])
        assert output["average"][1] == pytest.approx(expected, abs=1e-6)
    inline = {"x": [{name: table[name][row] for name in kept} for row in range(60)], "y": table["species"]}
    again = service.client.post(
        "/v1/models/penguins:evaluate", json={"data": inline, "partial_dependence": ["island"]}
    ).json()
    assert again["report"]["partial_dependence"][0]["values"] == island["values"]
    np.testing.assert_allclose(
        again["report"]["partial_dependence"][0]["outputs"][0]["average"], island["outputs"][0]["average"], atol=1e-6
    )


@pytest.mark.parametrize(
    ("names", "pointer", "code"),
    [
        (["nowhere"], "#/partial_dependence/0", "unknown_column"),
        ("0", "#/partial_dependence", "wrong_type"),
        ([], "#/partial_dependence", "wrong_type"),
        ([["0"]], "#/partial_dependence", "wrong_type"),
        (["0"] * 11, "#/partial_dependence", "wrong_type"),
    ],
)
def test_columns_that_there_are_not_are_refused(curved: Service, names: Any, pointer: str, code: str) -> None:
    asked = {"data": {"x": X.tolist(), "y": Y.tolist()}, "partial_dependence": names}
    problem = assert_problem(curved.client.post("/v1/models/curved:evaluate", json=asked), 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(pointer, code)]

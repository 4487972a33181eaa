"""Intervals and sets over HTTP: in JSON, in tables and in prediction jobs, and designed refusals."""

import io
from typing import Any

import numpy as np
import pytest
from pyarrow import csv

from tests.support.penguins import csv_of, penguins, request, upload
from tests.support.serving import Service, assert_problem

SPLIT = {"validation": 0.25, "seed": 3}


@pytest.fixture
def regression(service: Service) -> Service:
    return trained_on(service, "mass", {"class_name": "Dense", "units": "auto"}, "mse")


@pytest.fixture
def classification(service: Service) -> Service:
    return trained_on(service, "species", {"class_name": "Dense", "units": "auto", "activation": "softmax"})


def trained_on(service: Service, target: str, last: Any, loss: str = "categorical_crossentropy") -> Service:
    dataset = upload(service, csv_of(penguins()))["id"]
    asked = request(dataset, spec={"layers": [{"class_name": "Dense", "units": 8, "activation": "relu"}, last]})
    asked["compile"] = {"optimizer": {"class_name": "Adam", "learning_rate": 0.02}, "loss": loss}
    asked["data"] = {"dataset": dataset, "target": target, "split": SPLIT}
    answer = service.client.post("/v1/training-jobs", json=asked)
    assert answer.status_code == 202, answer.text
    service.work()
    return service


def rows(count: int = 20) -> list[dict[str, Any]]:
    table = penguins(count, seed=9)
    kept = [name for name in table if name not in ("name", "nothing", "planet")]
    return [{name: table[name][row] for name in kept} for row in range(count)]


def predict(service: Service, **asked: Any) -> Any:
    instances = [{key: one[key] for key in ("island", "bill", "female", "seen")} for one in rows()]
    target = service.client.get("/v1/models/penguins/versions/1").json()["output"]["targets"]
    if target == ["species"]:
        instances = [one | {"mass": other["mass"]} for one, other in zip(instances, rows(), strict=True)]
    else:
        instances = [one | {"species": other["species"]} for one, other in zip(instances, rows(), strict=True)]
    return service.client.post("/v1/models/penguins:predict", json={"instances": instances, **asked})


def test_numbers_get_an_interval_for_each_output(regression: Service) -> None:
    view = predict(regression, interval=0.9).json()
    ends, middle = np.array(view["intervals"]), np.array(view["predictions"])
    assert ends.shape == (20, 1, 2)
    np.testing.assert_allclose(ends.mean(axis=-1), middle, rtol=1e-6)
    narrow = np.array(predict(regression, interval=0.5).json()["intervals"])
    assert (np.diff(narrow) < np.diff(ends)).all()
    assert "intervals" not in predict(regression).json()


def test_classes_get_the_set_of_those_that_may_be_true(classification: Service) -> None:
    view = predict(classification, interval=0.95, outputs=["probabilities"]).json()
    assert len(view["sets"]) == 20
    for names, probabilities in zip(view["sets"], view["probabilities"], strict=True):
        left = [probabilities[name] for name in probabilities if name not in names]
        assert not left or not names or max(left) < min(probabilities[name] for name in names)


def test_a_version_shows_which_rows_its_intervals_come_from_and_not_the_scores(regression: Service) -> None:
    output = regression.client.get("/v1/models/penguins/versions/1").json()["output"]
    assert output["conformity"] == {"part": "validation", "rows": 60}


def test_tables_and_jobs_get_the_ends_as_columns(regression: Service) -> None:
    table = penguins(20, seed=9)
    content = csv_of({name: table[name] for name in ("island", "bill", "female", "seen", "species")})
    answer = regression.client.post(
        "/v1/models/penguins:predict?interval=0.9", content=content, headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 200, answer.text
    read = csv.read_csv(io.BytesIO(answer.content))
    assert read.column_names == ["predicted_mass", "predicted_mass_low", "predicted_mass_high"]
    ends = np.array(predict(regression, interval=0.9).json()["intervals"])[:, 0]
    np.testing.assert_allclose(np.stack([read[name].to_numpy() for name in read.column_names[1:]], 1), ends)
    dataset = upload(regression, content)["id"]
    asked = {"model": "penguins", "dataset": dataset, "interval": 0.9}
    job = regression.client.post("/v1/prediction-jobs", json=asked).json()
    assert job["interval"] == 0.9
    regression.work()
    done = regression.client.get(f"/v1/prediction-jobs/{job['id']}").json()
    made = regression.client.get(done["links"]["content"], headers={"Accept": "text/csv"})
    np.testing.assert_allclose(csv.read_csv(io.BytesIO(made.content))["predicted_mass_high"].to_numpy(), ends[:, 1])


def test_tables_say_of_each_class_whether_it_is_in_the_set(classification: Service) -> None:
    table = penguins(20, seed=9)
    content = csv_of({name: table[name] for name in ("island", "bill", "female", "seen", "mass")})
    query = {"interval": 0.9, "outputs": "predicted_classes"}
    answer = classification.client.post(
        "/v1/models/penguins:predict", params=query, content=content, headers={"Content-Type": "text/csv"}
    )
    read = csv.read_csv(io.BytesIO(answer.content)).to_pylist()
    sets = [[name.removeprefix("in_set_") for name, value in row.items() if value is True] for row in read]
    assert sets == predict(classification, interval=0.9).json()["sets"]


@pytest.mark.parametrize("level", [0, 1, 1.5, "0.9", True, [0.9]])
def test_a_level_that_is_no_probability_is_refused(regression: Service, level: Any) -> None:
    problem = assert_problem(predict(regression, interval=level), 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/interval", "out_of_range")]


def test_more_than_the_held_out_rows_can_promise_is_refused_with_what_they_can(regression: Service) -> None:
    problem = assert_problem(predict(regression, interval=0.99), 422, "invalid_request")
    assert [one["code"] for one in problem["errors"]] == ["too_few_rows"]
    assert "at most 0.9836" in problem["errors"][0]["detail"]  # 60 / 61
    assert predict(regression, interval=0.9836).status_code == 200


def test_a_version_without_held_out_rows_says_how_to_get_some(shared: Service) -> None:
    answer = shared.client.post("/v1/models/xor:predict", json={"instances": [[0, 1]], "interval": 0.9})
    problem = assert_problem(answer, 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/interval", "no_interval")]
    assert "validation" in problem["errors"][0]["detail"]

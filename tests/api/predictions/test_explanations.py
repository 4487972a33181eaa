"""Explanations over HTTP: they add up to the prediction, and say what they are of."""

from typing import Any

import numpy as np
import pytest

from tests.api.predictions.test_intervals import rows, trained_on
from tests.support.serving import Service, assert_problem

SOFTMAX = {"class_name": "Dense", "units": "auto", "activation": "softmax"}
NEEDED = {
    "species": ("island", "bill", "mass", "female", "seen"),
    "mass": ("island", "bill", "species", "female", "seen"),
}


def explained(service: Service, target: str, **asked: Any) -> Any:
    instances = [{key: one[key] for key in NEEDED[target]} for one in rows()]
    return service.client.post("/v1/models/penguins:predict", json={"instances": instances, "explain": True, **asked})


def total(explanation: Any) -> float:
    return float(explanation["baseline"] + sum(explanation["columns"].values()))


def test_contributions_to_a_number_add_up_to_it(service: Service) -> None:
    trained_on(service, "mass", {"class_name": "Dense", "units": "auto"}, "mse")
    view = explained(service, "mass").json()
    assert len(view["explanations"]) == 20
    for prediction, explanation in zip(view["predictions"], view["explanations"], strict=True):
        assert explanation.keys() == {"method", "baseline", "columns"}
        assert explanation["method"] == "exact"
        assert list(explanation["columns"]) != []
        assert total(explanation) == pytest.approx(prediction[0], rel=1e-5)
    assert len({explanation["baseline"] for explanation in view["explanations"]}) == 1


def test_contributions_to_a_class_add_up_to_its_probability(service: Service) -> None:
    trained_on(service, "species", SOFTMAX)
    view = explained(service, "species", outputs=["predicted_classes", "probabilities"]).json()
    for name, p, explanation in zip(
        view["predicted_classes"], view["probabilities"], view["explanations"], strict=True
    ):
        assert explanation["output"] == name
        assert total(explanation) == pytest.approx(p[name], abs=1e-5)
        assert set(explanation["columns"]) == {"island", "bill", "mass", "female", "seen"}
    strongest = [max(one["columns"], key=lambda name: abs(one["columns"][name])) for one in view["explanations"]]
    assert set(strongest) <= {"island", "bill", "mass"}  # which the species depends on
    assert "typical" not in service.client.get("/v1/models/penguins/versions/1").json()["input"]


def test_several_outputs_are_explained_each_by_itself(service: Service) -> None:
    x = np.random.default_rng(0).normal(size=(60, 12)).round(2)
    asked = {
        "model": "two",
        "spec": {
            "layers": [{"class_name": "Dense", "units": 4, "activation": "tanh"}, {"class_name": "Dense", "units": 2}]
        },
        "compile": {"loss": "mse"},
        "data": {"x": x.tolist(), "y": (x[:, :2] * [1, -2]).tolist()},
    }
    assert service.client.post("/v1/training-jobs", json=asked).status_code == 202
    service.work()
    view = service.client.post("/v1/models/two:predict", json={"instances": x[:2].tolist(), "explain": True}).json()
    for prediction, explanation in zip(view["predictions"], view["explanations"], strict=True):
        assert explanation["method"] == "sampled"
        found = np.array(explanation["baseline"]) + np.sum(list(explanation["columns"].values()), axis=0)
        np.testing.assert_allclose(found, prediction, atol=1e-5)
        assert list(explanation["columns"]) == [str(place) for place in range(12)]


def test_what_cannot_be_explained_is_refused(service: Service) -> None:
    x = np.random.default_rng(0).normal(size=(30, 400)).round(2)
    asked = {
        "model": "wide",
        "spec": {"layers": [{"class_name": "Dense", "units": 300}, {"class_name": "Dense", "units": 1}]},
        "compile": {"loss": "mse"},
        "data": {"x": x.tolist(), "y": x[:, 0].tolist()},
    }
    assert service.client.post("/v1/training-jobs", json=asked).status_code == 202
    service.work()
    path = "/v1/models/wide:predict"
    answer = service.client.post(path, json={"instances": (x.tolist() * 20), "explain": True})
    problem = assert_problem(answer, 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/explain", "too_many_rows")]
    answer = service.client.post(path, json={"instances": x[:2].tolist(), "explain": 1})
    problem = assert_problem(answer, 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/explain", "wrong_type")]
    assert "explanations" not in service.client.post(path, json={"instances": x[:2].tolist(), "explain": False}).json()


def test_a_version_without_a_typical_row_says_what_to_do(service: Service) -> None:
    body = {
        "spec": {"layers": [{"class_name": "Dense", "units": 1, "input_dim": 2}]},
        "weights": [[[1.5], [-1.5]], [0.25]],
    }
    assert service.client.post("/v1/models:import?model=given", json=body).status_code == 201
    answer = service.client.post("/v1/models/given:predict", json={"instances": [[0, 1]], "explain": True})
    problem = assert_problem(answer, 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/explain", "no_baseline")]

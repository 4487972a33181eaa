"""A finished job says how good its model is beside knowing nothing."""

from typing import Any

import numpy as np

from tests.support.serving import Service

RNG = np.random.default_rng(12)
ADAM = {"class_name": "Adam", "learning_rate": 0.1}
X = RNG.normal(size=(200, 3)).round(4)


def train(service: Service, y: Any, **fit: Any) -> dict[str, Any]:
    return service.train(
        model="scored",
        spec={"layers": [{"class_name": "Dense", "units": 1, "activation": "sigmoid"}]},
        compile={
            "optimizer": {"class_name": "Adam", "learning_rate": 0.1},
            "loss": "binary_crossentropy",
            "metrics": [],
        },
        fit={"epochs": 30, "seed": 1, "callbacks": [], **fit},
        data={"x": X.tolist(), "y": y.tolist(), "split": {"test": 0.3, "seed": 3}},
    )


def test_a_job_and_its_version_carry_the_score_of_the_test_part(service: Service) -> None:
    job = train(service, (X[:, 0] > 0).astype(int))
    score = job["score"]
    assert (score["part"], score["metric"], score["rows"]) == ("test", "log_loss", 60)
    assert score["value"] < score["baseline"]
    assert 0.5 < score["skill"] == 1 - score["value"] / score["baseline"]
    assert score["metrics"]["accuracy"] > 0.9 > score["baseline_metrics"]["accuracy"]
    assert service.client.get("/v1/models/scored/versions/1").json()["score"] == score
    assert "no_better_than_baseline" not in {one["code"] for one in job["warnings"]}


def test_a_model_that_is_no_better_than_knowing_nothing_says_so(service: Service) -> None:
    job = train(service, RNG.integers(0, 2, 200), epochs=200)
    assert job["score"]["skill"] <= 0
    (warning,) = [one for one in job["warnings"] if one["code"] == "no_better_than_baseline"]
    assert f"{job['score']['baseline']:.5g}" in warning["detail"]


def test_nothing_held_out_is_no_score(service: Service) -> None:
    assert service.train()["score"] is None

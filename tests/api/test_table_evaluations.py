"""Evaluations on tables over HTTP: a version measured on a dataset, and what is remembered of it."""

from typing import Any

import httpx
import numpy as np
import pytest

from tests.penguins import csv_of, penguins, trained, upload
from tests.serving import Service, assert_problem


def test_a_version_is_measured_on_a_dataset_and_remembers_it(service: Service) -> None:
    job = trained(service)
    other = upload(service, csv_of(penguins(100, seed=8)))
    answer = service.client.post("/v1/models/penguins:evaluate", json={"data": {"dataset": other["id"]}})
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    assert report["kind"] == "classification"
    assert np.sum(report["confusion_matrix"]["counts"]) == 100
    assert answer.json()["metrics"]["accuracy"] == pytest.approx(report["accuracy"], abs=1e-6)
    kept = service.client.get(f"{job['links']['version']}/evaluations").json()["items"]
    assert [(one["dataset"], one["part"]) for one in kept] == [(other["id"], None), (None, "test")]
    assert kept[0]["report"] == report
    asked = {"data": {"dataset": other["id"]}, "importance": 3}
    importance = service.client.post("/v1/models/penguins:evaluate", json=asked).json()["report"]["importance"]
    assert {one["feature"] for one in importance[:3]} == {"island", "bill", "mass"}
    assert_problem(
        service.client.post("/v1/models/penguins:evaluate", json={**asked, "importance": 0}), 422, "invalid_request"
    )


def test_an_evaluation_leaves_out_the_rows_without_a_target_where_the_training_did_or_it_is_asked_to(
    service: Service,
) -> None:
    whole = "a,y\n" + "".join(f"{number},{2 * number}\n" for number in range(8))
    gaps = upload(service, (whole + "8,\n9,\n").encode())
    asked = {"spec": {"layers": [{"class_name": "Dense", "units": 1}]}, "compile": {"loss": "mse"}}

    def measure(model: str, **data: Any) -> httpx.Response:
        return service.client.post(f"/v1/models/{model}:evaluate", json={"data": {"dataset": gaps["id"], **data}})

    drop = {"name": "y", "missing": "drop"}
    for model, dataset, target in (("dropped", gaps, drop), ("whole", upload(service, whole.encode()), "y")):
        data = {"dataset": dataset["id"], "target": target}
        assert service.client.post("/v1/training-jobs", json={**asked, "model": model, "data": data}).is_success
    service.work()
    assert measure("dropped").json()["rows"] == 8
    assert_problem(measure("whole"), 422, "invalid_request")
    answer = measure("whole", target=drop)
    assert (answer.status_code, answer.json().get("rows")) == (200, 8)
    wrong: list[tuple[Any, str, str]] = [
        ("a", "#/data/target", "conflict"),
        ({"name": "y", "missing": "guess"}, "#/data/target/missing", "unknown_name"),
    ]
    for target, pointer, code in wrong:
        problem = assert_problem(measure("whole", target=target), 422, "invalid_request")
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]

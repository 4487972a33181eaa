"""Evaluations on tables over HTTP: a version measured on a dataset, and what is remembered of it."""

import io
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.penguins import csv_of, penguins, request, trained, upload
from tests.support.serving import Service, assert_problem


def arrays(service: Service, x: Any, y: Any) -> dict[str, Any]:
    sink = io.BytesIO()
    np.savez(sink, x=x, y=y)
    return upload(service, sink.getvalue(), headers={"Content-Type": "application/x-npz"})


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


def test_stored_arrays_are_measured_in_the_classes_of_the_version(service: Service) -> None:
    x, names = np.eye(3, dtype=np.float32)[[0, 1, 2] * 8], np.array(["a", "b", "c"] * 8)
    data = {"dataset": arrays(service, x, names)["id"]}
    asked = {**request(""), "model": "letters", "data": data}
    assert service.client.post("/v1/training-jobs", json=asked).is_success
    service.work()

    def measure(**data: Any) -> httpx.Response:
        return service.client.post("/v1/models/letters:evaluate", json={"data": data})

    fewer = names != "a"
    stored = measure(dataset=arrays(service, x[fewer], names[fewer])["id"]).json()
    assert stored["metrics"] == measure(x=x[fewer].tolist(), y=names[fewer].tolist()).json()["metrics"]
    assert [one["rows"] for one in stored["report"]["classes"]] == [0, 8, 8]
    strange = measure(dataset=arrays(service, x, np.where(fewer, names, "z"))["id"])
    errors = assert_problem(strange, 422, "invalid_request")["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [("#/data/y", "unknown_class")]


def test_an_evaluation_weighs_the_rows_of_a_table_as_the_test_part_was_weighed(service: Service) -> None:
    lines = [f"{number},{2 * number},{number % 3}" for number in range(20)]
    whole, test = (upload(service, "\n".join(["a,y,w", *some]).encode()) for some in (lines, lines[-5:]))
    split = {"test": 0.25, "method": "last"}
    asked = {
        "model": "weighed",
        "spec": {"layers": [{"class_name": "Dense", "units": 1}]},
        "compile": {"loss": "mse"},
        "fit": {"epochs": 1, "seed": 1},
        "data": {"dataset": whole["id"], "target": "y", "sample_weight": "w", "split": split},
    }
    answer = service.client.post("/v1/training-jobs", json=asked)
    service.work()

    def measure(**data: Any) -> httpx.Response:
        asked = {"data": {"dataset": test["id"], **data}}
        return service.client.post("/v1/models/weighed:evaluate", json=asked)

    job = service.client.get(answer.headers["Location"]).json()
    stored = service.client.get(job["links"]["version"]).json()["metrics"]["test_loss"]
    assert measure(sample_weight="w").json()["metrics"] == {"loss": stored}
    assert measure().json()["metrics"] != {"loss": stored}
    for wrong in ("nobody", 7):
        errors = assert_problem(measure(sample_weight=wrong), 422, "invalid_request")["errors"]
        assert [error["pointer"] for error in errors] == ["#/data/sample_weight"]


def test_an_evaluation_passes_over_gaps_in_rows_that_the_training_left_out(service: Service) -> None:
    rows = [",," if number == 3 else f"{number},{2 * number},1" for number in range(9)]
    gaps = upload(service, "\n".join(["a,y,w", *rows]).encode())
    data = {"dataset": gaps["id"], "target": {"name": "y", "missing": "drop"}, "sample_weight": "w"}
    asked = {
        "model": "gaps",
        "spec": {"layers": [{"class_name": "Dense", "units": 1}]},
        "compile": {"loss": "mse"},
        "data": {**data, "features": [{"name": "a", "missing": "reject"}]},
    }
    assert service.client.post("/v1/training-jobs", json=asked).is_success
    service.work()
    answer = service.client.post("/v1/models/gaps:evaluate", json={"data": data})
    assert (answer.status_code, answer.json().get("rows")) == (200, 8)


@pytest.mark.parametrize("sizes", [("small", "middle", "large"), (1, 5, 10), (False, True)])
def test_rows_that_come_with_an_evaluation_are_in_the_words_of_the_table(service: Service, sizes: Any) -> None:
    rows = [{"a": 500 + 9 * number, "b": "even" if number % 2 == 0 else "odd"} for number in range(12)]
    y = [sizes[number % len(sizes)] for number in range(12)]
    lines = [f"{row['a']},{row['b']},{str(size).lower()}" for row, size in zip(rows, y, strict=True)]
    table = upload(service, "\n".join(["a,b,size", *lines]).encode())
    data = {"dataset": table["id"], "target": "size"}
    assert service.client.post("/v1/training-jobs", json={**request(""), "model": "sizes", "data": data}).is_success
    service.work()

    def measure(**data: Any) -> httpx.Response:
        return service.client.post("/v1/models/sizes:evaluate", json={"data": data})

    expected = measure(dataset=table["id"]).json()["metrics"]
    assert measure(x=rows, y=y).json()["metrics"] == expected
    assert measure(x=[list(row.values()) for row in rows], y=y).json()["metrics"] == expected
    problem = assert_problem(measure(x=[*rows[1:], {"a": "x", "b": "odd"}], y=y), 422, "invalid_request")
    assert [error["pointer"] for error in problem["errors"]] == ["#/data/x/11/a"]
    stored = measure(dataset=arrays(service, np.zeros((3, 5)), np.array([0, 1, 0]))["id"])
    problem = assert_problem(stored, 422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("#/data/dataset", "conflict")]

"""The API on PostgreSQL: the same answers as on SQLite."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from service.api.examples import SMALL
from tests.support.postgres import new_database
from tests.support.serving import Service, assert_problem, small


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("postgres"), database_url=new_database()) as made:
        yield made


def test_a_job_is_waited_for_and_its_model_predicts(postgres: Service) -> None:
    def work() -> None:
        while not postgres.rows()["jobs"]:
            time.sleep(0.01)
        postgres.work()

    worker = threading.Thread(target=work)
    worker.start()
    answer = postgres.client.post("/v1/training-jobs", json=small(), headers={"Prefer": "wait=30"})
    worker.join()
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    for _ in range(2):
        answer = postgres.client.post("/v1/models/xor:predict", json={"instances": SMALL["data"]["x"]})
        assert answer.json()["predicted_classes"] == SMALL["data"]["y"]


def test_a_deleted_version_answers_no_longer_even_if_it_was_loaded(postgres: Service) -> None:
    postgres.train(model="gone", fit={"epochs": 1})
    assert postgres.client.post("/v1/models/gone:predict", json={"instances": [[0, 1]]}).status_code == 200
    assert postgres.client.delete("/v1/models/gone").status_code == 204
    answer = postgres.client.post("/v1/models/gone:predict", json={"instances": [[0, 1]]})
    assert_problem(answer, 404, "not_found")


@pytest.mark.parametrize("rows", [60, 40_000])
def test_a_version_is_measured_on_a_dataset_large_or_small(postgres: Service, rows: int) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(rows, 2))
    lines = [f"{a:.17g},{b:.17g},{'yes' if a > b else 'no'}" for a, b in x]
    content = "\n".join(["a,b,more", *lines]).encode()
    headers = {"Content-Type": "text/csv"}
    dataset = postgres.client.post("/v1/datasets", content=content, headers=headers).json()
    asked = {
        "model": "measured",
        "spec": {"layers": [{"class_name": "Dense", "units": "auto", "activation": "sigmoid"}]},
        "compile": {"optimizer": {"class_name": "Adam", "learning_rate": 0.05}, "loss": "binary_crossentropy"},
        "fit": {"epochs": 2, "batch_size": 8 if rows < 100 else 512, "seed": 1},
        "data": {"dataset": dataset["id"], "target": "more"},
    }
    answer = postgres.client.post("/v1/training-jobs", json=asked)
    assert answer.status_code == 202, answer.text
    postgres.work()
    answer = postgres.client.post("/v1/models/measured:evaluate", json={"data": {"dataset": dataset["id"]}})
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    assert np.sum(report["confusion_matrix"]["counts"]) == rows
    assert report["accuracy"] > 0.7
    kept = postgres.client.get("/v1/models/measured/evaluations").json()["items"]
    assert kept[0]["dataset"] == dataset["id"]


def test_names_with_odd_characters_are_kept(postgres: Service) -> None:
    names = ["a\u0000b", "ü\n"]
    job = postgres.train(model="odd", data={"y": [names[0], names[1], names[1], names[0]]}, fit={"epochs": 2})
    version = postgres.client.get(job["links"]["version"]).json()
    assert version["output"]["classes"] == names


def test_a_path_with_odd_characters_is_not_found(postgres: Service) -> None:
    for path in ("/v1/models/%00", "/v1/training-jobs/%00", "/v1/training-jobs/x"):
        assert_problem(postgres.client.get(path), 404, "not_found")


def test_a_text_with_nul_that_postgresql_cannot_keep_or_look_for_is_refused(postgres: Service) -> None:
    client = postgres.client
    upload: dict[str, Any] = {"content": b"a,b\n1,2\n", "headers": {"Content-Type": "text/csv"}}
    assert_problem(client.post("/v1/datasets?name=a%00b", **upload), 422, "invalid_parameter")
    assert_problem(client.get("/v1/datasets?name=a%00b"), 422, "invalid_parameter")
    postgres.train(model="named", fit={"epochs": 1})
    moved = client.request("PUT", "/v1/models/named/labels/stable", json={"version": 1, "by": "a\0b"})
    measured = client.post("/v1/models/named:evaluate", json={"data": {"dataset": "ds_\0"}})
    trained = client.post("/v1/training-jobs", json={**small(), "data": {"dataset": "ds_\0", "target": "y"}})
    for answer, pointer in ((moved, "#/by"), (measured, "#/data/dataset"), (trained, "#/data/dataset")):
        problem = assert_problem(answer, 422, "invalid_request")
        assert [error["pointer"] for error in problem["errors"]] == [pointer]

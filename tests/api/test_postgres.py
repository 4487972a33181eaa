"""The API on PostgreSQL: the same answers as on SQLite."""

import threading
import time
from collections.abc import Iterator

import pytest

from service.api.examples import SMALL
from tests.postgres import new_database
from tests.serving import Service, assert_problem, small


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


def test_names_with_odd_characters_are_kept(postgres: Service) -> None:
    names = ["a\u0000b", "ü\n"]
    job = postgres.train(model="odd", data={"y": [names[0], names[1], names[1], names[0]]}, fit={"epochs": 2})
    version = postgres.client.get(job["links"]["version"]).json()
    assert version["output"]["classes"] == names


def test_a_path_with_odd_characters_is_not_found(postgres: Service) -> None:
    for path in ("/v1/models/%00", "/v1/training-jobs/%00", "/v1/training-jobs/x"):
        assert_problem(postgres.client.get(path), 404, "not_found")

"""Prediction jobs over HTTP: queued, watched and cancelled as trainings are; their result is a dataset."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from service.jobs import MAX_STALLS
from tests.api.jobs.test_events import read as read_events
from tests.api.predictions.test_table_predictions import ARROW, PARQUET, PROBABILITIES, predicted, read
from tests.support.penguins import SPECIES, csv_of, penguins, trained, upload
from tests.support.serving import Service, assert_problem

PATH = "/v1/prediction-jobs"


def submitted(service: Service, dataset: str, headers: dict[str, str] | None = None, **asked: Any) -> dict[str, Any]:
    document = {"model": "penguins", "dataset": dataset, **asked}
    answer = service.client.post(PATH, json=document, headers=headers or {})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == job["links"]["self"] == f"{PATH}/{job['id']}"
    return job


def finished(service: Service, dataset: str, **asked: Any) -> dict[str, Any]:
    job = submitted(service, dataset, **asked)
    service.work()
    done: dict[str, Any] = service.client.get(job["links"]["self"]).json()
    return done


@pytest.fixture
def dataset(service: Service) -> str:
    """A dataset to predict for, of a service with the model `penguins`."""
    trained(service)
    made: str = upload(service, csv_of(penguins(300, seed=5)))["id"]
    return made


def test_the_result_is_a_dataset_that_says_what_predict_says(service: Service, dataset: str) -> None:
    queued = submitted(service, dataset, include=["name"])
    assert (queued["status"], queued["version"], queued["result"], queued["dataset"]) == ("queued", 1, None, dataset)
    assert queued["progress"] == {"rows_done": 0, "rows": 300, "fraction": 0.0, "eta_seconds": None}
    service.work()
    job = service.client.get(queued["links"]["self"]).json()
    assert (job["status"], job["version"], job["attempt"], job["error"]) == ("succeeded", 1, 1, None)
    assert job["progress"] == {"rows_done": 300, "rows": 300, "fraction": 1.0, "eta_seconds": None}
    view = service.client.get(job["links"]["result"]).json()
    assert (view["rows"], view["form"], view["name"]) == (300, "table", None)
    columns = {column["name"]: column for column in view["columns"]}
    assert list(columns) == ["name", "predicted_species", *PROBABILITIES]
    assert {value["value"] for value in columns["predicted_species"]["values"]} == set(SPECIES)
    expected = predicted(service, csv_of(penguins(300, seed=5)), path="/v1/models/penguins:predict?include=name")
    for form, media_type in (("csv", "text/csv"), ("parquet", PARQUET), ("arrow", ARROW)):
        content = service.client.get(f"{job['links']['content']}?format={form}").content
        found = read(content, media_type)
        assert found["predicted_species"].to_pylist() == expected["predicted_species"].to_pylist()
        for name in PROBABILITIES:
            assert np.allclose(found[name].to_numpy(), expected[name].to_numpy(), rtol=1e-5, atol=1e-7)


def test_a_job_tells_what_was_asked_for(service: Service, dataset: str) -> None:
    asked: dict[str, Any] = {
        "outputs": ["predictions", "probabilities"],
        "top_k": 2,
        "include": ["name"],
        "name": "answers",
    }
    for job in (submitted(service, dataset, **asked), service.client.get(PATH).json()["items"][0]):
        assert {key: job[key] for key in asked} == asked
    plain = submitted(service, dataset)
    assert {key: plain[key] for key in asked} == {"outputs": None, "top_k": None, "include": [], "name": None}


def test_a_named_result_stays_and_another_goes_with_its_job(service: Service, dataset: str) -> None:
    named = finished(service, dataset, name="answers")
    other = finished(service, dataset, outputs=["predictions"])
    listed = service.client.get("/v1/datasets?name=answers").json()["items"]
    assert [one["id"] for one in listed] == [named["result"]]
    for job, status in ((named, 200), (other, 404)):
        assert service.client.delete(job["links"]["self"]).status_code == 204
        assert service.client.get(job["links"]["result"]).status_code == status


def test_the_same_prediction_twice_shares_its_result(service: Service, dataset: str) -> None:
    first, second = finished(service, dataset), finished(service, dataset)
    assert first["result"] == second["result"]
    assert service.client.delete(first["links"]["self"]).status_code == 204
    assert service.client.get(second["links"]["result"]).status_code == 200


def test_the_version_is_fixed_when_the_job_is_made(service: Service, dataset: str) -> None:
    label = "/v1/models/penguins/labels/stable"
    assert service.client.request("PUT", label, json={"version": 1}).status_code == 201
    jobs = [submitted(service, dataset, label="stable"), submitted(service, dataset)]
    trained(service, fit={"epochs": 1, "seed": 8})
    assert service.client.request("PUT", label, json={"version": 2}).status_code == 200
    jobs.append(submitted(service, dataset, version=1))
    service.work()
    done = [service.client.get(job["links"]["self"]).json() for job in jobs]
    assert {(job["status"], job["version"]) for job in done} == {("succeeded", 1)}
    assert len({job["result"] for job in done}) == 1


def test_what_a_job_needs_cannot_be_deleted_before_it_has_ended(service: Service, dataset: str) -> None:
    job = submitted(service, dataset)
    version, model, data = "/v1/models/penguins/versions/1", "/v1/models/penguins", f"/v1/datasets/{dataset}"
    for path, code in ((version, "version_in_use"), (model, "version_in_use"), (data, "dataset_in_use")):
        assert_problem(service.client.delete(path), 409, code)
    assert_problem(service.client.delete(job["links"]["self"]), 409, "job_not_final")
    service.work()
    for path in (data, version, model):
        assert service.client.delete(path).status_code == 204
    left = service.client.get(job["links"]["self"]).json()
    assert (left["status"], left["dataset"], left["links"]["dataset"]) == ("succeeded", None, None)
    assert service.client.get(left["links"]["result"]).status_code == 200


def test_jobs_of_each_kind_are_found_under_their_own_path(service: Service, dataset: str) -> None:
    job = finished(service, dataset)
    (training,) = service.client.get("/v1/training-jobs").json()["items"]
    assert [one["id"] for one in service.client.get(f"{PATH}?model=penguins").json()["items"]] == [job["id"]]
    assert service.client.get(f"{PATH}?status=queued").json()["items"] == []
    for kind, other in (("training", job), ("prediction", training)):
        path = f"/v1/{kind}-jobs/{other['id']}"
        for answer in (
            service.client.get(path),
            service.client.get(f"{path}/events"),
            service.client.post(f"{path}:cancel"),
            service.client.delete(path),
        ):
            problem = assert_problem(answer, 404, "not_found")
            assert f"{kind} job" in problem["detail"]


def test_the_events_tell_the_result(service: Service, dataset: str) -> None:
    job = finished(service, dataset)
    events = read_events(service.client.get(job["links"]["events"]))
    assert [event for _, event, _ in events] == ["status", "status", "status", "done"]
    assert events[-1][2]["result"] == job["result"]


def test_a_key_makes_one_job_and_waiting_answers_when_it_is_done(service: Service, dataset: str) -> None:
    key = {"Idempotency-Key": "once"}
    first = submitted(service, dataset, key)
    again = service.client.post(PATH, json={"model": "penguins", "dataset": dataset}, headers=key)
    assert (again.json()["id"], again.headers["Idempotency-Replayed"]) == (first["id"], "true")
    other = service.client.post(PATH, json={"model": "penguins", "dataset": dataset, "priority": 1}, headers=key)
    assert_problem(other, 422, "idempotency_key_reused")
    service.work()
    asked, headers = {"model": "penguins", "dataset": dataset}, {**key, "Prefer": "wait=5"}
    waited = service.client.post(PATH, json=asked, headers=headers)
    assert (waited.status_code, waited.json()["status"]) == (200, "succeeded")


def test_a_queued_job_is_cancelled_at_once(service: Service, dataset: str) -> None:
    job = submitted(service, dataset)
    answer = service.client.post(job["links"]["cancel"])
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    service.work()
    assert service.client.get(job["links"]["self"]).json()["result"] is None


def test_predictions_wait_in_the_queue_of_trainings(tmp_path: Any) -> None:
    with Service(tmp_path, max_queued_jobs=1) as service:
        trained(service)
        dataset = upload(service, csv_of(penguins(20)))["id"]
        submitted(service, dataset)
        answer = service.client.post(PATH, json={"model": "penguins", "dataset": dataset})
        assert_problem(answer, 429, "too_many")


def test_a_mistake_is_pointed_at_and_nothing_is_queued(service: Service, dataset: str) -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"model": "none"}, "#/model", "not_found"),
        ({"version": 9}, "#/version", "not_found"),
        ({"label": "none"}, "#/label", "not_found"),
        ({"dataset": "ds_none"}, "#/dataset", "not_found"),
        ({"dataset": 3}, "#/dataset", "wrong_type"),
        ({"version": 1, "label": "stable"}, "#/label", "conflict"),
        ({"version": 10**12}, "#/version", "out_of_range"),
        ({"outputs": ["everything"]}, "#/outputs/0", "unknown_name"),
        ({"outputs": []}, "#/outputs", "wrong_form"),
        ({"top_k": 0}, "#/top_k", "out_of_range"),
        ({"include": ["nowhere"]}, "#/include", "unknown_column"),
        ({"include": ["name", "name"]}, "#/include", "duplicate"),
        ({"priority": 1000}, "#/priority", "out_of_range"),
        ({"name": ""}, "#/name", "wrong_form"),
        ({"nme": "x"}, "#/nme", "unknown_key"),
    ]
    for changes, pointer, code in cases:
        answer = service.client.post(PATH, json={"model": "penguins", "dataset": dataset, **changes})
        problem = assert_problem(answer, 422, "invalid_request")
        assert (pointer, code) in {(error["pointer"], error["code"]) for error in problem["errors"]}, problem
    answer = service.client.post(PATH, content=b"[]", headers={"Content-Type": "text/csv"})
    assert_problem(answer, 415, "unsupported_media_type")
    assert_problem(service.client.post(PATH, json=[]), 422, "invalid_request")
    assert service.client.get(PATH).json()["items"] == []


def test_a_dataset_that_lacks_columns_is_refused_at_once(service: Service, dataset: str) -> None:
    assert dataset
    table = {**penguins(20), "shelf": list(range(20))}
    del table["bill"]
    other = upload(service, csv_of(table))["id"]
    answer = service.client.post(PATH, json={"model": "penguins", "dataset": other})
    problem = assert_problem(answer, 422, "invalid_request")
    assert {(error["pointer"], error["code"]) for error in problem["errors"]} == {
        ("#/columns/bill", "missing"),
        ("#/columns/shelf", "unknown_column"),
    }
    told = [error["detail"] for error in problem["errors"] if error["code"] == "unknown_column"]
    row = {"instances": [{"shelf": 1}]}
    asked = assert_problem(service.client.post("/v1/models/penguins:predict", json=row), 422, "invalid_request")
    assert told == [error["detail"] for error in asked["errors"] if error["code"] == "unknown_column"]


def test_a_cell_that_no_input_can_be_made_of_fails_the_job(service: Service, dataset: str) -> None:
    assert dataset
    table = penguins(50)
    table["mass"][17] = "heavy"
    job = finished(service, upload(service, csv_of(table))["id"])
    assert (job["status"], job["result"], job["error"]["reason"]) == ("failed", None, "bad_data")
    assert "#/rows/17/mass" in job["error"]["detail"]
    assert "heavy" not in str(job)
    assert (job["progress"]["fraction"], job["progress"]["rows_done"]) == (0.0, 0)
    assert list(service.settings.scratch.iterdir()) == []


def test_arrays_are_predicted_by_a_version_of_arrays(service: Service) -> None:
    service.train()
    sink = io.BytesIO()
    x = np.array([[0, 1], [1, 1], [0, 0]] * 5000, np.float32)
    np.savez(sink, x=x, y=np.zeros(len(x)))
    arrays = upload(service, sink.getvalue(), headers={"Content-Type": "application/x-npz"})["id"]
    job = finished(service, arrays, model="xor", outputs=["predictions"])
    assert job["status"] == "succeeded", job
    found = csv.read_csv(pa.BufferReader(service.client.get(job["links"]["content"]).content))
    told = service.client.post("/v1/models/xor:predict", json={"instances": x[:3].tolist()}).json()
    assert found["prediction"].to_pylist()[-3:] == pytest.approx([row[0] for row in told["predictions"]], rel=1e-5)
    trained(service)
    answer = service.client.post(PATH, json={"model": "penguins", "dataset": arrays})
    assert assert_problem(answer, 422, "invalid_request")["errors"][0]["pointer"] == "#/dataset"


def test_a_job_over_which_five_workers_died_fails(service: Service, dataset: str) -> None:
    job = submitted(service, dataset)
    for _ in range(MAX_STALLS):
        with service.database.transaction() as tx:
            claim = tx.jobs.claim("mortal", 0.0)
            assert claim is not None
            tx.jobs.end_leases("mortal")
    with service.database.transaction() as tx:
        assert tx.jobs.claim("last", 15.0) is None
    done = service.client.get(job["links"]["self"]).json()
    assert (done["status"], done["error"]["reason"]) == ("failed", "worker_lost")

"""Asking for trainings: once under a key, many at a time, not too many, in the order of their priority."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.errors import Unavailable
from service.storage import Transaction
from service.storage.datasets import LARGEST_ROW_BYTES
from tests.support.serving import Service, assert_problem, small

PATHS = ["/v1/training-jobs", "/v1/training-jobs:batch"]


def body_for(path: str, **changes: Any) -> dict[str, Any]:
    return small(**changes) if path == PATHS[0] else {"jobs": [small(**changes), small(model="other")]}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", ["a-key", '"a-key"'])
def test_the_same_request_with_its_key_makes_no_second_job(service: Service, path: str, key: str) -> None:
    headers = {"Idempotency-Key": key}
    first = service.client.post(path, json=body_for(path), headers=headers)
    rows = service.rows()
    service.work()
    again = service.client.post(path, json=body_for(path), headers={"Idempotency-Key": "a-key"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers.get("Location") == first.headers.get("Location")
    assert service.rows()["jobs"] == rows["jobs"]


def test_a_key_sent_again_with_a_wish_to_wait_gets_the_job_as_it_is_now(service: Service) -> None:
    headers = {"Idempotency-Key": "a-key"}
    service.client.post(PATHS[0], json=small(), headers=headers)
    service.work()
    again = service.client.post(PATHS[0], json=small(), headers=headers | {"Prefer": "wait=5"})
    assert (again.status_code, again.json()["status"]) == (200, "succeeded")


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "wait=5"}])
def test_a_key_sent_again_is_answered_as_at_first_when_the_job_is_gone(
    service: Service, prefer: dict[str, str]
) -> None:
    headers = {"Idempotency-Key": "a-key"} | prefer
    first = service.client.post(PATHS[0], json=small(), headers={"Idempotency-Key": "a-key"})
    service.work()
    assert service.client.delete(first.headers["Location"]).status_code == 204
    again = service.client.post(PATHS[0], json=small(), headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Preference-Applied" not in again.headers


def test_a_job_that_was_stored_although_its_answer_was_lost_has_its_data(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = LARGEST_ROW_BYTES // (4 * 100) + 1
    data = {"x": [[row % 2] * 100 for row in range(rows)], "y": [row % 2 for row in range(rows)]}
    request = small(fit={"epochs": 1}, data=data)
    headers = {"Idempotency-Key": "a-key"}

    @contextmanager
    def lost_at_its_end() -> Iterator[Transaction]:
        with transaction() as tx:
            yield tx
        raise Unavailable("The database does not respond now.")

    transaction = service.database.transaction
    with monkeypatch.context() as patched:
        patched.setattr("service.allowance.HERE_BYTES", 1 << 30)  # not by a process that has a database of its own
        patched.setattr(service.database, "transaction", lost_at_its_end)
        assert_problem(service.client.post(PATHS[0], json=request, headers=headers), 503, "unavailable")
    again = service.client.post(PATHS[0], json=request, headers=headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    service.work()
    assert service.client.get(again.headers["Location"]).json()["status"] == "succeeded"


def test_a_key_for_another_request_is_refused(service: Service) -> None:
    headers = {"Idempotency-Key": "a-key"}
    service.client.post(PATHS[0], json=small(), headers=headers)
    answer = service.client.post(PATHS[0], json=small(model="other"), headers=headers)
    assert_problem(answer, 422, "idempotency_key_reused")
    other_path = service.client.post(PATHS[1], json=body_for(PATHS[1]), headers=headers)
    assert other_path.status_code == 202


@pytest.mark.parametrize("key", ["", '""', "x" * 256])
def test_a_key_that_cannot_be_one_is_refused(service: Service, key: str) -> None:
    answer = service.client.post(PATHS[0], json=small(), headers={"Idempotency-Key": key})
    assert_problem(answer, 400, "bad_idempotency_key")
    assert service.rows()["jobs"] == 0


def test_a_request_with_mistakes_leaves_its_key_free(service: Service) -> None:
    headers = {"Idempotency-Key": "a-key"}
    wrong = service.client.post(PATHS[0], json=small(fit={"epochs": 0}), headers=headers)
    assert_problem(wrong, 422, "invalid_request")
    assert service.client.post(PATHS[0], json=small(), headers=headers).status_code == 202


def test_many_jobs_are_queued_by_one_request(service: Service) -> None:
    names = [f"shop-{number}" for number in range(20)]
    answer = service.client.post(PATHS[1], json={"jobs": [small(model=name, fit={"epochs": 1}) for name in names]})
    assert answer.status_code == 202, answer.text
    assert [job["model"] for job in answer.json()["items"]] == names
    service.work()
    models = service.client.get("/v1/models").json()["items"]
    assert sorted(model["name"] for model in models) == sorted(names)


def test_a_dataset_that_many_jobs_of_a_batch_name_is_opened_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"size,kind\n" + b"1,red\n2,blue\n" * 10
    dataset = service.client.post("/v1/datasets", content=content, headers={"Content-Type": "text/csv"}).json()["id"]
    data = {"dataset": dataset, "target": "kind"}
    opened, open_dataset = [], service.database.open_dataset

    def counted(dataset_id: str, **options: Any) -> Any:
        opened.append(dataset_id)
        return open_dataset(dataset_id, **options)

    with monkeypatch.context() as patched:
        patched.setattr(service.database, "open_dataset", counted)
        jobs = [small(model=f"model-{seed}", fit={"epochs": 1, "seed": seed}) for seed in range(5)]
        answer = service.client.post(PATHS[1], json={"jobs": [job | {"data": data} for job in jobs]})
    assert answer.status_code == 202, answer.text
    assert opened == [dataset]
    service.work()
    done = service.client.get("/v1/training-jobs").json()["items"]
    assert [job["status"] for job in done] == ["succeeded"] * 5


def test_of_a_batch_with_one_mistake_nothing_is_stored_and_all_mistakes_are_told(service: Service) -> None:
    jobs = [small(), small(fit={"epochs": 0}), small(compile={"loss": "nonsense"}), {}]
    problem = assert_problem(service.client.post(PATHS[1], json={"jobs": jobs}), 422, "invalid_request")
    pointers = [error["pointer"] for error in problem["errors"]]
    assert pointers[:2] == ["#/jobs/1/fit/epochs", "#/jobs/2/compile/loss"]
    assert all(pointer.startswith("#/jobs/3/") for pointer in pointers[2:])
    assert problem["errors_total"] == len(pointers)
    assert service.rows()["jobs"] == service.rows()["datasets"] == 0


@pytest.mark.parametrize("body", [[], {}, {"jobs": []}, {"jobs": {}}, {"jobs": [1]}, {"jobs": [small()], "more": 1}])
def test_what_is_no_batch_is_refused(service: Service, body: Any) -> None:
    assert_problem(service.client.post(PATHS[1], json=body), 422, "invalid_request")


def test_more_jobs_than_may_wait_are_refused_until_there_is_room(tmp_path: Path) -> None:
    with Service(tmp_path, max_queued_jobs=2) as service:
        batch = {"jobs": [small()] * 3}
        answer = service.client.post(PATHS[1], json=batch)
        assert_problem(answer, 429, "too_many")
        assert answer.headers["Retry-After"]
        assert service.rows()["jobs"] == 0
        for _ in range(2):
            assert service.client.post(PATHS[0], json=small()).status_code == 202
        assert_problem(service.client.post(PATHS[0], json=small()), 429, "too_many")
        service.work()
        assert service.client.post(PATHS[0], json=small()).status_code == 202


def test_a_higher_priority_is_trained_first(service: Service) -> None:
    order = [("plain", 0), ("last", -5), ("first", 5)]
    jobs = [service.client.post(PATHS[0], json=small(model=name, priority=number)).json() for name, number in order]
    assert [job["priority"] for job in jobs] == [0, -5, 5]
    service.work()
    done = [service.client.get(job["links"]["self"]).json() for job in jobs]
    started = sorted((job["started_at"], job["model"]) for job in done)
    assert [model for _, model in started] == ["first", "plain", "last"]
    answer = service.client.post(PATHS[0], json=small(priority=101))
    assert_problem(answer, 422, "invalid_request")


def test_an_answer_at_once_may_be_asked_for(service: Service) -> None:
    answer = service.client.post(PATHS[0], json=small(), headers={"Prefer": "respond-async"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async")


def test_a_list_names_its_next_page(service: Service) -> None:
    for _ in range(3):
        service.client.post(PATHS[0], json=small())
    answer = service.client.get("/v1/training-jobs", params={"limit": 2, "status": "queued"})
    link = answer.headers["Link"]
    assert link.endswith('>; rel="next"')
    path = link[1 : link.index(">")]
    rest = service.client.get(path)
    assert len(rest.json()["items"]) == 1
    assert "Link" not in rest.headers


def test_a_job_that_has_ended_can_be_deleted_and_its_version_stays(service: Service) -> None:
    waiting = service.client.post(PATHS[0], json=small()).json()
    assert_problem(service.client.request("DELETE", waiting["links"]["self"]), 409, "job_not_final")
    service.work()
    path = waiting["links"]["self"]
    assert service.client.request("DELETE", path).status_code == 204
    assert_problem(service.client.get(path), 404, "not_found")
    assert_problem(service.client.request("DELETE", path), 404, "not_found")
    version = service.client.get("/v1/models/xor/versions/1").json()
    assert (version["job"], version["partial"]) == (None, False)


@pytest.mark.parametrize("body", [b'{"keep": "worst"}', b'{"keep": 1}', b'{"kep": "best"}', b"[]"])
def test_a_cancel_that_asks_for_something_unknown_is_refused(service: Service, body: bytes) -> None:
    job = service.client.post(PATHS[0], json=small()).json()
    answer = service.client.post(job["links"]["cancel"], content=body)
    assert_problem(answer, 422, "invalid_request")
    assert service.client.get(job["links"]["self"]).json()["status"] == "queued"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"keep": null}', b'{"keep": "best"}'])
def test_a_job_that_waits_is_cancelled_at_once_and_leaves_nothing(service: Service, body: bytes) -> None:
    job = service.client.post(PATHS[0], json=small()).json()
    answer = service.client.post(job["links"]["cancel"], content=body)
    assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, "cancelled", None)

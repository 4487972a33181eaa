"""`Prefer: wait` answers with the finished job, holds no thread meanwhile, and gives up in time."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.api.http.preferences import preferred_wait
from tests.support.serving import Service, small


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("respond-async", None),
        ("wait=", None),
        ("wait=soon", None),
        ("wait=-1", None),
        ("await=5", None),
        ("wait=5", 5),
        ("Wait=5", 5),
        ('wait="5"', 5),
        ("respond-async, wait=5", 5),
        ("wait = 5 , handling=lenient", 5),
        ("wait=0", 0),
        ("wait=600", 60),
        ("wait=99999999999999999999", None),
    ],
)
def test_the_header_says_how_long_to_wait_at_most_as_long_as_the_limit(
    header: str | None, seconds: float | None
) -> None:
    assert preferred_wait(header, 60) == seconds


def wait_until(service: Service, holds: Callable[[], object]) -> None:
    """Waits for changes of the database until this holds."""
    while True:
        mark = service.database.mark()
        if holds():
            return
        assert service.database.wait_for_change(30, since=mark)


def listed(service: Service) -> Any:
    """The jobs, once there is one."""
    wait_until(service, lambda: service.rows()["jobs"])
    return service.client.get("/v1/training-jobs").json()["items"]


def submit(service: Service, wait: str) -> Any:
    return service.client.post("/v1/training-jobs", json=small(), headers={"Prefer": f"wait={wait}"})


def test_a_job_that_is_done_in_time_is_the_answer(service: Service) -> None:
    def work() -> None:
        wait_until(service, lambda: service.rows()["jobs"])
        service.work()

    worker = threading.Thread(target=work)
    worker.start()
    answer = submit(service, "30")
    worker.join()
    assert answer.status_code == 200
    assert answer.json()["status"] == "succeeded"
    assert answer.headers["Preference-Applied"] == "wait=30"
    assert answer.headers["Location"] == answer.json()["links"]["self"]


def test_a_job_that_is_not_done_in_time_is_answered_as_it_stands(service: Service) -> None:
    answer = submit(service, "0")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["Preference-Applied"] == "wait=0"
    assert answer.headers["Retry-After"]


def test_waiting_ends_at_the_limit_of_the_settings(tmp_path: Path) -> None:
    with Service(tmp_path, max_wait_seconds=0.2) as service:
        started = time.monotonic()
        answer = submit(service, "600")
        assert 0.2 <= time.monotonic() - started < 5
        assert answer.status_code == 202
        assert answer.headers["Preference-Applied"] == "wait=0.2"


def test_a_job_that_is_cancelled_ends_the_waiting(service: Service) -> None:
    def cancel() -> None:
        service.client.post(listed(service)[0]["links"]["cancel"])

    canceller = threading.Thread(target=cancel)
    canceller.start()
    answer = submit(service, "30")
    canceller.join()
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


def test_more_requests_wait_than_there_are_threads(service: Service) -> None:
    """The thread pool has 40 threads; all of these wait at once, and another request still gets through."""
    answers: list[Any] = []
    waiting = [threading.Thread(target=lambda: answers.append(submit(service, "30"))) for _ in range(60)]
    for thread in waiting:
        thread.start()
    wait_until(service, lambda: service.rows()["jobs"] == 60)
    assert service.client.get("/v1/models").status_code == 200
    service.work()
    for thread in waiting:
        thread.join()
    assert [answer.json()["status"] for answer in answers] == ["succeeded"] * 60


def cancelled_at_once(service: Service, header: str) -> Any:
    """The answer to a cancel of a job that a worker holds."""
    location = service.client.post("/v1/training-jobs", json=small()).headers["Location"]
    with service.database.transaction() as tx:
        claim = tx.jobs.claim("test", 15.0)
    assert claim is not None

    def stop() -> None:
        wait_until(service, lambda: service.client.get(location).json()["status"] == "cancelling")
        with service.database.transaction() as tx:
            tx.jobs.finish_cancel(claim)

    worker = threading.Thread(target=stop)
    worker.start()
    answer = service.client.post(f"{location}:cancel", headers={"Prefer": header})
    worker.join()
    return answer


def test_a_cancel_waits_for_the_job_to_stop(service: Service) -> None:
    answer = cancelled_at_once(service, "wait=30")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.headers["Preference-Applied"] == "wait=30"


@pytest.mark.parametrize("header", ["wait=0", "respond-async"])
def test_a_cancel_is_answered_as_soon_as_it_is_asked_to_be(service: Service, header: str) -> None:
    answer = cancelled_at_once(service, header)
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")
    assert answer.headers["Preference-Applied"] == header
    assert answer.headers["Retry-After"]


def test_a_job_that_goes_while_somebody_waits_for_it_is_answered_as_it_was_known(service: Service) -> None:
    def delete() -> None:
        job_id = listed(service)[0]["id"]
        with service.database.transaction() as tx:
            tx.jobs.cancel(job_id)
            tx.jobs.delete(job_id)

    deleter = threading.Thread(target=delete)
    deleter.start()
    answer = submit(service, "30")
    deleter.join()
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert "Preference-Applied" not in answer.headers

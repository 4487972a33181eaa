"""The events of a job over HTTP: all of them, in order, from wherever the reader left off."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.api.jobs.events import watch as watch_events
from service.api.jobs.watch import Watch
from service.jobs import Kind, Status
from tests.support.serving import Service, assert_problem, small


def read(answer: httpx.Response) -> list[tuple[int, str, dict[str, Any]]]:
    """The events of a stream that has ended."""
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in lines:
            events.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return events


def test_the_stream_tells_the_whole_life_of_a_job(service: Service) -> None:
    job = service.train(fit={"epochs": 3})
    answer = service.client.get(job["links"]["events"])
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "retry: 1000" in answer.text
    events = read(answer)
    assert [seq for seq, _, _ in events] == list(range(1, len(events) + 1))
    assert [event for _, event, _ in events] == ["status", "status", "epoch", "epoch", "epoch", "status", "done"]
    assert events[-1][2]["status"] == "succeeded"
    assert events[-1][2]["version"] == 1
    epoch = events[3][2]
    assert epoch["epoch"] == 2
    assert set(epoch["metrics"]) == {"loss", "accuracy"}
    assert epoch["learning_rate"] == pytest.approx(0.1)
    assert epoch["seconds"] > 0
    assert epoch["rows_per_second"] > 0
    view = service.client.get(job["links"]["self"]).json()
    assert {time[-1] for time in (events[0][2]["at"], epoch["at"], view["created_at"])} == {"Z"}


@pytest.mark.parametrize("where", ["query", "header"])
def test_who_comes_back_gets_what_follows_and_nothing_twice(service: Service, where: str) -> None:
    job = service.train(fit={"epochs": 3})
    path, client = job["links"]["events"], service.client
    events = read(client.get(path))
    for last in range(len(events)):
        given = {"params": {"after": last}} if where == "query" else {"headers": {"Last-Event-ID": str(last)}}
        assert read(client.get(path, **given)) == events[last:]
    at_the_end = client.get(path, headers={"Last-Event-ID": str(len(events))})
    assert (at_the_end.status_code, at_the_end.text) == (204, "")


def test_a_warning_is_an_event_of_its_own(service: Service) -> None:
    data = {"x": [[1e6, 0], [0, 1], [1, 0], [1, 1]]}
    job = service.train(data=data, fit={"epochs": 1})
    logs = [data for _, event, data in read(service.client.get(job["links"]["events"])) if event == "log"]
    assert [(log["level"], log["pointer"], log["code"]) for log in logs] == [
        ("warning", warning["pointer"], warning["code"]) for warning in job["warnings"]
    ]
    assert logs


def test_what_is_no_event_is_refused(service: Service) -> None:
    job = service.train(fit={"epochs": 1})
    path, client = job["links"]["events"], service.client
    assert_problem(client.get(path, headers={"Last-Event-ID": "three"}), 400, "bad_event_id")
    assert_problem(client.get(path, headers={"Last-Event-ID": "9" * 30}), 400, "bad_event_id")
    assert_problem(client.get(path, params={"after": -1}), 422, "invalid_parameter")
    assert_problem(client.get("/v1/training-jobs/job_1/events"), 404, "not_found")


def test_many_watchers_wait_without_a_thread_and_all_hear_of_the_end(service: Service) -> None:
    """More than the 40 threads of the pool, and more than the connections of the database's."""
    answer = service.client.post("/v1/training-jobs", json=small())
    job_id = answer.json()["id"]

    async def watch() -> list[bool]:
        watch = Watch(service.database)
        waiting = [asyncio.create_task(watch.wait(job_id, 1, 30)) for _ in range(500)]
        await asyncio.sleep(0)
        await asyncio.to_thread(service.client.post, answer.json()["links"]["cancel"])
        heard = list(await asyncio.gather(*waiting))
        assert not await watch.wait(job_id, 99, 0.05)
        watch.close()
        assert not await watch.wait(job_id, 99, 30)
        return heard

    assert asyncio.run(watch()) == [True] * 500
    assert service.client.get(answer.headers["Location"]).json()["status"] == Status.CANCELLED


def test_who_reads_a_long_story_in_pieces_is_not_kept_waiting_for_the_next(service: Service) -> None:
    """A stream reads some events at a time and waits after each; nothing else changes the database meanwhile."""
    job_id = service.train(fit={"epochs": 3})["id"]

    async def watch() -> list[bool]:
        watch = Watch(service.database)
        return [await watch.wait(job_id, seq, 10) for seq in range(3)]

    assert asyncio.run(watch()) == [True] * 3


@pytest.mark.parametrize("gone", ["the job", "its events"])
def test_the_stream_of_a_slow_reader_ends_when_what_it_tells_was_deleted(service: Service, gone: str) -> None:
    job_id = service.client.post("/v1/training-jobs", json=small()).json()["id"]

    def delete() -> None:
        with service.database.transaction() as tx:
            tx.jobs.cancel(job_id)
        with service.database.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {'jobs' if gone == 'the job' else 'events'}")

    async def told() -> list[bytes]:
        answer: Any = await watch_events(service.app.state.fitd, job_id, Kind.TRAINING, 0, None)
        pieces: AsyncIterator[bytes] = answer.body_iterator
        first = await anext(pieces)
        await asyncio.to_thread(delete)
        async with asyncio.timeout(10):
            return [first, *[piece async for piece in pieces]]

    pieces = asyncio.run(told())
    assert [b"event: status" in piece for piece in pieces] == [False, True]


def test_a_head_of_the_stream_of_a_job_that_goes_on_ends_at_once(service: Service) -> None:
    location = service.client.post("/v1/training-jobs", json=small()).headers["Location"]
    answer = service.client.request("HEAD", f"{location}/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("text/event-stream")


def test_an_epoch_tells_the_learning_rate_at_which_it_was_trained(service: Service) -> None:
    plateau = {"class_name": "ReduceLROnPlateau", "monitor": "loss", "factor": 0.5, "patience": 1, "min_delta": 100}
    job = service.train(
        compile={"optimizer": {"class_name": "SGD", "learning_rate": 0.5}, "loss": "binary_crossentropy"},
        fit={"epochs": 4, "callbacks": [plateau]},
    )
    epochs = service.client.get(job["links"]["history"]).json()["items"]
    assert [epoch["learning_rate"] for epoch in epochs] == [0.5, 0.5, 0.25, 0.125]
    assert [epoch["metrics"]["learning_rate"] for epoch in epochs] == [0.5, 0.5, 0.25, 0.125]

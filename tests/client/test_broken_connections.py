"""Over connections that a proxy cuts, restarts and storms of refusals, nothing is lost and nothing is doubled."""

import random
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import httpx
import numpy as np
import pytest

import fitd
from fitd.retries import Retries
from fitd.settings import Settings
from tests.e2e.server import Server

RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 3)).astype(np.float32)
Y = X.sum(axis=1)
REQUEST: dict[str, Any] = {
    "spec": [{"class_name": "Dense", "units": 8, "activation": "relu"}, {"class_name": "Dense", "units": 1}],
    "compile": {"optimizer": "adam", "loss": "mse"},
    "fit": {"epochs": 60, "seed": 4},
}


class Proxy:
    """Passes bytes on, and cuts each connection after a number of bytes that its seed chooses."""

    def __init__(self, port: int, seed: int) -> None:
        self._to, self._random, self.cuts = port, random.Random(seed), 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._made: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        for one in (self._listener, *self._made):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)
        for one in (self._listener, *self._made):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            allowed = self._random.choice([0, 300, 900, 2000, 6000, 10**9])
            self._made += [near, far]
            for one, other, limit in ((near, far, 10**9), (far, near, allowed)):
                self._threads.append(threading.Thread(target=self._pass, args=(one, other, limit), daemon=True))
                self._threads[-1].start()

    def _pass(self, one: socket.socket, other: socket.socket, limit: int) -> None:
        with suppress(OSError):
            while limit > 0 and (data := one.recv(min(limit, 4096))):
                other.sendall(data)
                limit -= len(data)
            if limit <= 0:
                self.cuts += 1
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def wanted(service: Server) -> Any:
    """The history of the same training over whole connections."""
    with fitd.Client(service.url) as client:
        job = client.train(X, Y, model="whole", **REQUEST).wait(timeout=60)
        return job.history


@pytest.mark.parametrize("seed", range(5))
def test_over_cut_connections_the_history_is_the_same_and_no_job_is_made_twice(
    service: Server, wanted: Any, seed: int
) -> None:
    with (
        closing(Proxy(service.port, seed)) as proxy,
        fitd.Client(f"http://127.0.0.1:{proxy.port}", retries=40) as client,
    ):
        client.transport.retries = Retries(40, first_pause=0.01, longest_pause=0.05)
        job = client.train(X, Y, model=f"cut-{seed}", **REQUEST)
        events = list(job.watch(timeout=60))
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert [event.data["epoch"] for event in events if event.kind == "epoch"] == list(range(1, 61))
        job.wait(timeout=60)
        assert job.history.equals(wanted)
        assert client.models[f"cut-{seed}"].predict(X).shape == (200, 1)
        assert proxy.cuts > 0
    with fitd.Client(service.url) as direct:
        assert len(direct.jobs.list(model=f"cut-{seed}")) == 1


def test_a_watched_job_survives_a_restart_of_the_service(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server(tmp_path_factory.mktemp("restarted"))
    server.start()
    client = fitd.Client(server.url)
    try:
        client.transport.retries = Retries(40, first_pause=0.05, longest_pause=0.2)
        job = client.train(
            RNG.normal(size=(5_000, 3)), RNG.normal(size=5_000), model="long", spec=REQUEST["spec"],
            compile=REQUEST["compile"], fit={"epochs": 40, "seed": 4},
        )  # fmt: skip
        seen: list[int] = []
        restarted = False
        for event in job.watch(timeout=120):
            seen.append(event.number)
            if event.kind == "epoch" and not restarted:
                server.restart()
                restarted = True
        assert restarted
        assert seen == list(range(1, len(seen) + 1))
        assert job.wait(timeout=60).status == "succeeded"
        assert len(client.jobs.list(model="long")) == 1
    finally:
        client.close()
        server.stop()


def _client(
    answer: Callable[[httpx.Request, int], httpx.Response], retries: int = 5
) -> tuple[fitd.Client, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request, len(asked))

    client = fitd.Client("http://fitd.test", transport=httpx.MockTransport(handle))
    client.transport.retries = Retries(retries, first_pause=0.001, longest_pause=0.002)
    return client, asked


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_storm_of_refusals_is_sat_out_with_one_idempotency_key(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []
    monkeypatch.setattr("fitd.synchronous.transport.time.sleep", made.append)

    def answer(request: httpx.Request, number: int) -> httpx.Response:
        if number < 5:
            return httpx.Response(status, headers={"Retry-After": "7"} if number == 2 else {})
        return httpx.Response(202, json={"id": "job_1", "status": "queued"})

    client, asked = _client(answer)
    client.train("ds_1", model="m")
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1
    assert len(asked) == 5
    assert made[1] >= 7
    assert max(made[0], *made[2:]) < 1


def test_a_refusal_that_does_not_pass_is_told_after_the_last_try() -> None:
    problem = {"code": "too_many", "detail": "100 jobs wait already.", "request_id": "req_1", "status": 429}
    client, asked = _client(lambda request, number: httpx.Response(429, json=problem), retries=2)
    with pytest.raises(fitd.TooMany, match="100 jobs wait already") as caught:
        client.check()
    assert (len(asked), caught.value.code, caught.value.request_id) == (3, "too_many", "req_1")


def test_what_makes_something_anew_is_not_sent_twice_after_a_broken_answer(tmp_path: Any) -> None:
    def answer(request: httpx.Request, number: int) -> httpx.Response:
        raise httpx.ReadError("cut")

    client, asked = _client(answer)
    with pytest.raises(fitd.Unreachable):
        client.models.import_(b"file")
    assert len(asked) == 1


@pytest.mark.parametrize(("headers", "tries"), [({}, 1), ({"Retry-After": "0"}, 3)])
def test_a_conflict_is_tried_again_only_where_the_service_says_that_it_passes(
    headers: dict[str, str], tries: int
) -> None:
    client, asked = _client(lambda request, number: httpx.Response(409, headers=headers), retries=2)
    with pytest.raises(fitd.Conflict):
        client.check()
    assert len(asked) == tries


def test_a_retry_after_of_hours_is_not_waited_for() -> None:
    client, asked = _client(lambda request, number: httpx.Response(503, headers={"Retry-After": "7200"}))
    with pytest.raises(fitd.Unavailable) as caught:
        client.check()
    assert (len(asked), caught.value.retry_after) == (1, 7200)


def test_a_key_is_sent_as_bearer_and_shown_nowhere() -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    client = fitd.Client("http://fitd.test", "fitd_secret", transport=httpx.MockTransport(handle))
    client.check()
    assert asked[0].headers["Authorization"] == "Bearer fitd_secret"
    assert "secret" not in repr(client) + repr(client.transport.settings) + repr(Settings("http://a", "fitd_secret"))

"""The short way: small predictions answered by the connection itself, everything else as if there were none."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from service.api.wire.connection import Connection
from service.api.wire.head import Head
from tests.support.listening import Listening, answers
from tests.support.serving import Service

PREDICT = "/v1/models/xor:predict"
INFER = "/v2/models/xor/infer"
ROW = orjson.dumps({"instances": [[0, 1]]})


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Listening]:
    with Service(tmp_path, max_body_bytes=600_000) as service:
        service.train(fit={"epochs": 1})
        found = Listening(service)
        yield found
        found.stop()


@pytest.fixture
def client(listening: Listening) -> Iterator[httpx.Client]:
    host, port = listening.address
    with httpx.Client(base_url=f"http://{host}:{port}", timeout=30) as client:
        yield client


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The URLs that the short way has answered."""
    urls: list[bytes] = []
    write = Connection._write_answered

    def noted(self: Connection, head: Head, answered: Any) -> None:
        urls.append(head.target)
        write(self, head, answered)

    monkeypatch.setattr(Connection, "_write_answered", noted)
    return urls


def request(path: str, body: bytes = b"", method: str = "POST", headers: str = "") -> bytes:
    """A request as it goes through a socket."""
    length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{length}{headers}\r\n"
    return head.encode() + body


def tensor(rows: Any) -> tuple[bytes, dict[str, str]]:
    """An inference with a binary tensor."""
    x = np.asarray(rows, "<f4")
    given = {"name": "input", "shape": x.shape, "datatype": "FP32", "parameters": {"binary_data_size": x.nbytes}}
    head = orjson.dumps({"inputs": [given], "parameters": {"binary_data_output": True}})
    return head + x.tobytes(), {"Inference-Header-Content-Length": str(len(head))}


def test_both_ways_give_the_same_answers_and_headers(client: httpx.Client, taken: list[bytes]) -> None:
    binary, length = tensor([[0, 1], [1, 1]])
    named = {"X-Request-Id": "mine"}
    asked = [(PREDICT, ROW, {"Content-Type": "application/json"}), (INFER, binary, length)]
    asked += [(PREDICT.replace(":", "/versions/1:"), ROW, {"Content-Type": "application/json"})]
    for path, body, headers in asked:
        client.post(path, content=body, headers=headers)  # loads the version, on the long way
        taken.clear()
        short = client.post(path, content=body, headers=headers | named)
        assert taken == [path.encode()]
        long = client.post(path, content=body, headers=headers | named | {"Connection": "close"})
        assert len(taken) == 1
        assert short.status_code == long.status_code == 200
        assert short.content == long.content
        kept = [{k: v for k, v in one.headers.items() if k not in ("date", "connection")} for one in (short, long)]
        assert kept[0] == kept[1]
        assert kept[0]["x-request-id"] == "mine"


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (PREDICT, orjson.dumps({"instances": [[0, 1, 2]]}), {}, 422),
        (PREDICT, b'{"instances": [[0, 1]', {}, 400),
        (PREDICT, ROW, {"Content-Type": "text/plain"}, 415),
        (PREDICT, b"0,1\n", {"Content-Type": "text/csv"}, 200),
        (PREDICT, b" " * 300_000 + ROW, {}, 200),
        (PREDICT, b" " * 700_000, {}, 413),
        (PREDICT.replace("xor", "nothing"), ROW, {}, 404),
        (f"{PREDICT}?includes=name", ROW, {}, 422),
        (INFER, orjson.dumps({"inputs": []}), {}, 400),
    ],
)
def test_what_is_wrong_or_large_is_answered_by_the_route(
    client: httpx.Client, path: str, body: bytes, headers: dict[str, str], status: int, taken: list[bytes]
) -> None:
    headers = {"Content-Type": "application/json", "X-Request-Id": "mine"} | headers
    client.post(PREDICT, content=ROW, headers={"Content-Type": "application/json"})
    answer = client.post(path, content=body, headers=headers)
    assert not taken
    assert answer.status_code == status, answer.text
    assert answer.headers["x-request-id"] == "mine"
    if status != 200 and path == PREDICT:
        assert answer.json()["request_id"] == "mine"


def test_a_failed_inference_is_counted_once(client: httpx.Client) -> None:
    binary, length = tensor([[0, 1]])
    client.post(INFER, content=binary, headers=length)
    client.post(INFER, content=orjson.dumps({"inputs": []}))
    (counted,) = client.get("/v2/models/xor/stats").json()["model_stats"]
    assert counted["inference_stats"]["fail"]["count"] == 1
    assert counted["inference_stats"]["success"]["count"] == 1


def test_answers_come_in_the_order_of_the_requests(listening: Listening, client: httpx.Client) -> None:
    client.post(PREDICT, content=ROW, headers={"Content-Type": "application/json"})
    with listening.connect() as connection:
        wrong = orjson.dumps({"instances": [[0]]})
        parts = [request(PREDICT, ROW), request("/v1/models", method="GET"), request(PREDICT, wrong)]
        connection.sendall(b"".join([*parts, request(PREDICT, ROW), request(PREDICT, ROW)]))
        found = answers(connection, 5)
    assert [status for status, _ in found] == [200, 200, 422, 200, 200]
    assert b'"items"' in found[1][1]
    assert found[0] == found[3] == found[4]


@pytest.mark.parametrize("headers", ["", "Expect: 100-continue\r\n"])
def test_a_body_may_come_in_pieces(listening: Listening, client: httpx.Client, headers: str) -> None:
    client.post(PREDICT, content=ROW, headers={"Content-Type": "application/json"})
    whole = request(PREDICT, ROW, headers=headers)
    with listening.connect() as connection:
        for at in range(len(whole)):
            connection.sendall(whole[at : at + 1])
        stream = connection.recv(100)
        while b"predictions" not in stream:
            stream += connection.recv(1000) or b" the end: predictions"
    assert b"HTTP/1.1 200" in stream
    assert b"the end" not in stream


def test_a_label_moves_under_load_without_a_failed_or_mixed_answer(tmp_path: Path, taken: list[bytes]) -> None:
    with Service(tmp_path) as service:
        service.train(fit={"epochs": 1})
        service.train(fit={"epochs": 30})
        listening = Listening(service)
        base = "http://{}:{}/v1/models/xor".format(*listening.address)
        named = f"{base}/labels/stable"
        rows = {"instances": [[0, 1]]}
        expected = [httpx.post(f"{base}/versions/{n}:predict", json=rows).json()["predictions"] for n in (1, 2)]
        assert expected[0] != expected[1]
        httpx.put(named, json={"version": 1}).raise_for_status()
        wrong: list[str] = []
        done = threading.Event()

        def ask() -> None:
            with httpx.Client() as client:
                while not done.is_set():
                    answer = client.post(f"{named}:predict", json=rows)
                    view = answer.json()
                    if answer.status_code != 200 or view["predictions"] != expected[view["version"] - 1]:
                        wrong.append(answer.text)

        askers = [threading.Thread(target=ask) for _ in range(3)]
        for asker in askers:
            asker.start()
        with httpx.Client() as client:
            for move in range(20):
                moved = 1 + move % 2
                client.put(named, json={"version": moved}).raise_for_status()
                assert [client.post(f"{named}:predict", json=rows).json()["version"] for _ in range(3)] == [moved] * 3
        done.set()
        for asker in askers:
            asker.join()
        listening.stop()
    assert wrong == []
    assert b"/v1/models/xor/labels/stable:predict" in taken


def test_a_chunked_body_is_answered(client: httpx.Client, taken: list[bytes]) -> None:
    client.post(PREDICT, content=ROW, headers={"Content-Type": "application/json"})
    answer = client.post(PREDICT, content=iter([ROW[:5], ROW[5:]]), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert taken == [PREDICT.encode()]


def test_a_request_that_has_begun_is_answered_when_the_server_stops(
    listening: Listening, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post(PREDICT, content=ROW, headers={"Content-Type": "application/json"})
    kept, given_over = threading.Event(), threading.Event()
    take, give_over = Connection._take, Connection._give_over

    def noted_body(self: Connection, piece: bytes, *, is_whole: bool) -> None:
        take(self, piece, is_whole=is_whole)
        kept.set()

    def noted_shutdown(self: Connection) -> None:
        give_over(self)
        given_over.set()

    monkeypatch.setattr(Connection, "_take", noted_body)
    monkeypatch.setattr(Connection, "_give_over", noted_shutdown)
    whole = request(PREDICT, ROW)
    with listening.connect() as connection:
        connection.sendall(whole[:-5])
        assert kept.wait(30)
        listening.server.should_exit = True
        assert given_over.wait(30)
        connection.sendall(whole[-5:])
        ((status, _),) = answers(connection, 1)
    assert status == 200

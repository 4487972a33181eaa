"""HTTP/1.1 on a socket: nothing is read twice, nothing is waited for without an end, and answers come in order."""

import json
import logging
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from service.api.wire.crowd import reserved
from tests.support.listening import Listening, answers
from tests.support.serving import Service

PREDICT = "/v1/models/xor:predict"
ROW = b'{"instances": [[0, 1]]}'
JSON = f"Content-Type: application/json\r\nContent-Length: {len(ROW)}\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    brief = {"header_seconds": 1.0, "body_seconds": 1.0, "keep_alive_seconds": 2.0, "max_connections": 8}
    with Service(tmp_path_factory.mktemp("wire"), max_body_bytes=600_000, max_upload_bytes=2_000_000, **brief) as made:
        made.train(fit={"epochs": 1})
        yield made


@pytest.fixture
def listening(service: Service) -> Iterator[Listening]:
    found = Listening(service)
    yield found
    found.stop()


def head(line: str, headers: str = "", version: str = "1.1") -> bytes:
    return f"{line} HTTP/{version}\r\nHost: localhost\r\n{headers}\r\n".encode()


def all_of(connection: socket.socket) -> bytes:
    """Everything until the end of the connection."""
    stream = b""
    while piece := connection.recv(65_536):
        stream += piece
    return stream


def problem_in(stream: bytes) -> dict[str, object]:
    lines, _, body = stream.rpartition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in lines
    found: dict[str, object] = json.loads(body)
    return found


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "TLS/1.0"])
@pytest.mark.parametrize("path", [PREDICT, "/v1/models/xor:evaluate", "/v1/models/nothing:predict"])
def test_an_upgrade_is_ignored_and_the_body_delivered(listening: Listening, upgrade: str, path: str) -> None:
    inner = head("DELETE /v1/models/xor")
    with listening.connect() as connection:
        headers = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\nContent-Length: {len(inner)}\r\n"
        connection.sendall(head(f"POST {path}", headers + "Content-Type: application/json\r\n") + inner)
        connection.sendall(head("GET /v1/models/xor"))
        found = answers(connection, 2)
    assert found[0][0] in (400, 404)
    assert found[1][0] == 200


def test_answers_that_are_made_are_sent_before_a_bad_request_ends_the_connection(listening: Listening) -> None:
    for first in (head(f"POST {PREDICT}", JSON) + ROW, head("GET /v1/models"), head("POST /v1/datasets") + b""):
        with listening.connect() as connection:
            connection.sendall(first * 3 + b"no request\r\n\r\n" + first * 50)
            found = answers(connection, 4)
            assert connection.recv(1) == b""
        assert len({status for status, _ in found[:3]}) == 1
        assert found[3][0] == 400
        assert json.loads(found[3][1])["code"] == "malformed_http"


def test_a_problem_of_the_connection_is_a_problem_like_all(listening: Listening) -> None:
    with listening.connect() as connection:
        connection.sendall(head("GET /" + "a" * 9000))
        stream = all_of(connection)
    found = problem_in(stream)
    assert (found["status"], found["code"], found["type"]) == (414, "url_too_long", "urn:fitd:url_too_long")
    assert f"x-request-id: {found['request_id']}".encode() in stream
    assert b"connection: close" in stream


def test_the_protocol_of_others_reads_its_own_form_of_refusal(listening: Listening) -> None:
    with listening.connect() as connection:
        connection.sendall(head("POST /v2/models/xor/infer", "Transfer-Encoding: gzip, chunked\r\n"))
        stream = all_of(connection)
    assert stream.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert json.loads(stream.rpartition(b"\r\n\r\n")[2]).keys() == {"error"}


@pytest.mark.parametrize("path", [PREDICT, "/v1/models/xor:evaluate"])
def test_an_old_client_keeps_its_connection_if_it_asks_for_that(listening: Listening, path: str) -> None:
    with listening.connect() as connection:
        for keeps, ends in (("Connection: keep-alive\r\n", False), ("", True)):
            connection.sendall(head(f"POST {path}", JSON + keeps, version="1.0") + ROW)
            stream = b""
            while b"\r\n\r\n" not in stream:
                stream += connection.recv(1)
            assert (b"connection: keep-alive" in stream) is not ends
            assert b"transfer-encoding" not in stream
            length = int(stream.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while length:
                length -= len(connection.recv(length))
        assert connection.recv(1) == b""


def test_silence_ends_a_connection(listening: Listening) -> None:
    cases = {
        b"": b"",
        head("GET /livez")[:-3]: b" 408 ",
        head(f"POST {PREDICT}", JSON) + ROW[:-1]: b" 408 ",
        head("POST /v1/training-jobs", JSON) + ROW[:-1]: b" 408 ",
        head("POST /v1/datasets?name=x", "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n"): b" 408 ",
        head("GET /livez"): b" 200 ",
    }
    opened = []
    for sent in cases:
        opened.append(listening.connect())
        opened[-1].sendall(sent)
    for connection, expected in zip(opened, cases.values(), strict=True):
        stream = all_of(connection)
        assert expected in stream.partition(b"\r\n")[0]
        if expected == b" 408 ":
            assert problem_in(stream)["code"] == "request_timeout"
        connection.close()


@pytest.mark.parametrize("line", [head("GET /livez")[:-3], head("POST /v1/training-jobs", JSON)])
def test_a_byte_now_and_then_does_not_keep_a_connection(listening: Listening, line: bytes) -> None:
    with listening.connect() as connection:
        connection.sendall(line)
        began, is_open = time.monotonic(), True
        while is_open and time.monotonic() - began < 20:
            time.sleep(0.3)
            try:
                connection.sendall(b" ")
            except OSError:
                is_open = False
        assert not is_open


def test_a_client_that_does_not_read_is_left(listening: Listening, service: Service) -> None:
    with listening.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(head("GET /static/swagger-ui/swagger-ui-bundle.js") * 20)
        with httpx.Client(base_url="http://{}:{}".format(*listening.address)) as client:
            deadline = time.monotonic() + 20
            while len(listening.wire.crowd) > 1 and time.monotonic() < deadline:
                assert client.get("/livez").status_code == 200
                time.sleep(0.1)
        assert len(listening.wire.crowd) == 1


def test_health_is_told_while_half_sent_requests_take_every_place(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    opened = [listening.connect() for _ in range(40)]
    with caplog.at_level(logging.WARNING, "fitd.api"):
        for connection in opened:
            connection.sendall(head("GET /livez")[:-3])
        for path, status in (("/livez", 200), ("/v1/models", 200)):
            assert httpx.get("http://{}:{}{}".format(*listening.address, path)).status_code == status
    assert len(listening.wire.crowd) <= 9
    assert any("idle" in one.message for one in caplog.records)
    for connection in opened:
        connection.close()


def test_health_is_told_while_every_place_is_busy_and_others_are_told_to_come_back(listening: Listening) -> None:
    opened = [listening.connect() for _ in range(8)]
    for connection in opened:
        connection.sendall(head("POST /v1/training-jobs", JSON) + ROW[:-1])
    deadline = time.monotonic() + 5
    while any(one.idle_since < float("inf") for one in listening.members()) and time.monotonic() < deadline:
        time.sleep(0.01)
    url = "http://{}:{}".format(*listening.address)
    assert httpx.get(f"{url}/livez").status_code == 200
    refused = httpx.get(f"{url}/v1/models")
    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_connections")
    assert refused.headers["Retry-After"] == "1"
    for connection in opened:
        connection.close()


def test_descriptors_are_kept_for_files() -> None:
    assert [reserved(number) for number in (64, 256, 1024, 1 << 20)] == [32, 128, 256, 256]


@pytest.mark.parametrize("expects", ["", "Expect: 100-continue\r\n"])
def test_what_is_refused_before_its_body_is_sent_leaves_no_body_to_be_read_as_a_request(
    listening: Listening, expects: str
) -> None:
    inner = head("DELETE /v1/models/xor")
    with listening.connect() as connection:
        connection.sendall(head("POST /v1/nowhere", f"{expects}Content-Length: {len(inner)}\r\n"))
        first = answers(connection, 1)
        try:
            connection.sendall(inner + head("GET /v1/models/xor"))
            rest = all_of(connection) if expects else b"%d" % answers(connection, 1)[0][0]
        except OSError:
            rest = b""
    assert first[0][0] == 404
    assert rest == (b"" if expects else b"200")


def test_a_body_in_the_smallest_chunks_does_not_hold_up_others(listening: Listening) -> None:
    sent = head("POST /v1/nowhere", "Transfer-Encoding: chunked\r\n") + b"1\r\n \r\n" * 200_000 + b"0\r\n\r\n"
    with listening.connect() as connection, httpx.Client(base_url="http://{}:{}".format(*listening.address)) as client:
        client.get("/livez")
        connection.settimeout(30)
        connection.sendall(sent[:600_000])
        began = time.monotonic()
        assert client.get("/livez").status_code == 200
        took = time.monotonic() - began
        connection.sendall(sent[600_000:])
        assert answers(connection, 1)[0][0] == 404
    assert took < 0.5


def test_a_request_that_is_never_finished_ends_quietly_when_the_service_stops(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    listening = Listening(service, timeout_graceful_shutdown=1)
    opened = [listening.connect() for _ in range(3)]
    opened[0].sendall(head("GET /livez")[:-3])
    opened[1].sendall(head("POST /v1/training-jobs", JSON) + ROW[:-1])
    opened[2].sendall(head(f"POST {PREDICT}", JSON) + ROW[:-1])
    deadline = time.monotonic() + 5
    while len(listening.wire.crowd) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    with caplog.at_level(logging.ERROR):
        listening.stop()
    assert [one for one in caplog.records if one.exc_info] == []
    for connection in opened:
        connection.close()

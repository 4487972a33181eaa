"""The short way gives what the routes behind it give, to the byte, and takes nothing that is not its own."""

import asyncio
import json
from typing import Any

import httpx
import numpy as np
import pytest

from service.api.examples import SMALL
from tests.serving import Service, assert_problem

X = SMALL["data"]["x"]
ROWS = json.dumps({"instances": X}).encode()
TENSOR = {"name": "input", "shape": [4, 2], "datatype": "FP32", "data": np.ravel(X).tolist()}
JSON = {"Content-Type": "application/json"}


def by_routes(service: Service, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
    """The answer of the same application to a request that does not take the short way."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=service.app, root_path="/behind/a/proxy", raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://fitd") as client:
            return await client.post(path, content=content, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("version", ["", "/versions/1", "/versions/99"])
@pytest.mark.parametrize(
    ("path", "content", "headers"),
    [
        ("/v1/models/xor{}:predict", ROWS, JSON),
        ("/v1/models/xor{}:predict", ROWS, {}),
        ("/v1/models/xor{}:predict", ROWS, JSON | {"Content-Encoding": "gzip"}),
        ("/v1/models/xor{}:predict", b"{", JSON),
        ("/v1/models/xor{}:predict", b" " * 2_000_001, JSON),
        ("/v1/models/none{}:predict", ROWS, JSON),
        ("/v2/models/xor{}/infer", json.dumps({"inputs": [TENSOR]}).encode(), {}),
        ("/v2/models/xor{}/infer", b"{", {}),
        ("/v2/models/xor{}/infer", np.array(X, "<f4").tobytes(), {"Inference-Header-Content-Length": "0"}),
    ],
)
def test_both_ways_lead_to_the_same_answer(
    shared: Service, path: str, version: str, content: bytes, headers: dict[str, str]
) -> None:
    headers = headers | {"X-Request-Id": "the-same"}
    short = shared.client.post(path.format(version), content=content, headers=headers)
    long = by_routes(shared, path.format(version), content, headers)
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert dict(short.headers) == dict(long.headers)


@pytest.mark.parametrize(
    "path", ["/v1/models/a%2Fb:predict", "/v1/models/:predict", "/v1/models/xor/versions/:predict"]
)
def test_a_path_that_only_looks_alike_is_not_found(shared: Service, path: str) -> None:
    assert_problem(shared.client.post(path, content=ROWS, headers=JSON), 404, "not_found")


def test_a_defect_on_the_short_way_is_a_problem_as_well(
    service: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.app.state.fitd.serving, "at_hand", None)
    answer = service.client.post("/v1/models/xor:predict", content=ROWS, headers=JSON)
    problem = assert_problem(answer, 500, "internal_error")
    assert problem["request_id"] in caplog.text
    answer = service.client.post("/v2/models/xor/infer", content=ROWS)
    assert (answer.status_code, list(answer.json())) == (500, ["error"])


def test_a_body_in_pieces_is_put_together_and_a_client_that_leaves_is_let_go(shared: Service) -> None:
    def answered(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/models/xor:predict",
            "headers": [(b"content-type", b"application/json")],
            "query_string": b"",
        }

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(dict(message))

        asyncio.run(shared.app(scope, receive, send))
        return sent

    def piece(content: bytes, *, more: bool) -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": more}

    whole = answered([piece(ROWS[:9], more=True), piece(b"", more=True), piece(ROWS[9:], more=False)])
    assert whole[0]["status"] == 200
    assert b"predictions" in whole[1]["body"]
    gone = answered([piece(ROWS[:9], more=True), {"type": "http.disconnect"}])
    assert gone[0]["status"] == 400

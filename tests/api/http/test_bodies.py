"""Bodies that cannot be read: refused before anybody looks for mistakes in them."""

from typing import Any

import pytest

from tests.support.serving import Service, assert_problem


@pytest.mark.parametrize("body", [b"", b"{", b'{"spec": ', b"\xff\xfe", b"[" * 100_000, b'{"a": NaN'])
def test_malformed_json_is_refused_with_the_position(shared: Service, body: bytes) -> None:
    before = shared.rows()
    answer = shared.client.post("/v1/training-jobs", content=body, headers={"Content-Type": "application/json"})
    problem = assert_problem(answer, 400, "malformed")
    assert "line 1" in problem["detail"]
    assert shared.rows() == before


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "text/csv"])
def test_another_content_type_is_refused(shared: Service, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = shared.client.post("/v1/training-jobs", content=b"{}", headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/ld+json"])
def test_json_by_another_name_is_read(shared: Service, content_type: str) -> None:
    answer = shared.client.post("/v1/training-jobs", content=b"{}", headers={"Content-Type": content_type})
    assert_problem(answer, 422, "invalid_request")


@pytest.mark.parametrize(
    "headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "application/json; charset=utf-16"}]
)
def test_an_encoding_that_is_not_read_is_refused(shared: Service, headers: dict[str, str]) -> None:
    sent = {"Content-Type": "application/json", **headers}
    answer = shared.client.post("/v1/training-jobs", content=b"{}", headers=sent)
    assert_problem(answer, 415, "unsupported_media_type")


def test_a_body_over_the_limit_is_refused_with_the_limit(shared: Service) -> None:
    before = shared.rows()
    body = b" " * 2_000_001
    answer = shared.client.post("/v1/training-jobs", content=body, headers={"Content-Type": "application/json"})
    problem = assert_problem(answer, 413, "too_large")
    assert problem["limit_bytes"] == 2_000_000
    assert shared.rows() == before


def test_a_body_that_does_not_tell_its_length_is_counted_as_it_comes(shared: Service) -> None:
    async def pieces() -> Any:
        for _ in range(300):
            yield b" " * 10_000

    answer = shared.client.post("/v1/training-jobs", content=pieces(), headers={"Content-Type": "application/json"})
    assert_problem(answer, 413, "too_large")

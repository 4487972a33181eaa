"""Pages of the origins that are named may call the service, as the Fetch standard has it, and no other page may."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.access import Scope
from service.config import Settings
from tests.support.keys import LockedService, bearer
from tests.support.serving import assert_problem

APP = "https://app.example.com"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedService]:
    folder: Path = tmp_path_factory.mktemp("origins")
    with LockedService(folder, cors_origins=f"{APP}, http://10.0.0.1:3000") as made:
        yield made


@pytest.mark.parametrize("origin", [APP, "http://10.0.0.1:3000"])
def test_a_browser_learns_beforehand_that_a_page_may_call(locked: LockedService, origin: str) -> None:
    asked = {"Origin": origin, "Sec-Fetch-Site": "cross-site", **ASKED}
    answer = locked.client.request("OPTIONS", "/v1/models/xor:predict", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_the_page_reads_answers_and_refusals_and_needs_a_key_as_all_others(locked: LockedService) -> None:
    page = {"Origin": APP, "Sec-Fetch-Site": "cross-site"}
    refused = locked.client.get("/v1/models", headers=page)
    assert_problem(refused, 401, "unauthenticated")
    answer = locked.client.get("/v1/models", headers=page | bearer(locked.keys[Scope.READ]))
    assert answer.status_code == 200
    for one in (refused, answer):
        assert one.headers["Access-Control-Allow-Origin"] == APP
        assert "X-Request-Id" in one.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"{APP}:8443", "http://app.example.com", f"{APP}.evil.example", "null"]
)
def test_no_other_page_may_call_even_with_a_key(locked: LockedService, origin: str) -> None:
    key = bearer(locked.keys[Scope.ADMIN])
    for answer in (
        locked.client.request("OPTIONS", "/v1/models", headers={"Origin": origin, **ASKED}),
        locked.client.get("/v1/models", headers={"Origin": origin, **key}),
    ):
        assert_problem(answer, 403, "foreign_origin")
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_answer_without_an_origin_says_that_it_depends_on_it(locked: LockedService) -> None:
    answer = locked.client.get("/openapi.json", headers=bearer(locked.keys[Scope.READ]))
    assert {"Origin", "Accept-Encoding"} <= set(answer.headers["Vary"].replace(",", " ").split())


def test_what_is_no_origin_cannot_be_named() -> None:
    for wrong in ("*", "app.example.com", f"{APP}/", "https://*.example.com", "null", f"{APP},,"):
        with pytest.raises(ValueError, match="cors_origins"):
            Settings(_env_file=None, cors_origins=wrong)

"""Every request passes one door before it has a route: without a key nobody learns or changes anything."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from service.access import Scope
from service.api.access.scopes import OPEN, SCOPES, Rules
from service.api.docs import STATIC
from tests.support.keys import LockedService, bearer
from tests.support.serving import assert_problem, small

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
STRANGE = (
    *("//v1/models", "/v1//models", "/v1/models/", "/v1/models;a=b", "/v1/models%2Fxor", "/v1%2fmodels", "/V1/models"),
    *("/v1/../v1/models", "/./v1/models", "/unknown", "/livez/", "//livez", "/livez/../v1/models", "/livez;/v1/models"),
    *(
        "/docs/",
        "/static",
        "/static/",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e/docs",
        "/static/none.js",
        "/openapi.json",
    ),
    *(
        "/readyz%00",
        "/%6civez/x",
        "/redoc",
        "/metrics/",
        "/v2/",
        "/v1/models/xor:predict/",
        "/v1/models/xor:predict%20",
    ),
)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedService]:
    with LockedService(tmp_path_factory.mktemp("locked")) as made:
        yield made


def routes(service: LockedService) -> list[tuple[str, str, str]]:
    """The method, a path and the name of every route."""
    found = []
    for route in iter_route_contexts(service.app.routes):
        path = re.sub(r"\{[a-z_]+(:[a-z]+)?\}", "1", str(route.path))
        if isinstance(route.original_route, APIRoute):
            found += [(method, path, str(route.name)) for method in route.methods or ()]
    assert len(found) > 70
    return found


def test_a_route_without_a_scope_keeps_the_application_from_starting(locked: LockedService) -> None:
    async def forgotten() -> None: ...

    locked_routes = [*locked.app.routes, APIRoute("/v1/forgotten", forgotten)]
    with pytest.raises(LookupError, match="'forgotten' has no scope"):
        Rules(locked_routes, STATIC)


def test_every_scope_belongs_to_a_route(locked: LockedService) -> None:
    names = {name for _, _, name in routes(locked)}
    assert set(SCOPES) - names - {"static"} == set()


def test_no_route_and_no_method_answers_without_a_key(locked: LockedService) -> None:
    before = locked.rows()
    for method, path, _ in routes(locked):
        for tried in (method, *METHODS):
            if path in OPEN and tried in ("GET", "HEAD"):
                continue
            answer = locked.client.request(tried, path)
            assert answer.status_code == 401, (tried, path)
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="fitd"'
    assert locked.rows() == before


@pytest.mark.parametrize("path", STRANGE)
def test_no_path_leads_around_the_door(locked: LockedService, path: str) -> None:
    for method in METHODS:
        assert locked.client.request(method, f"http://127.0.0.1{path}").status_code == 401, method


def test_every_route_refuses_a_key_of_another_scope(locked: LockedService) -> None:
    for method, path, name in routes(locked):
        wanted = SCOPES[name]
        others = {scope for scope in Scope if scope not in (wanted, Scope.ADMIN)}
        if wanted is Scope.READ:
            others = {Scope.METRICS}
        for scope in () if path in OPEN else others:
            problem = locked.client.request(method, path, headers=bearer(locked.keys[scope]))
            assert problem.status_code == 403, (method, path, scope)
            assert f'scope="{wanted}"' in problem.headers["WWW-Authenticate"]


def test_every_route_lets_the_key_of_its_scope_and_of_an_admin_through(locked: LockedService) -> None:
    for method, path, name in routes(locked):
        if path.endswith("/events"):
            continue
        for scope in (SCOPES[name], Scope.ADMIN):
            answer = locked.client.request(method, path, headers=bearer(locked.keys[scope]))
            assert answer.status_code not in (401, 403), (method, path, scope)


def test_what_is_open_is_read_without_a_key_and_nothing_else_is(locked: LockedService) -> None:
    files = {f"/static/{path.relative_to(STATIC).as_posix()}" for path in STATIC.rglob("*") if path.is_file()}
    rules = Rules(locked.app.routes, STATIC)
    assert rules.open == {"/livez", "/readyz", "/", "/docs"} | files
    for path in rules.open:
        assert locked.client.get(path).status_code in (200, 307), path
        assert locked.client.request("HEAD", path).status_code in (200, 307), path


def test_an_unknown_path_is_told_to_a_caller_with_a_key_and_reaches_no_route(locked: LockedService) -> None:
    for scope in set(Scope) - {Scope.METRICS}:
        assert_problem(locked.client.get("/unknown", headers=bearer(locked.keys[scope])), 404, "not_found")
    answer = locked.client.request("PATCH", "/v1/models", headers=bearer(locked.keys[Scope.ADMIN]))
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"
    refused = locked.client.get("/unknown", headers=bearer(locked.keys[Scope.METRICS]))
    assert_problem(refused, 403, "insufficient_scope")


@pytest.mark.parametrize(
    "change",
    [
        lambda key: "",
        lambda key: key[:-1],
        lambda key: key + "x",
        lambda key: key.upper(),
        lambda key: key[:40] + ("0" if key[40] != "0" else "1") + key[41:],
        lambda key: "é" * 80,
        lambda key: "fitd_" * 500,
        lambda key: f"{key}, Bearer {key}",
    ],
)
def test_a_key_that_is_changed_is_good_for_nothing(locked: LockedService, change: Any) -> None:
    sent = change(locked.keys[Scope.ADMIN])
    answer = locked.client.get("/v1/models", headers=[(b"authorization", b"Bearer " + sent.encode())])
    problem = assert_problem(answer, 401, "unauthenticated")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert sent == "" or sent not in str(problem)


def test_a_key_comes_in_either_header_and_in_no_other_way(locked: LockedService) -> None:
    key = locked.keys[Scope.READ]
    assert locked.client.get("/v1/models", headers={"X-API-Key": key}).status_code == 200
    assert locked.client.get("/v1/models", headers={"Authorization": f"bearer  {key}"}).status_code == 200
    for headers in ({"Authorization": f"Basic {key}"}, {"Cookie": f"key={key}"}, {"Proxy-Authorization": key}):
        assert locked.client.get("/v1/models", headers=headers).status_code == 401
    assert locked.client.get(f"/v1/models?key={key}").status_code == 401
    twice = locked.client.get("/v1/models", headers=[("X-API-Key", key), ("X-API-Key", key)])
    assert_problem(twice, 400, "duplicate_header")


def test_a_key_with_a_pattern_reaches_the_models_that_it_names(locked: LockedService) -> None:
    key = bearer(locked.key(Scope.PREDICT, models="shop-*"))
    for path in ("/v1/models/shop-a", "/v2/models/shop-a", "/v1/models/shop-a/labels"):
        assert locked.client.get(path, headers=key).status_code == 404
    for path in ("/v1/models/other", "/v2/models/other", "/v1/models", "/v1/training-jobs", "/v2", "/v1/models/Shop-a"):
        assert_problem_of(path, locked.client.get(path, headers=key))


def assert_problem_of(path: str, answer: httpx.Response) -> None:
    assert answer.status_code == 403, path
    assert "pattern" in answer.text


def test_a_heavy_request_that_another_process_answers_has_passed_the_door(locked: LockedService) -> None:
    request = small(model="heavy", data={"x": [[1.0]] * 60_000, "y": [[1.0]] * 60_000})
    refused = locked.client.post("/v1/training-jobs", json=request, headers=bearer(locked.keys[Scope.PREDICT]))
    assert_problem(refused, 403, "insufficient_scope")
    asked = bearer(locked.keys[Scope.TRAIN])
    answer = locked.client.post("/v1/training-jobs", json=request, headers=asked)
    assert answer.status_code in (202, 422), answer.text


def test_predictions_on_the_short_way_pass_the_same_door(locked: LockedService) -> None:
    ways = locked.app.state.ways
    key = locked.keys[Scope.PREDICT]
    locked.client.get("/v1/models", headers=bearer(key))
    answers = []
    door = ways._door
    for headers in (
        {},
        {b"authorization": b"Bearer x"},
        {b"authorization": f"Bearer {locked.keys[Scope.READ]}".encode()},
        {b"authorization": f"Bearer {key}".encode()},
    ):
        try:
            answers.append(door.admit_at_once(b"/v1/models/xor:predict", headers).key)
        except Exception as error:  # noqa: BLE001 - which it is, is what is looked at
            answers.append(type(error).__name__)
    assert answers[:3] == ["Unauthenticated", "Unauthenticated", "InsufficientScope"]
    assert str(answers[3]).startswith("key_")

"""Problems: one shape for everything that goes wrong, a name for each request, and never a traceback."""

import errno
import json
import os
import tempfile

import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.serving import Service, assert_problem, small


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/training-jobs/a/b", "/v1/models/xor:fly", "/v3", "/static/x"])
def test_a_path_that_does_not_exist_is_a_problem(shared: Service, path: str) -> None:
    assert_problem(shared.client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/training-jobs", {"GET", "HEAD", "POST"}),
        ("DELETE", "/v1/training-jobs", {"GET", "HEAD", "POST"}),
        ("GET", "/v1/models/xor:predict", {"POST"}),
        ("GET", "/v1/models/xor/versions/1:evaluate", {"POST"}),
        ("GET", "/v1/training-jobs/job_1:cancel", {"POST"}),
        ("POST", "/v1/models/xor", {"GET", "HEAD", "DELETE"}),
        ("POST", "/v1/models/xor/labels/stable", {"GET", "HEAD", "PUT", "DELETE"}),
        ("POST", "/v2/models/xor", {"GET", "HEAD"}),
        ("POST", "/livez", {"GET", "HEAD"}),
    ],
)
def test_a_method_that_does_not_exist_is_told_all_that_do(
    shared: Service, method: str, path: str, allowed: set[str]
) -> None:
    answer = shared.client.request(method, path)
    if path.startswith("/v2"):
        assert answer.status_code == 405
    else:
        assert_problem(answer, 405, "method_not_allowed")
    assert {name.strip() for name in answer.headers["Allow"].split(",")} == allowed
    assert f"does not accept {method}; expected {answer.headers['Allow']}." in answer.text


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/docs", "/openapi.json", "/v1/models", "/v2", "/nothing", "/v1/models/nobody"]
)
def test_a_head_is_answered_as_the_get_of_its_path_without_a_body(shared: Service, path: str) -> None:
    got, asked = shared.client.get(path), shared.client.request("HEAD", path)
    assert (asked.status_code, asked.content) == (got.status_code, b"")
    for name in ("Content-Type", "Content-Length"):
        assert asked.headers[name] == got.headers[name]


def test_a_defect_of_ours_is_a_problem_without_its_traceback(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("a secret of ours")

    service.app.add_api_route("/broken", broken)
    answer = service.client.get("/broken")
    problem = assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert problem["request_id"] in caplog.text
    assert "a secret of ours" in caplog.text


def test_a_database_without_a_table_of_this_release_is_told_as_that_and_keeps_its_words_to_itself(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    location = service.client.post("/v1/training-jobs", json=small()).headers["Location"]
    with service.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE events")
    answer = service.client.get("/v1/training-jobs/job_1/history")
    assert_problem(answer, 404, "not_found")
    answer = service.client.get(f"{location}/history")
    assert_problem(answer, 503, "wrong_schema")
    assert "no such table" not in answer.text
    assert "no such table" in caplog.text


@pytest.mark.parametrize(
    ("number", "status", "code", "words"),
    [
        (errno.ENOSPC, 503, "storage_full", "no room"),
        (errno.EROFS, 503, "scratch_unusable", "Read-only file system"),
        (errno.EMFILE, 503, "unavailable", "try again"),
        (errno.ENOTDIR, 503, "scratch_unusable", "Not a directory"),
    ],
)
def test_a_disk_that_is_full_or_refuses_is_told_as_that(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
    status: int,
    code: str,
    words: str,
) -> None:
    def refuse(**_: object) -> str:
        raise OSError(number, os.strerror(number))

    def upload() -> Response:
        return service.client.post("/v1/datasets", content="a,b\n1,2\n", headers={"Content-Type": "text/csv"})

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkdtemp", refuse)
        answer = upload()
    problem = assert_problem(answer, status, code)
    assert words in problem["detail"]
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert problem["request_id"] in caplog.text
    assert (os.strerror(number) in caplog.text) == (number != errno.ENOSPC)
    assert upload().status_code == 201


def test_every_answer_names_its_request(shared: Service) -> None:
    ids = [shared.client.get(path).headers["X-Request-Id"] for path in ("/livez", "/v1/models", "/nothing", "/docs")]
    assert len(set(ids)) == len(ids)


def test_a_request_may_bring_its_name(shared: Service) -> None:
    answer = shared.client.get("/nothing", headers={"X-Request-Id": "my-request.1"})
    assert answer.headers["X-Request-Id"] == "my-request.1"
    assert answer.json()["request_id"] == "my-request.1"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "<script>"])
def test_a_name_that_could_do_harm_is_replaced(shared: Service, name: str) -> None:
    answer = shared.client.get("/livez", headers={"X-Request-Id": name})
    assert answer.headers["X-Request-Id"].startswith("req_")


PATHS = st.sampled_from(
    [
        "/v1/training-jobs",
        "/v1/training-jobs:validate",
        "/v1/models/xor:predict",
        "/v1/models/xor/versions/1:predict",
        "/v1/models/xor:evaluate",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["Dense", "relu", "adam", "mse", "Sequential", "accuracy"])
)
KEYS = st.sampled_from(
    [
        "spec",
        "layers",
        "class_name",
        "config",
        "units",
        "compile",
        "loss",
        "optimizer",
        "metrics",
        "fit",
        "epochs",
        "callbacks",
        "data",
        "x",
        "y",
        "instances",
        "model",
        "module",
        "dtype",
        "name",
        "activation",
        "schedule",
        "registered_name",
        "learning_rate",
        "input_shape",
        "classes",
    ]
) | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
CHEAP = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@CHEAP
@given(path=PATHS, body=st.binary(max_size=200))
def test_any_bytes_are_answered_and_never_with_500(shared: Service, path: str, body: bytes) -> None:
    answer = shared.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["Content-Type"] == "application/problem+json"


def send(service: Service, path: str, value: object) -> int:
    body = json.dumps(value).encode()
    answer = service.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert len(answer.content) < 30_000
    return answer.status_code


@CHEAP
@given(path=PATHS, value=VALUES)
def test_any_json_is_answered_and_never_with_500(shared: Service, path: str, value: object) -> None:
    assert send(shared, path, value) < 500


def test_what_a_name_may_be_is_said_in_words(shared: Service) -> None:
    asked = shared.client.post("/v1/training-jobs:validate", json=small(model="my fruit"))
    listed = shared.client.get("/v1/training-jobs", params={"model": "my fruit"})
    words = 'Expected a name of at most 100 letters, digits, ".", "-" and "_", the first a letter or digit'
    (told,) = [error["detail"] for error in asked.json()["errors"]]
    assert told.startswith(f"{words}; received 'my fruit'.")
    assert [error["detail"] for error in listed.json()["errors"]] == [f"{words}."]


@CHEAP
@given(data=st.data(), path=st.sampled_from(["/v1/training-jobs:validate"]), value=VALUES)
def test_a_good_request_with_any_one_part_replaced_is_never_answered_with_500(
    shared: Service, data: st.DataObject, path: str, value: object
) -> None:
    request = small(fit={"callbacks": [{"class_name": "EarlyStopping", "monitor": "loss"}]})
    place: object = request
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))  # type: ignore[arg-type]
        key = data.draw(st.sampled_from(keys))
        inner = place[key]  # type: ignore[index]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[key] = value  # type: ignore[index]
            break
        place = inner
    assert send(shared, path, request) < 500


def test_deep_nesting_is_no_way_in(shared: Service) -> None:
    deep: object = 1
    for _ in range(900):
        deep = [deep]
    layers = [{"class_name": "Dense", "units": 1, "input_shape": deep}]
    assert send(shared, "/v1/training-jobs", small(spec={"layers": layers})) == 422
    assert send(shared, "/v1/training-jobs", small(spec={"layers": deep})) == 422
    assert send(shared, "/v1/training-jobs", small(data={"x": deep})) == 422
    assert send(shared, "/v1/training-jobs", {**small(), "spec": "[" * 100_000}) == 422

"""What a web page of a stranger makes a browser send is refused, and nobody else is."""

import pytest

from service.config import Settings
from tests.support.serving import Service, assert_problem

OWN = "http://127.0.0.1"


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8000", "LOCALHOST", "localhost.", "fitd.localhost", "127.0.0.1:1", "10.1.2.3"),
        *("[::1]", "[::1]:8000", "[fe80::1]", "models.example.com", "Models.Example.com:443", "other", "0.0.0.0"),
    ],
)
def test_the_service_answers_to_the_names_that_it_has(tmp_path_factory: pytest.TempPathFactory, host: str) -> None:
    with Service(tmp_path_factory.mktemp("names"), allowed_hosts="models.example.com, other") as service:
        assert service.client.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "testserver"]
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/models"), ("DELETE", "/v1/models/xor"), ("GET", "/docs")])
def test_another_name_is_misdirected(shared: Service, host: str, method: str, path: str) -> None:
    problem = assert_problem(shared.client.request(method, path, headers={"Host": host}), 421, "unknown_host")
    assert "FITD_ALLOWED_HOSTS" in problem["detail"]
    assert host not in problem["detail"]


def test_the_protocol_of_others_says_it_in_its_own_form(shared: Service) -> None:
    answer = shared.client.get("/v2", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json().keys()) == (421, {"error"})


@pytest.mark.parametrize("host", ["", "a b", "a/b", "u@localhost", "[::1", "localhost:port", "a,b"])
def test_what_is_no_host_is_bad(shared: Service, host: str) -> None:
    assert_problem(shared.client.get("/v1/models", headers={"Host": host}), 400, "bad_host")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_told_under_any_name(shared: Service, path: str) -> None:
    assert shared.client.get(path, headers={"Host": "node-17.cluster"}).status_code == 200


def test_any_name_may_be_allowed_and_a_url_is_no_name() -> None:
    assert "*" in Settings(_env_file=None, allowed_hosts="*").host_names
    for wrong in ("http://a", "a:80", "a b", "a,,b", "*.example.com"):
        with pytest.raises(ValueError, match="allowed_hosts"):
            Settings(_env_file=None, allowed_hosts=wrong)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8001"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "file://"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "Cross-Site", "Origin": OWN},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/v1/models"), ("POST", "/v1/datasets"), ("DELETE", "/v1/models/xor"), ("OPTIONS", "/v1/models")),
        *(("POST", "/v1/models/xor:predict"), ("POST", "/v1/training-jobs/job_1:cancel")),
    ],
)
def test_a_foreign_page_is_refused(shared: Service, method: str, path: str, headers: dict[str, str]) -> None:
    assert_problem(shared.client.request(method, path, headers=headers), 403, "foreign_origin")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/models", {"Origin": OWN, "Sec-Fetch-Site": "same-origin"}),
        ("/v1/models", {"Origin": "https://fitd.localhost", "Host": "fitd.localhost"}),
        ("/v1/models", {"Origin": "http://localhost:8000", "Host": "localhost:8000"}),
        ("/v1/models", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}),
        ("/docs", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}),
    ],
)
def test_its_own_pages_and_links_to_them_are_no_strangers(shared: Service, path: str, headers: dict[str, str]) -> None:
    assert shared.client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
@pytest.mark.parametrize("path", ["/v1/datasets", "/v1/models:import", "/v1/training-jobs", "/v1/prediction-jobs"])
def test_an_upload_needs_a_type_that_no_form_can_send(shared: Service, path: str, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    before = shared.rows()
    assert_problem(shared.client.post(path, content=b"a,b\n1,2\n", headers=headers), 415, "unsupported_media_type")
    assert shared.rows() == before


@pytest.mark.parametrize("name", ["Content-Type", "Content-Length", "Content-Encoding", "Host", "Idempotency-Key"])
def test_a_header_with_one_value_comes_once(shared: Service, name: str) -> None:
    twice = [(name, "4"), (name.lower(), "4")]
    assert_problem(shared.client.post("/v1/training-jobs", content=b"{}", headers=twice), 400, "duplicate_header")


def test_a_list_may_come_in_several_lines(shared: Service) -> None:
    headers = [("Prefer", "respond-async"), ("Prefer", "wait=1"), ("Content-Type", "application/json")]
    assert shared.client.post("/v1/training-jobs", content=b"{}", headers=headers).status_code == 422


def test_a_page_runs_its_own_scripts_alone_and_is_shown_in_no_frame(shared: Service) -> None:
    page = shared.client.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'sha256-" in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy
    assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "path", ["/docs", "/openapi.json", "/v1/models", "/v1/nowhere", "/livez", "/static/favicon.svg"]
)
def test_every_answer_is_what_it_says_and_json_is_not_kept(shared: Service, path: str) -> None:
    answer = shared.client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == ("no-cache" if path.startswith("/static") else "no-store")


def test_what_files_refuse_is_a_problem(shared: Service) -> None:
    file = "/static/favicon.svg"
    assert_problem(shared.client.get(file, headers={"Range": "bytes=9999999-"}), 416, "range_not_satisfiable")
    assert_problem(shared.client.get(file, headers={"Range": "bytes=x"}), 400, "malformed")
    assert_problem(shared.client.get("/static/nothing"), 404, "not_found")
    refused = shared.client.post(file)
    assert_problem(refused, 405, "method_not_allowed")
    assert refused.headers["Allow"] == "GET, HEAD"

"""Query parameters: what a route does not know is refused and told; other protocols' are let be."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from service.api.http.queries import parameters_of
from tests.support.serving import Service, assert_problem

ROWS = {"instances": [[0, 1]]}


WRITTEN = [
    "delimiter",
    "header",
    "encoding",
    "quotechar",
    "quote",
    "decimal",
    "thousands",
    "na_values",
    "skip_rows",
    "comment",
    "sheet",
]
WRITTEN += ["date_format", "type"]


@pytest.mark.parametrize(
    ("method", "path", "known"),
    [
        ("GET", "/v1/models", "limit, cursor"),
        ("GET", "/v1/models/xor", "none"),
        ("DELETE", "/v1/models/xor/versions/9", "none"),
        ("GET", "/v1/models/xor/export", "format"),
        ("POST", "/v1/models:import", "model"),
        ("GET", "/v1/training-jobs", "status, model, limit, cursor"),
        ("POST", "/v1/training-jobs", "none"),
        ("GET", "/v1/prediction-jobs/job_1/events", "after"),
        (
            "POST",
            "/v1/datasets",
            f"name, {', '.join(WRITTEN)}",
        ),
        ("PUT", "/v1/models/xor/labels/stable", "none"),
        ("GET", "/livez", "none"),
    ],
)
def test_a_parameter_that_a_route_does_not_know_is_refused_with_those_that_it_knows(
    shared: Service, method: str, path: str, known: str
) -> None:
    problem = assert_problem(shared.client.request(method, f"{path}?wishes=7"), 422, "invalid_parameter")
    said = {"parameter": "wishes", "code": "invalid_parameter", "detail": f"Unknown parameter. Known: {known}."}
    assert problem["errors"] == [said]


def test_every_parameter_in_the_documentation_is_known_to_its_route_and_the_reverse(shared: Service) -> None:
    operations = {
        operation["operationId"]: {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        for path in shared.app.openapi()["paths"].values()
        for operation in path.values()
    }
    older_names = {"quote"}  # taken, and not documented
    found = {route.name: set(parameters_of(route.endpoint)) - older_names for route in routes_of(shared.app)}
    assert {name: found[name] for name in operations} == operations
    assert len(operations) > 50


def routes_of(router: Any) -> Iterator[APIRoute]:
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if isinstance(route, APIRoute):
            yield route
        elif inner is not None:
            yield from routes_of(inner)


def test_a_parameter_that_is_no_list_and_comes_twice_is_refused(shared: Service) -> None:
    answer = shared.client.get("/v1/training-jobs?status=failed&status=succeeded&limit=1")
    problem = assert_problem(answer, 422, "invalid_parameter")
    said = {"parameter": "status", "code": "invalid_parameter", "detail": "Expected one value; received 2."}
    assert problem["errors"] == [said]


def test_a_value_with_nul_is_refused(shared: Service) -> None:
    problem = assert_problem(shared.client.get("/v1/datasets?name=a%00b"), 422, "invalid_parameter")
    assert [error["detail"] for error in problem["errors"]] == ["Expected a text without the character NUL."]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=many", "an integer"),
        ("limit=" + "9" * 5000, "an integer"),
        ("limit=0", "a number >= 1"),
        ("status=lost", "'queued', 'running', 'cancelling', 'cancelled', 'succeeded' or 'failed'"),
    ],
)
def test_a_parameter_that_does_not_fit_is_told_in_the_words_of_all_other_mistakes(
    shared: Service, query: str, expected: str
) -> None:
    problem = assert_problem(shared.client.get(f"/v1/training-jobs?{query}"), 422, "invalid_parameter")
    assert [error["detail"] for error in problem["errors"]] == [f"Expected {expected}."]


def test_the_nearest_parameter_is_suggested(shared: Service) -> None:
    problem = assert_problem(shared.client.get("/v1/models?limits=5"), 422, "invalid_parameter")
    assert problem["errors"][0]["detail"] == "Unknown parameter. Did you mean 'limit'? Known: limit, cursor."


def test_a_flood_of_unknown_parameters_is_counted_and_cut(shared: Service) -> None:
    answer = shared.client.get("/v1/models?" + "&".join(f"{'x' * 200}{number}=1" for number in range(100)))
    problem = assert_problem(answer, 422, "invalid_parameter")
    assert (len(problem["errors"]), problem["errors_total"]) == (20, 100)
    assert len(answer.content) < 5000


@pytest.mark.parametrize("which", ["", "/versions/1", "/labels/stable"])
def test_predict_is_a_path_of_ours(shared: Service, which: str) -> None:
    answer = shared.client.post(f"/v1/models/xor{which}:predict?includes=a", json=ROWS)
    problem = assert_problem(answer, 422, "invalid_parameter")
    assert "Did you mean 'include'?" in problem["errors"][0]["detail"]


def test_an_option_of_tables_is_refused_with_json_which_would_pass_over_it(shared: Service) -> None:
    problem = assert_problem(shared.client.post("/v1/models/xor:predict?top_k=1", json=ROWS), 422, "invalid_parameter")
    assert [error["parameter"] for error in problem["errors"]] == ["top_k"]
    assert "table" in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/xor:classify", {"examples": [{"input": [0, 1]}]}),
        ("/v1/models/xor/versions/1:regress", {"examples": [{"input": [0, 1]}]}),
        ("/v1/models/xor/metadata", None),
        ("/v2", None),
        ("/v2/models/xor", None),
        ("/v2/models/xor/ready", None),
        (
            "/v2/models/xor/infer",
            {"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0, 1]}]},
        ),
    ],
)
def test_what_clients_of_other_protocols_send_is_let_be(shared: Service, path: str, body: Any) -> None:
    method = "GET" if body is None else "POST"
    plain, asked = (shared.client.request(method, path + query, json=body) for query in ("", "?key=7"))
    assert (asked.status_code, asked.content) == (plain.status_code, plain.content)
    assert asked.status_code == 200

"""Every kind of request that cannot be trained: refused with its place and code, stored nowhere, repeated nowhere."""

import json
from typing import Any

import pytest

from tests.support.bad_requests import CASES, SECRET, first
from tests.support.serving import Service, assert_problem, small


def send(service: Service, path: str, request: Any) -> Any:
    return service.client.post(path, content=json.dumps(request), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(("request_body", "pointer", "code"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("path", ["/v1/training-jobs", "/v1/training-jobs:validate"], ids=["create", "validate"])
def test_a_bad_request_is_refused_with_its_place_and_code_and_stored_nowhere(
    shared: Service, path: str, request_body: Any, pointer: str, code: str
) -> None:
    before = shared.rows()
    answer = send(shared, path, request_body)
    problem = assert_problem(answer, 422, "invalid_request")
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in problem["errors"]]
    assert problem["errors_total"] >= len(problem["errors"])
    assert all(error["detail"].strip() for error in problem["errors"])
    assert SECRET not in answer.text
    assert len(answer.content) < 20_000
    assert shared.rows() == before


def test_unknown_names_are_answered_with_the_known_ones_and_the_nearest(shared: Service) -> None:
    problem = send(shared, "/v1/training-jobs", small(compile={"optimizer": "adamm"})).json()
    assert "Did you mean 'adam'?" in problem["errors"][0]["detail"]
    assert "rmsprop" in problem["errors"][0]["detail"]
    problem = send(shared, "/v1/training-jobs", first(unit=3)).json()
    assert "Did you mean 'units'?" in problem["errors"][0]["detail"]
    assert "use_bias" in problem["errors"][0]["detail"]


def test_all_mistakes_are_told_at_once(shared: Service) -> None:
    request = small(fit={"epochs": 0, "batch_size": 0}, compile={"loss": "nothing"}, data={"x": [[1], [1, 2]]})
    problem = assert_problem(send(shared, "/v1/training-jobs", request), 422, "invalid_request")
    told = {error["pointer"] for error in problem["errors"]}
    assert {"#/fit/epochs", "#/fit/batch_size", "#/compile/loss"} < told
    assert any(pointer.startswith("#/data/x/") for pointer in told)


def test_a_flood_of_mistakes_is_counted_and_cut(shared: Service) -> None:
    request = small(data={"x": [[SECRET, None]] * 5000, "y": [0] * 5000})
    answer = send(shared, "/v1/training-jobs", request)
    problem = assert_problem(answer, 422, "invalid_request")
    assert (len(problem["errors"]), problem["errors_total"]) == (20, 10_000)
    assert len(answer.content) < 5000

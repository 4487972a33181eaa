"""Labels over HTTP: moved under a guard, remembered, followed by predictions at once."""

import threading
from typing import Any

import httpx

from tests.support.serving import Service, assert_problem

MODEL = "/v1/models/xor"
STABLE = f"{MODEL}/labels/stable"
ROWS = {"instances": [[0, 0], [0, 1]]}


def put(service: Service, version: int, path: str = STABLE, **headers: str) -> httpx.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return service.client.request("PUT", path, json={"version": version, "by": "ana"}, headers=named)


def test_a_label_predicts_with_the_version_that_it_points_at(service: Service) -> None:
    service.train(fit={"epochs": 1})
    service.train(fit={"epochs": 2})
    assert put(service, 1).json()["version"] == 1
    one = service.client.post(f"{STABLE}:predict", json=ROWS).json()
    assert one == service.client.post(f"{MODEL}/versions/1:predict", json=ROWS).json()
    put(service, 2)
    assert service.client.post(f"{STABLE}:predict", json=ROWS).json()["version"] == 2
    data = {"x": [[0, 0], [0, 1]], "y": ["equal", "different"]}
    assert service.client.post(f"{STABLE}:evaluate", json={"data": data}).json()["version"] == 2
    put(service, 1)
    assert service.client.post(f"{STABLE}:predict", json=ROWS).json() == one
    assert [label["label"] for label in service.client.get(f"{MODEL}/labels").json()["items"]] == ["stable"]


def test_every_move_is_remembered_also_after_the_label_is_gone(service: Service) -> None:
    service.train(fit={"epochs": 1})
    service.train(fit={"epochs": 1})
    for version in (1, 2, 1):
        put(service, version)
    assert service.client.delete(STABLE).status_code == 204
    put(service, 2)
    moves = service.client.get(f"{STABLE}/history").json()["items"]
    assert [(move["from_version"], move["to_version"]) for move in moves] == [
        (None, 2),
        (1, None),
        (2, 1),
        (1, 2),
        (None, 1),
    ]
    assert [move["by"] for move in moves] == ["ana", None, "ana", "ana", "ana"]


def test_a_move_that_somebody_else_came_before_is_refused(service: Service) -> None:
    service.train(fit={"epochs": 1})
    first = put(service, 1, if_none_match="*")
    assert_problem(put(service, 1, if_none_match="*"), 412, "precondition_failed")
    second = put(service, 1, if_match=first.headers["ETag"])
    assert second.status_code == 200
    assert second.headers["ETag"] != first.headers["ETag"]
    assert_problem(put(service, 1, if_match=first.headers["ETag"]), 412, "precondition_failed")
    assert_problem(service.client.request("DELETE", STABLE, headers={"If-Match": '"9"'}), 412, "precondition_failed")
    assert_problem(put(service, 1, if_match="first"), 400, "bad_etag")
    assert service.client.get(STABLE).headers["ETag"] == second.headers["ETag"]


def test_a_version_with_a_label_is_not_deleted(service: Service) -> None:
    service.train(fit={"epochs": 1})
    put(service, 1)
    assert_problem(service.client.delete(f"{MODEL}/versions/1"), 409, "version_labelled")
    service.client.delete(STABLE)
    assert service.client.delete(f"{MODEL}/versions/1").status_code == 204
    service.train(fit={"epochs": 1})
    put(service, 2)
    assert service.client.delete(MODEL).status_code == 204
    assert_problem(service.client.get(STABLE), 404, "not_found")


def test_a_label_of_nothing_is_refused(service: Service) -> None:
    assert_problem(put(service, 1), 404, "not_found")
    service.train(fit={"epochs": 1})
    assert_problem(put(service, 9), 404, "not_found")
    assert_problem(put(service, 0), 422, "invalid_request")
    wrong = service.client.request("PUT", STABLE, json={"version": 1, "by": 3})
    assert_problem(wrong, 422, "invalid_request")
    assert_problem(service.client.get(STABLE), 404, "not_found")
    assert_problem(service.client.delete(STABLE), 404, "not_found")
    assert_problem(service.client.post(f"{STABLE}:predict", json=ROWS), 404, "not_found")


def test_a_label_that_could_be_taken_for_a_number_is_refused(service: Service) -> None:
    service.train(fit={"epochs": 1})
    problem = assert_problem(put(service, 1, f"{MODEL}/labels/7"), 422, "invalid_request")
    assert problem["errors"][0]["parameter"] == "label"


def test_a_label_moves_under_load_without_a_failed_or_mixed_answer(service: Service) -> None:
    service.train(fit={"epochs": 1})
    service.train(fit={"epochs": 30})
    expected = {
        number: service.client.post(f"{MODEL}/versions/{number}:predict", json=ROWS).json()["predictions"]
        for number in (1, 2)
    }
    assert expected[1] != expected[2]
    put(service, 1)
    wrong: list[Any] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answer = service.client.post(f"{STABLE}:predict", json=ROWS)
            if answer.status_code != 200 or answer.json()["predictions"] != expected[answer.json()["version"]]:
                wrong.append(answer.text)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for move in range(20):
        put(service, 1 + move % 2)
        assert service.client.post(f"{STABLE}:predict", json=ROWS).json()["version"] == 1 + move % 2
    done.set()
    for asker in askers:
        asker.join()
    assert wrong == []

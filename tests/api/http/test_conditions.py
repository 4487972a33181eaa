"""Conditional requests mean what RFC 9110 says (13.1), on every path that has a state to be compared."""

from pathlib import Path

import httpx
import pytest

from tests.support.serving import Service, assert_problem

MODEL = "/v1/models/xor"
STABLE = f"{MODEL}/labels/stable"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    made = Service(tmp_path)
    made.train(fit={"epochs": 1})
    made.train(fit={"epochs": 1})
    return made


def ask(service: Service, method: str, path: str, version: int = 1, **conditions: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in conditions.items()}
    body = {"json": {"version": version}} if method == "PUT" else {}
    return service.client.request(method, path, headers=headers, **body)


def test_what_is_made_is_201_and_what_is_changed_is_200(service: Service) -> None:
    made = ask(service, "PUT", STABLE)
    assert (made.status_code, made.headers["Location"]) == (201, STABLE)
    changed = ask(service, "PUT", STABLE, 2)
    assert (changed.status_code, "Location" in changed.headers) == (200, False)


def test_if_match_is_true_of_what_is_there(service: Service) -> None:
    assert_problem(ask(service, "PUT", STABLE, if_match="*"), 412, "precondition_failed")
    assert ask(service, "GET", STABLE).status_code == 404
    tag = ask(service, "PUT", STABLE).headers["ETag"]
    assert ask(service, "PUT", STABLE, 2, if_match="*").status_code == 200
    tag = ask(service, "GET", STABLE).headers["ETag"]
    assert ask(service, "PUT", STABLE, 1, if_match=f'"x", {tag} ,"y"').status_code == 200
    assert_problem(ask(service, "PUT", STABLE, 2, if_match=f'{tag}, "other"'), 412, "precondition_failed")
    tag = ask(service, "GET", STABLE).headers["ETag"]
    assert_problem(ask(service, "PUT", STABLE, 2, if_match=f"W/{tag}"), 412, "precondition_failed")
    assert_problem(ask(service, "DELETE", STABLE, if_match='"x"'), 412, "precondition_failed")
    assert ask(service, "DELETE", STABLE, if_match=f'"x", {tag}').status_code == 204


def test_if_none_match_is_true_of_what_is_not_there(service: Service) -> None:
    assert ask(service, "PUT", STABLE, if_none_match="*").status_code == 201
    assert_problem(ask(service, "PUT", STABLE, 2, if_none_match="*"), 412, "precondition_failed")
    tag = ask(service, "GET", STABLE).headers["ETag"]
    assert_problem(ask(service, "PUT", STABLE, 2, if_none_match=f'"x", {tag}'), 412, "precondition_failed")
    assert_problem(ask(service, "DELETE", STABLE, if_none_match="*"), 412, "precondition_failed")
    assert ask(service, "PUT", STABLE, 2, if_none_match='"x"').status_code == 200


@pytest.mark.parametrize("path", [STABLE, f"{MODEL}/versions/1/export"])
def test_what_is_known_is_not_sent_again(service: Service, path: str) -> None:
    ask(service, "PUT", STABLE)
    whole = ask(service, "GET", path)
    tag = whole.headers["ETag"]
    assert whole.headers["Cache-Control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"x",{tag}', "*"):
        again = ask(service, "GET", path, if_none_match=known)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    for other in ('"x"', f'"{tag[1:-1]}x"', f'"x{tag[1:-1]}"'):
        assert ask(service, "GET", path, if_none_match=other).status_code == 200
    assert_problem(ask(service, "GET", path, if_match='"x"'), 412, "precondition_failed")


@pytest.mark.parametrize("wrong", ["x", '"x', "*, *", '"x" "y"', "W/*", "", "3"])
@pytest.mark.parametrize("name", ["if_match", "if_none_match"])
def test_what_is_no_list_of_tags_is_refused(service: Service, name: str, wrong: str) -> None:
    ask(service, "PUT", STABLE)
    for method, path in (("PUT", STABLE), ("DELETE", STABLE), ("GET", STABLE), ("DELETE", MODEL)):
        assert_problem(ask(service, method, path, 1, **{name: wrong}), 400, "bad_etag")


def test_nothing_is_deleted_that_is_not_what_the_caller_knows(service: Service) -> None:
    upload = service.client.post("/v1/datasets", content=b"a,b\n1,2\n", headers={"Content-Type": "text/csv"})
    job = service.client.get("/v1/training-jobs").json()["items"][0]["links"]["self"]
    for path in (f"{MODEL}/versions/1", MODEL, upload.headers["Location"], job):
        assert_problem(ask(service, "DELETE", path, if_match='"x"'), 412, "precondition_failed")
        assert_problem(ask(service, "DELETE", path, if_none_match="*"), 412, "precondition_failed")
        assert service.client.get(path).status_code == 200
        assert ask(service, "DELETE", path, if_match="*").status_code == 204
        assert_problem(ask(service, "DELETE", path, if_match='"x"'), 404, "not_found")

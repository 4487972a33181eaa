"""Models and versions over HTTP: listed, described, deleted, and never changed."""

import hashlib

import pytest

from tests.support.serving import Service, assert_problem


def test_each_training_adds_a_version_to_its_model(service: Service) -> None:
    assert [service.train(fit={"epochs": 2})["version"] for _ in range(3)] == [1, 2, 3]
    model = service.client.get("/v1/models/xor").json()
    assert (model["name"], model["latest_version"], model["versions"]) == ("xor", 3, 3)
    page = service.client.get(model["links"]["versions"]).json()
    assert [version["version"] for version in page["items"]] == [3, 2, 1]
    assert page["next_cursor"] is None


def test_every_link_of_a_model_and_its_version_leads_to_what_can_be_read_or_asked(service: Service) -> None:
    service.train()
    service.client.post("/v1/models/xor:evaluate", json={"data": {"x": [[0, 1]], "y": [1]}})
    for path in ("/v1/models/xor", "/v1/models/xor/versions/1"):
        links = service.client.get(path).json()["links"]
        answers = {name: service.client.get(link).status_code for name, link in links.items()}
        assert answers == {name: 405 if name in ("predict", "evaluate") else 200 for name in links}
        assert len(service.client.get(links["evaluations"]).json()["items"]) == 1


def test_versions_come_page_by_page(service: Service) -> None:
    for _ in range(3):
        service.train(fit={"epochs": 1})
    page = service.client.get("/v1/models/xor/versions?limit=2").json()
    assert [version["version"] for version in page["items"]] == [3, 2]
    page = service.client.get(f"/v1/models/xor/versions?limit=2&cursor={page['next_cursor']}").json()
    assert [version["version"] for version in page["items"]] == [1]
    assert page["next_cursor"] is None


def test_models_are_listed_by_name_page_by_page(service: Service) -> None:
    for name in ("b", "a", "c"):
        service.train(model=name, fit={"epochs": 1})
    page = service.client.get("/v1/models?limit=2").json()
    assert [model["name"] for model in page["items"]] == ["a", "b"]
    page = service.client.get(f"/v1/models?limit=2&cursor={page['next_cursor']}").json()
    assert [model["name"] for model in page["items"]] == ["c"]
    assert page["next_cursor"] is None


def test_a_version_tells_what_was_asked_what_came_of_it_and_with_what(service: Service) -> None:
    job = service.train()
    version = service.client.get(job["links"]["version"]).json()
    assert (version["model"], version["version"], version["job"]) == ("xor", 1, job["id"])
    assert version["spec"]["layers"][0] == {"class_name": "Dense", "units": 8, "activation": "tanh"}
    assert version["compile"]["optimizer"] == {"class_name": "Adam", "learning_rate": 0.1}
    assert version["fit"] == {"epochs": 100, "seed": 7}
    assert version["summary"] == [
        {"layer": "dense", "output_shape": [None, 8], "params": 24},
        {"layer": "dense_1", "output_shape": [None, 1], "params": 9},
    ]
    assert version["metrics"] == job["metrics"]
    assert version["input"] == {"features": None, "shape": [None, 2]}
    assert version["output"] == {"classes": ["different", "equal"], "shape": [None, 1], "targets": None}
    assert set(version["environment"]) == {"python", "numpy", "blas", "blas_threads", "machine", "fitd"}
    assert version["timing"]["fit_seconds"] > 0
    with service.database.reading() as tx:
        stored = tx.models.version("xor")
        content = tx.models.weights(stored.id)
    assert version["sha256"] == hashlib.sha256(content).hexdigest()
    assert version["size_bytes"] == len(content)


def test_a_deleted_version_is_gone_and_its_number_is_not_given_again(service: Service) -> None:
    jobs = [service.train(fit={"epochs": 1}) for _ in range(2)]
    answer = service.client.delete("/v1/models/xor/versions/2")
    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(service.client.get("/v1/models/xor/versions/2"), 404, "not_found")
    assert service.client.get("/v1/models/xor").json()["latest_version"] == 1
    assert service.train(fit={"epochs": 1})["version"] == 3
    assert service.client.get(jobs[1]["links"]["self"]).json()["version"] == 2


def test_a_deleted_model_is_gone_with_all_its_versions(service: Service) -> None:
    job = service.train(fit={"epochs": 1})
    assert service.client.delete("/v1/models/xor").status_code == 204
    for path in ("/v1/models/xor", "/v1/models/xor/versions", "/v1/models/xor/versions/1"):
        assert_problem(service.client.get(path), 404, "not_found")
    assert service.client.get("/v1/models").json()["items"] == []
    assert service.client.get(job["links"]["self"]).json()["status"] == "succeeded"


@pytest.mark.parametrize("path", ["/v1/models/none", "/v1/models/none/versions/1", "/v1/models/xor/versions/99"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_does_not_exist_is_not_found(shared: Service, method: str, path: str) -> None:
    assert_problem(shared.client.request(method, path), 404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/xor/versions/one",
        "/v1/models/xor/versions/-1",
        "/v1/models/xor/versions/" + "9" * 5000,
        "/v1/models/a%2Fb",
        "/v1/models/%00",
        "/v1/models/",
        "/v1/models/" + "a" * 101,
    ],
)
def test_a_path_that_cannot_be_is_not_found(shared: Service, path: str) -> None:
    assert_problem(shared.client.get(path), 404, "not_found")

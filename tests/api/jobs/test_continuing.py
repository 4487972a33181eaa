"""Training goes on from a version over HTTP: the number fixed, the base protected, every misfit at its place."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.serving import Service, assert_problem, small

FOLDER = Path(__file__).parents[2] / "unit/exchange/keras/files"
JOBS = "/v1/training-jobs"
DATA = small()["data"]
FROM = {"model": "xor"}


def asked(**parts: Any) -> dict[str, Any]:
    """A request that goes on from the newest version of xor."""
    return {"from": FROM, "data": DATA, "fit": {"epochs": 2, "seed": 7}, **parts}


def post(service: Service, document: dict[str, Any], path: str = JOBS, **headers: str) -> httpx.Response:
    return service.client.post(path, json=document, headers={key.replace("_", "-"): headers[key] for key in headers})


def ended(service: Service, answer: httpx.Response) -> dict[str, Any]:
    """The job that was asked for, once it has succeeded."""
    assert answer.status_code == 202, answer.text
    service.work()
    job: dict[str, Any] = service.client.get(answer.headers["Location"]).json()
    assert job["status"] == "succeeded", job
    return job


def version_of(service: Service, job: dict[str, Any]) -> dict[str, Any]:
    version: dict[str, Any] = service.client.get(job["links"]["version"]).json()
    return version


def test_two_trainings_end_with_the_bits_of_one(service: Service) -> None:
    whole = version_of(service, service.train(model="whole", fit={"epochs": 5, "shuffle": False}))
    service.train(fit={"epochs": 2, "shuffle": False})
    fit = {"epochs": 3, "shuffle": False, "seed": 7}
    job = ended(service, post(service, asked(fit=fit)))
    version = version_of(service, job)
    assert version["sha256"] == whole["sha256"]
    assert (job["model"], job["version"]) == ("xor", 2)
    assert job["from"] == version["from"] == {"model": "xor", "version": 1, "optimizer": True}
    assert (version["spec"], version["compile"]) == (whole["spec"], whole["compile"])
    assert whole["from"] is None
    assert "from" not in version["environment"]


def test_the_version_is_the_newest_a_number_or_a_label_as_it_stands_at_the_time(service: Service) -> None:
    for epochs in (1, 2):
        service.train(fit={"epochs": epochs})
    service.client.request("PUT", "/v1/models/xor/labels/stable", json={"version": 1})
    newest = post(service, asked())
    labelled = post(service, asked(**{"from": {"model": "xor", "label": "stable"}}))
    numbered = post(service, asked(**{"from": {"model": "xor", "version": 1}}))
    service.client.request("PUT", "/v1/models/xor/labels/stable", json={"version": 2})
    service.work()
    made = [version_of(service, ended(service, answer)) for answer in (newest, labelled, numbered)]
    assert [version["from"]["version"] for version in made] == [2, 1, 1]
    assert made[1]["sha256"] == made[2]["sha256"] != made[0]["sha256"]


def test_a_version_may_go_on_under_another_name_with_another_network_and_compilation(service: Service) -> None:
    service.train()
    spec = {
        "layers": [
            {"class_name": "Dense", "units": 8, "activation": "tanh", "trainable": False},
            {"class_name": "Dropout", "rate": 0.1},
            {"class_name": "Dense", "units": 1, "activation": "sigmoid"},
        ]
    }
    compiled = {"optimizer": "sgd", "loss": "binary_focal_crossentropy"}
    job = ended(service, post(service, asked(model="tuned", spec=spec, compile=compiled)))
    version = version_of(service, job)
    assert (job["model"], job["version"]) == ("tuned", 1)
    assert version["from"] == {"model": "xor", "version": 1, "optimizer": False}
    assert (version["spec"], version["compile"]) == (spec, compiled)
    assert version["output"]["classes"] == ["different", "equal"]


def test_class_names_are_numbered_as_they_were_and_new_ones_refused(service: Service) -> None:
    service.train()
    only_equal = {"x": [[0, 0], [1, 1]], "y": ["equal", "equal"]}
    job = ended(service, post(service, asked(data=only_equal)))
    assert version_of(service, job)["output"]["classes"] == ["different", "equal"]
    other = {"x": [[0, 0], [1, 1]], "y": ["equal", "same"]}
    problem = assert_problem(post(service, asked(data=other)), 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/data/y/1", "unknown_class")]


def test_validate_says_the_same_and_stores_nothing(service: Service) -> None:
    service.train()
    before = service.rows()
    said = post(service, asked(), f"{JOBS}:validate").json()
    assert said["from"] == {"model": "xor", "version": 1, "optimizer": True}
    assert (said["parameters"], said["steps"]) == (33, 2)
    assert service.rows() == before
    assert post(service, small(), f"{JOBS}:validate").json()["from"] is None


def test_a_batch_goes_on_from_one_version_many_times_all_or_none(service: Service) -> None:
    service.train()
    service.train(model="other")
    jobs = [asked(model=f"shop-{number}") for number in range(3)] + [asked(**{"from": {"model": "other"}})]
    answer = post(service, {"jobs": jobs}, f"{JOBS}:batch")
    assert answer.status_code == 202, answer.text
    assert [job["from"]["model"] for job in answer.json()["items"]] == ["xor", "xor", "xor", "other"]
    service.work()
    assert service.client.get("/v1/models/shop-2/versions/1").json()["from"]["version"] == 1
    jobs[1]["from"] = {"model": "gone"}
    refused = assert_problem(post(service, {"jobs": jobs}, f"{JOBS}:batch"), 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("#/jobs/1/from/model", "not_found")]


def test_the_same_key_is_answered_the_same_also_when_the_version_is_gone(service: Service) -> None:
    service.train()
    first = post(service, asked(), Idempotency_Key="k")
    ended(service, first)
    service.client.delete("/v1/models/xor")
    again = post(service, asked(), Idempotency_Key="k")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert again.json()["from"]["version"] == 1


def test_what_a_job_goes_on_from_cannot_be_deleted_before_it_has_ended(service: Service) -> None:
    service.train()
    answer = post(service, asked(model="tuned"))
    for path in ("/v1/models/xor/versions/1", "/v1/models/xor"):
        assert_problem(service.client.delete(path), 409, "version_in_use")
    job = ended(service, answer)
    assert service.client.delete("/v1/models/xor").status_code == 204
    assert version_of(service, job)["from"] == {"model": "xor", "version": 1, "optimizer": True}
    assert service.client.get(answer.headers["Location"]).json()["from"]["model"] == "xor"
    cancelled = post(service, asked(**{"from": {"model": "tuned"}}))
    service.client.post(f"{cancelled.headers['Location']}:cancel")
    assert service.client.delete("/v1/models/tuned/versions/1").status_code == 204


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"from": {"model": "none"}}, "#/from/model", "not_found"),
    ({"from": {"model": "xor", "version": 9}}, "#/from/version", "not_found"),
    ({"from": {"model": "xor", "label": "stable"}}, "#/from/label", "not_found"),
    ({"from": {"model": "xor", "label": "stable", "version": 1}}, "#/from/label", "conflict"),
    ({"from": "xor"}, "#/from", "wrong_type"),
    ({"from": {"model": "xor", "epochs": 1}}, "#/from/epochs", "unknown_key"),
    (
        {"from": {"model": "xor", "optimizer": True}, "compile": {"optimizer": "sgd", "loss": "binary_crossentropy"}},
        "#/from/optimizer",
        "optimizer_mismatch",
    ),
    ({"spec": {"layers": [{"class_name": "Dense", "units": 1, "activation": "sigmoid"}]}}, "#/spec/layers/0",
     "weights_mismatch"),
    ({"data": {"x": [[1, 2, 3]], "y": ["equal"]}}, "#/data/x", "width_mismatch"),
    ({"data": {"dataset": "ds_none"}}, "#/data/dataset", "not_found"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "pointer", "code"), REFUSED)
def test_what_does_not_fit_is_refused_at_its_place(service: Service, parts: Any, pointer: str, code: str) -> None:
    service.train(fit={"epochs": 1})
    problem = assert_problem(post(service, asked(**parts)), 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(("name", "goes_on"), [("dense.keras", True), ("dense.h5", False)])
def test_an_imported_file_is_trained_further(service: Service, name: str, goes_on: bool) -> None:
    content = (FOLDER / name).read_bytes()
    headers = {"Content-Type": "application/octet-stream"}
    imported = service.client.post("/v1/models:import?model=kept", content=content, headers=headers).json()
    with np.load(FOLDER / "dense.npz") as recorded:
        data = {"x": recorded["x"].tolist(), "y": recorded["y"].argmax(axis=1).tolist()}
    job = ended(service, post(service, {"from": {"model": "kept"}, "data": data, "fit": {"epochs": 3}}))
    version = version_of(service, job)
    assert version["from"] == {"model": "kept", "version": 1, "optimizer": goes_on}
    assert version["spec"] == imported["spec"]
    assert version["sha256"] != imported["sha256"]


def test_a_model_that_came_as_json_is_trained_further(service: Service) -> None:
    body = {
        "model": "line",
        "spec": {"layers": [{"class_name": "Dense", "units": 1, "input_dim": 2}]},
        "weights": [[[0.5], [1.5]], [0.25]],
    }
    assert post(service, body, "/v1/models:import").status_code == 201
    data = {"x": [[0, 0], [1, 1]], "y": [0.25, 2.25]}
    job = ended(service, post(service, {"from": {"model": "line"}, "data": data}))
    assert job["metrics"]["loss"] == pytest.approx(0, abs=1e-10)


def test_a_version_goes_on_the_same_after_a_journey_as_a_file(service: Service) -> None:
    service.train(fit={"epochs": 20})
    file = service.client.get("/v1/models/xor/export?format=keras")
    headers = {"Content-Type": "application/zip"}
    service.client.post("/v1/models:import?model=back", content=file.content, headers=headers)
    losses = []
    for model in ("xor", "back"):
        job = ended(service, post(service, asked(**{"from": {"model": model}, "fit": {"epochs": 9, "shuffle": False}})))
        assert job["from"]["optimizer"] is True
        losses.append(job["metrics"]["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def uploaded(service: Service, text: str) -> str:
    answer = service.client.post("/v1/datasets", content=text.encode(), headers={"Content-Type": "text/csv"})
    dataset: str = answer.json()["id"]
    return dataset


def test_a_model_of_a_table_goes_on_with_another_table(service: Service) -> None:
    rows = "size,color,kind\n" + "1,red,a\n2,blue,b\n" * 10
    first = service.client.post(
        JOBS,
        json={
            "model": "kinds",
            "spec": {"layers": [{"class_name": "Dense", "units": "auto", "activation": "softmax"}]},
            "compile": {"optimizer": "adam", "loss": "crossentropy"},
            "data": {"dataset": uploaded(service, rows), "target": "kind"},
        },
    )
    base = version_of(service, ended(service, first))
    more = uploaded(service, "kind,color,size,shop\n" + "b,violet,70,x\nb,red,80,y\n" * 6)
    parts: dict[str, Any] = {"from": {"model": "kinds"}, "data": {"dataset": more}}
    version = version_of(service, ended(service, post(service, parts)))
    assert (version["input"], version["output"]) == (base["input"], base["output"])
    assert version["data"]["dataset"] == more
    said = post(service, parts, f"{JOBS}:validate").json()
    assert said["features"] == ["size", "color:unknown", "color=blue", "color=red"]
    file = service.client.get("/v1/models/kinds/versions/1/export?format=keras")
    headers = {"Content-Type": "application/zip"}
    service.client.post("/v1/models:import?model=back", content=file.content, headers=headers)
    back = version_of(service, ended(service, post(service, {"from": {"model": "back"}, "data": {"dataset": more}})))
    assert back["from"] == {"model": "back", "version": 1, "optimizer": True}
    assert (back["input"], back["output"]) == (base["input"], base["output"])
    for text, pointer, code in (
        ("size,kind\n1,a\n2,b\n", "#/data/dataset", "missing"),
        ("size,color,kind\n1,red,a\n2,red,c\n", "#/data/target", "unknown_class"),
        ("size,color,kind\nlong,red,a\nshort,red,a\n", "#/data/dataset", "wrong_type"),
    ):
        parts["data"] = {"dataset": uploaded(service, text)}
        problem = assert_problem(post(service, parts), 422, "invalid_request")
        assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(pointer, code)]
    for document in ({**parts, "data": DATA}, {**asked(), "from": {"model": "kinds"}}):
        problem = assert_problem(post(service, document), 422, "invalid_request")
        assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/data", "conflict")]
    service.train()
    problem = assert_problem(post(service, {**asked(), "data": {"dataset": more}}), 422, "invalid_request")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/data", "conflict")]

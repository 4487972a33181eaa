"""Models that come in over HTTP: published, asked, measured, and exported again."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service import nn
from tests.support.serving import Service, assert_problem

FOLDER = Path(__file__).parents[2] / "unit/exchange/keras/files"


def posted(service: Service, content: bytes, path: str = "", kind: str = "application/octet-stream") -> httpx.Response:
    return service.client.post(f"/v1/models:import{path}", content=content, headers={"Content-Type": kind})


def written(**changes: Any) -> dict[str, Any]:
    """A body of JSON that is right as it stands."""
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(1, activation="sigmoid")])
    return {
        "model": "imported",
        "spec": {"class_name": "Sequential", "config": model.get_config()},
        "weights": [[[1.0], [-1]], [0.5]],
    } | changes


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dense.keras", "application/zip"),
        ("dense.keras", "application/octet-stream"),
        ("dense.h5", "application/x-hdf5"),
        ("dense.h5", "application/octet-stream; name=dense.h5"),
    ],
)
def test_a_file_becomes_a_version_that_predicts_and_evaluates(service: Service, name: str, kind: str) -> None:
    answer = posted(service, (FOLDER / name).read_bytes(), "?model=from-keras", kind)
    assert answer.status_code == 201, answer.text
    version = answer.json()
    assert answer.headers["Location"] == version["links"]["self"] == "/v1/models/from-keras/versions/1"
    assert version.pop("warnings") == []
    assert version.items() <= service.client.get(answer.headers["Location"]).json().items()
    assert (version["job"], version["partial"], version["metrics"]) == (None, False, {})
    with np.load(FOLDER / "dense.npz") as recorded:
        x, y = recorded["x"].tolist(), recorded["y"]
    predicted = service.client.post(version["links"]["predict"], json={"instances": x}).json()
    np.testing.assert_allclose(predicted["predictions"], y, rtol=1e-6, atol=1e-6)
    data = {"x": x, "y": y.argmax(axis=1).tolist()}
    measured = service.client.post(version["links"]["evaluate"], json={"data": data}).json()["metrics"]
    assert measured["accuracy"] == 1.0
    assert measured["loss"] > 0


def test_a_second_import_adds_a_version_and_no_name_makes_one(service: Service) -> None:
    content = (FOLDER / "dense.keras").read_bytes()
    assert [posted(service, content, "?model=a").json()["version"] for _ in range(2)] == [1, 2]
    assert posted(service, content).json()["model"].startswith("model-")


def test_json_becomes_a_version(service: Service) -> None:
    answer = service.client.post("/v1/models:import", json=written())
    assert answer.status_code == 201, answer.text
    assert answer.json()["model"] == "imported"
    assert answer.json()["compile"] == {"loss": "binary_crossentropy"}
    predicted = service.client.post("/v1/models/imported:predict", json={"instances": [[1, 1.5]]}).json()
    assert predicted["predictions"] == [[0.5]]
    data = {"x": [[1, 1.5]], "y": [1]}
    measured = service.client.post("/v1/models/imported:evaluate", json={"data": data}).json()["metrics"]
    np.testing.assert_allclose(measured["loss"], np.log(2), rtol=1e-6)


def test_json_may_say_how_it_was_compiled(service: Service) -> None:
    compiled = {"loss": "mse", "metrics": ["mae"]}
    answer = service.client.post("/v1/models:import", json=written(compile=compiled))
    assert answer.json()["compile"] == compiled


def test_a_version_that_went_out_comes_in_the_same(service: Service) -> None:
    service.train()
    for path in ("/v1/models/xor/export", "/v1/models/copy/export"):
        content = service.client.get(path).content
        assert posted(service, content, "?model=copy").status_code == 201
    versions = [service.client.get(f"/v1/models/{path}").json() for path in ("xor/versions/1", "copy/versions/2")]
    assert versions[0]["sha256"] == versions[1]["sha256"]
    for key in ("summary", "input", "output"):
        assert versions[0][key] == versions[1][key]


def test_a_mistake_has_its_place_and_nothing_is_stored(service: Service) -> None:
    asked = written(weights=[[[1.0], [-1.0]], [0.5, 0.5]], compile={"loss": "mse"})
    problem = assert_problem(service.client.post("/v1/models:import", json=asked), 422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("#/weights/1", "shape_mismatch")]
    assert service.rows()["versions"] == 0


def test_what_is_no_model_is_refused(service: Service) -> None:
    assert_problem(posted(service, b"anything"), 400, "malformed")
    assert_problem(posted(service, b"", kind="application/json"), 400, "malformed")
    assert_problem(posted(service, b"{}", kind="application/json"), 422, "invalid_request")
    assert_problem(posted(service, b"PK", kind="text/plain"), 415, "unsupported_media_type")
    assert_problem(posted(service, b"PK", "?model=a/b"), 422, "invalid_parameter")
    headers = {"Content-Type": "application/zip", "Content-Encoding": "gzip"}
    compressed = service.client.post("/v1/models:import", content=b"PK", headers=headers)
    assert_problem(compressed, 415, "unsupported_media_type")

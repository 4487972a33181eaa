"""RealMLP and TabM over HTTP, on a table: validated, trained, asked, evaluated, and written to files."""

import io
from typing import Any

import numpy as np
import onnxruntime
import pytest

from tests.support import recipes
from tests.support.serving import Service, assert_problem

RNG = np.random.default_rng(6)
SIZES, AGES = RNG.uniform(40, 200, 120), RNG.uniform(0, 90, 120)
ZONES = RNG.choice(["centre", "hill", "river"], 120)
PRICES = 40_000 + 2_000 * SIZES + 30_000 * (ZONES == "centre") - 300 * AGES
LINES = [f"{s:.2f},{a:.1f},{z},{p:.0f}" for s, a, z, p in zip(SIZES, AGES, ZONES, PRICES, strict=True)]
CSV = "\n".join(["size,age,zone,price", *LINES])
ROWS = [{"size": 100.0, "age": 10.0, "zone": "hill"}, {"size": 60.0, "age": 50.0, "zone": "centre"}]
NUMBERS, ZONE = [0, 1], [2, 3, 4, 5]
SMALL: dict[str, Any] = {"classifies": False, "width": 16}
ASKED = {
    "td-s": recipes.realmlp_td_s(1, **SMALL),
    "td": recipes.realmlp_td(1, numbers=NUMBERS, one_hot=ZONE, codes={}, **SMALL),
    "tabm": recipes.tabm_mini(1, chunks=[4, 4, 4], numbers=NUMBERS, members=4, vector=4, **SMALL),
}


def request(service: Service, name: str) -> dict[str, Any]:
    """A recipe for the prices, which are learnt from two numbers and a category."""
    upload = service.client.post("/v1/datasets", content=CSV.encode(), headers={"Content-Type": "text/csv"})
    data = {"dataset": upload.json()["id"], "target": "price", "split": {"test": 0.25}}
    return {"model": name, **ASKED[name], "fit": {"epochs": 60, "batch_size": 15, "seed": 5}, "data": data}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service that has trained each of the recipes."""
    with Service(tmp_path_factory.mktemp("recipes")) as service:
        for name in ASKED:
            checked = service.client.post("/v1/training-jobs:validate", json=request(service, name))
            assert (checked.status_code, checked.json().get("warnings")) == (200, []), checked.text
            assert service.client.post("/v1/training-jobs", json=request(service, name)).status_code == 202
            service.work()
        yield service


def predicted(service: Service, name: str) -> list[float]:
    answer = service.client.post(f"/v1/models/{name}:predict", json={"instances": ROWS})
    assert answer.status_code == 200, answer.text
    return [row[0] for row in answer.json()["predictions"]]


@pytest.mark.parametrize("name", ASKED)
def test_prices_are_learnt_and_written_to_files(trained: Service, name: str) -> None:
    found = predicted(trained, name)
    assert found == pytest.approx([237_000, 175_000], rel=0.25)
    onnx = onnxruntime.InferenceSession(trained.client.get(f"/v1/models/{name}/export?format=onnx").content)
    kinds = {one.name: object if "string" in one.type else np.float32 for one in onnx.get_inputs()}
    kinds |= {one.name: np.float64 for one in onnx.get_inputs() if "double" in one.type}
    inputs = {key: np.array([[row[key]] for row in ROWS]).astype(kind) for key, kind in kinds.items()}
    np.testing.assert_allclose(onnx.run(None, inputs)[0][:, 0], found, rtol=1e-4)
    for file_format in ("python", "safetensors", "json"):
        assert trained.client.get(f"/v1/models/{name}/export?format={file_format}").status_code == 200


def test_realmlp_td_s_comes_back_from_a_file_of_keras(trained: Service) -> None:
    file = trained.client.get("/v1/models/td-s/export?format=keras")
    assert file.status_code == 200, file.text
    headers = {"Content-Type": "application/zip"}
    answer = trained.client.post(
        "/v1/models:import?model=back", content=io.BytesIO(file.content).read(), headers=headers
    )
    assert answer.status_code == 201, answer.text
    np.testing.assert_allclose(predicted(trained, "back"), predicted(trained, "td-s"), rtol=1e-4)


@pytest.mark.parametrize("name", ["td", "tabm"])
def test_keras_gets_no_embeddings_and_the_answer_says_which_formats_do(trained: Service, name: str) -> None:
    problem = assert_problem(trained.client.get(f"/v1/models/{name}/export?format=keras"), 422, "invalid_request")
    (error,) = problem["errors"]
    assert error["code"] == "not_exportable"
    assert "onnx, python, safetensors and json" in error["detail"]


def test_a_version_of_a_recipe_is_evaluated_and_trained_further(trained: Service) -> None:
    dataset = request(trained, "td")["data"]["dataset"]
    answer = trained.client.post("/v1/models/td:evaluate", json={"data": {"dataset": dataset}})
    assert answer.status_code == 200, answer.text
    further = {"model": "td", "from": {"model": "td"}, "fit": {"epochs": 2}, "data": {"dataset": dataset}}
    answer = trained.client.post("/v1/training-jobs", json=further)
    assert answer.status_code == 202, answer.text
    trained.work()
    assert trained.client.get(answer.headers["Location"]).json()["status"] == "succeeded"


def test_a_factor_of_no_variable_is_refused_with_what_is_meant(trained: Service) -> None:
    asked = request(trained, "td-s")
    factors = {"biass": 0.1, "dense_1": 2, "dense_9": 1}
    asked["compile"] = asked["compile"] | {"optimizer": {"class_name": "Adam", "learning_rate_factors": factors}}
    problem = assert_problem(trained.client.post("/v1/training-jobs:validate", json=asked), 422, "invalid_request")
    places = [error["pointer"].rpartition("/")[2] for error in problem["errors"]]
    assert places == ["biass", "dense_9"]
    assert "Did you mean 'bias'?" in problem["errors"][0]["detail"]

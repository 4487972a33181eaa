"""Versions as files over HTTP: the right bytes, the right name, and a clear no."""

import hashlib
import io
import json
import zipfile
from typing import get_args

import httpx
import numpy as np
import onnxruntime
import pytest
import safetensors.numpy

from service import nn
from service.api.models.files import Format
from service.exchange.exporting import FORMATS
from tests.support.serving import Service, assert_problem

ENDINGS = {
    "keras": ("application/zip", ".keras"),
    "safetensors": ("application/octet-stream", ".safetensors"),
    "json": ("application/json", ".json"),
    "onnx": ("application/octet-stream", ".onnx"),
    "python": ("application/zip", ".zip"),
}


def exported(shared: Service, file_format: str, **headers: str) -> httpx.Response:
    return shared.client.get(f"/v1/models/xor/versions/1/export?format={file_format}", headers=headers)


def test_every_format_is_offered() -> None:
    assert set(get_args(get_args(Format)[0])) == set(FORMATS) == set(ENDINGS)


@pytest.mark.parametrize("file_format", ENDINGS)
def test_a_file_has_its_media_type_its_name_and_the_hash_of_its_bytes(shared: Service, file_format: str) -> None:
    answer = exported(shared, file_format)
    media_type, ending = ENDINGS[file_format]
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Content-Disposition"] == f'attachment; filename="xor-1{ending}"'
    assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert exported(shared, file_format).content == answer.content
    assert shared.client.get(f"/v1/models/xor/export?format={file_format}").content == answer.content


@pytest.mark.parametrize("file_format", ENDINGS)
def test_a_file_that_is_at_hand_is_not_sent_again(shared: Service, file_format: str) -> None:
    etag = exported(shared, file_format).headers["ETag"]
    again = exported(shared, file_format, **{"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert exported(shared, file_format, **{"If-None-Match": '"another"'}).status_code == 200


def test_a_keras_file_has_the_members_that_keras_writes(shared: Service) -> None:
    with zipfile.ZipFile(io.BytesIO(exported(shared, "keras").content)) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert json.loads(archive.read("metadata.json"))["keras_version"].startswith("3.")
        config = json.loads(archive.read("config.json"))
    assert config["class_name"] == "Sequential"
    assert config["compile_config"]["loss"] == "binary_crossentropy"


def test_safetensors_are_the_stored_weights(shared: Service) -> None:
    answer = exported(shared, "safetensors")
    version = shared.client.get("/v1/models/xor/versions/1").json()
    assert answer.headers["ETag"] == f'"{version["sha256"]}"'
    arrays = safetensors.numpy.load(answer.content)
    assert set(arrays) == {"dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"}


def test_json_and_safetensors_together_predict_as_the_service_does(shared: Service) -> None:
    arrays = safetensors.numpy.load(exported(shared, "safetensors").content)
    model = nn.models.model_from_json(exported(shared, "json").text)
    model.set_weights([arrays[weight.path] for weight in model.weights])
    rows = [[0, 1], [1, 1]]
    answered = shared.client.post("/v1/models/xor:predict", json={"instances": rows}).json()["predictions"]
    np.testing.assert_allclose(model.predict(np.array(rows)), answered, rtol=1e-6)


def test_an_onnx_file_predicts_as_the_service_does_and_knows_the_classes(shared: Service) -> None:
    rows = [[0, 1], [1, 1]]
    session = onnxruntime.InferenceSession(exported(shared, "onnx").content, providers=["CPUExecutionProvider"])
    (predicted,) = session.run(["output"], {"input": np.array(rows, np.float32)})
    answered = shared.client.post("/v1/models/xor:predict", json={"instances": rows}).json()["predictions"]
    np.testing.assert_allclose(predicted, answered, rtol=1e-5, atol=1e-6)
    known = session.get_modelmeta().custom_metadata_map
    assert known == {"model": "xor", "version": "1", "classes": '["different","equal"]'}


def test_a_layer_that_the_format_has_no_words_for_is_named(service: Service) -> None:
    service.train(
        spec={"layers": [{"class_name": "Dense", "units": 2, "activation": "sparsemax", "name": "odd"}]},
        compile={"loss": "mse", "metrics": []},
        data={"x": [[0, 1]], "y": [[0, 1]]},
        fit={"epochs": 1},
    )
    problem = assert_problem(service.client.get("/v1/models/xor/export?format=keras"), 422, "invalid_request")
    assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == ("#/spec/layers/0", "not_exportable")
    assert "'odd'" in problem["errors"][0]["detail"]
    assert service.client.get("/v1/models/xor/export?format=onnx").status_code == 200


def test_a_loss_that_was_chosen_by_the_targets_goes_by_its_name_in_keras(service: Service) -> None:
    service.train(compile={"loss": "crossentropy"})
    config = service.client.get("/v1/models/xor/export?format=json").json()
    assert config["compile_config"]["loss"] == "binary_crossentropy"


def test_what_cannot_be_exported_is_said(shared: Service) -> None:
    assert_problem(shared.client.get("/v1/models/none/export"), 404, "not_found")
    assert_problem(shared.client.get("/v1/models/xor/versions/99/export"), 404, "not_found")
    assert_problem(shared.client.get("/v1/models/xor/export?format=pickle"), 422, "invalid_parameter")

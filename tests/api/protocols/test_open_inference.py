"""The Open Inference Protocol over HTTP: every call, every form of a tensor, and refusals that its clients can read."""

import gzip
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service.api.examples import SMALL
from tests.support.serving import Service

X = np.array(SMALL["data"]["x"], np.float32)
INFER = "/v2/models/xor/infer"
PATHS = ["/v2/models/xor", "/v2/models/xor/versions/1"]
CODES = {
    "BOOL": "?",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}

PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


def tensor(**changes: Any) -> dict[str, Any]:
    made = {"name": "input", "shape": [4, 2], "datatype": "FP32", "data": X.ravel().tolist()} | changes
    return {key: value for key, value in made.items() if value is not ...}


def infer(
    service: Service, document: Any, path: str = INFER, *, tail: bytes = b"", headers: dict[str, str] | None = None
) -> httpx.Response:
    head = document if isinstance(document, bytes) else json.dumps(document).encode()
    length = {"Inference-Header-Content-Length": str(len(head))} if tail else {}
    return service.client.post(path, content=head + tail, headers=length | (headers or {}))


def expected(service: Service) -> Any:
    answer = service.client.post("/v1/models/xor:predict", json={"instances": X.tolist()})
    return np.array(answer.json()["predictions"], np.float32)


def assert_refused(answer: httpx.Response, status: int, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("data", [X.tolist(), X.ravel().tolist()], ids=["nested", "flat"])
def test_json_in_gives_json_out(shared: Service, path: str, data: Any) -> None:
    answer = infer(shared, {"id": "a-17", "inputs": [tensor(data=data)]}, f"{path}/infer")
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert (view["model_name"], view["model_version"], view["id"]) == ("xor", "1", "a-17")
    (output,) = view["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("predictions", "FP32", [4, 1])
    np.testing.assert_array_equal(np.array(output["data"], np.float32).reshape(4, 1), expected(shared))


def test_a_request_without_an_id_gets_none_back(shared: Service) -> None:
    assert "id" not in infer(shared, {"inputs": [tensor()]}).json()


def test_what_clients_write_for_nothing_is_nothing(shared: Service) -> None:
    document = {
        "id": None,
        "parameters": None,
        "inputs": [tensor(parameters=None)],
        "outputs": None,
        "model_name": "xor",
    }
    assert infer(shared, document).status_code == 200
    assert infer(shared, document | {"outputs": []}).status_code == 200


@pytest.mark.parametrize("datatype", CODES)
def test_every_numeric_datatype_is_read_from_json_and_from_bytes(shared: Service, datatype: str) -> None:
    values = X.astype(CODES[datatype])
    as_json = tensor(datatype=datatype, data=values.ravel().tolist())
    one = infer(shared, {"inputs": [as_json]})
    parameters = {"binary_data_size": values.nbytes}
    as_bytes = tensor(datatype=datatype, data=..., parameters=parameters)
    other = infer(shared, {"inputs": [as_bytes]}, tail=values.tobytes())
    assert one.status_code == other.status_code == 200, one.text + other.text
    assert one.json() == other.json()
    np.testing.assert_array_equal(np.array(one.json()["outputs"][0]["data"], np.float32), expected(shared).ravel())


def test_bfloat16_is_the_upper_half_of_float32(shared: Service) -> None:
    content = (X.view(np.uint32) >> 16).astype("<u2").tobytes()
    document = {"inputs": [tensor(datatype="BF16", data=..., parameters={"binary_data_size": len(content)})]}
    answer = infer(shared, document, tail=content)
    np.testing.assert_array_equal(np.array(answer.json()["outputs"][0]["data"], np.float32), expected(shared).ravel())


@pytest.mark.parametrize(
    "asked",
    [
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "predictions", "parameters": {"binary_data": True}}]},
        {"outputs": [{"name": "predictions"}], "parameters": {"binary_data_output": True}},
    ],
)
def test_an_answer_comes_as_bytes_where_it_is_asked_for(shared: Service, asked: dict[str, Any]) -> None:
    answer = infer(shared, {"inputs": [tensor()]} | asked)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    length = int(answer.headers["Inference-Header-Content-Length"])
    (output,) = json.loads(answer.content[:length])["outputs"]
    assert output["parameters"] == {"binary_data_size": len(answer.content) - length}
    assert "data" not in output
    np.testing.assert_array_equal(np.frombuffer(answer.content[length:], "<f4").reshape(4, 1), expected(shared))


def test_an_outputs_own_wish_comes_before_the_requests(shared: Service) -> None:
    outputs = [{"name": "predictions", "parameters": {"binary_data": False}}]
    answer = infer(shared, {"inputs": [tensor()], "outputs": outputs, "parameters": {"binary_data_output": True}})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", PATHS)
def test_the_raw_form_is_the_input_alone_and_answers_bytes(shared: Service, path: str) -> None:
    headers = {"Inference-Header-Content-Length": "0"}
    answer = shared.client.post(f"{path}/infer", content=X.tobytes(), headers=headers)
    assert answer.status_code == 200, answer.text
    length = int(answer.headers["Inference-Header-Content-Length"])
    np.testing.assert_array_equal(np.frombuffer(answer.content[length:], "<f4").reshape(4, 1), expected(shared))


def test_classification_names_the_best_classes(shared: Service) -> None:
    outputs = [{"name": "predictions", "parameters": {"classification": 1}}]
    (output,) = infer(shared, {"inputs": [tensor()], "outputs": outputs}).json()["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("predictions", "BYTES", [4, 1])
    assert [text.split(":")[2] for text in output["data"]] == SMALL["data"]["y"]
    outputs[0]["parameters"] = {"classification": 9, "binary_data": True}
    answer = infer(shared, {"inputs": [tensor()], "outputs": outputs})
    length = int(answer.headers["Inference-Header-Content-Length"])
    (output,) = json.loads(answer.content[:length])["outputs"]
    assert output["shape"] == [4, 2]
    (size,) = struct.unpack_from("<I", answer.content, length)
    value, index, label = answer.content[length + 4 : length + 4 + size].decode().split(":")
    assert (float(value) > 0.5, ["different", "equal"][int(index)]) == (True, label)


def test_classes_without_names_are_values_and_indices(service: Service) -> None:
    layers = [{"class_name": "Dense", "units": 3}]
    service.train(spec={"layers": layers}, compile={"loss": "mse", "metrics": []}, data={"y": [[1, 2, 3]] * 4})
    outputs = [{"name": "predictions", "parameters": {"classification": 2}}]
    (output,) = infer(service, {"inputs": [tensor()], "outputs": outputs}).json()["outputs"]
    assert output["shape"] == [4, 2]
    assert [text.split(":")[1] for text in output["data"]] == ["2", "1"] * 4


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bodies_may_be_compressed_in_both_directions(shared: Service, encoding: str) -> None:
    pack = PACKERS[encoding]
    plain = json.dumps({"inputs": [tensor()]}).encode()
    headers = {"Content-Encoding": encoding, "Accept-Encoding": f"br, {encoding};q=0.5"}
    answer = shared.client.post(INFER, content=pack(plain), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Encoding"] == encoding
    assert answer.json() == infer(shared, plain).json()


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br", "gzip;q=x", ""])
def test_an_answer_is_compressed_only_when_asked(shared: Service, accepted: str) -> None:
    answer = infer(shared, {"inputs": [tensor()]}, headers={"Accept-Encoding": accepted})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_unpacks_beyond_the_limit_is_refused(shared: Service, encoding: str) -> None:
    pack = PACKERS[encoding]
    answer = shared.client.post(INFER, content=pack(b" " * 2_000_001), headers={"Content-Encoding": encoding})
    assert_refused(answer, 413, "unpacks to more than the limit of 2,000,000 bytes")


def test_a_body_that_is_not_what_its_encoding_says_is_refused(shared: Service) -> None:
    def post(content: bytes, encoding: str) -> httpx.Response:
        return shared.client.post(INFER, content=content, headers={"Content-Encoding": encoding})

    assert_refused(post(b"{}", "gzip"), 400, "not gzip")
    assert_refused(post(gzip.compress(b"{}")[:-4], "gzip"), 400, "does not end")
    assert_refused(post(gzip.compress(b"{}") + b"x", "gzip"), 400, "does not end")
    assert_refused(post(b"{}", "br"), 415, "gzip, deflate or identity")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "Expected an object; received a list."),
        ({}, "one input, 'input'"),
        ({"inputs": []}, "one input, 'input'; received 0 of them"),
        ({"inputs": [tensor(), tensor()]}, "received 2 of them"),
        ({"inputs": [3]}, "one input"),
        ({"inputs": {}}, "one input"),
        ({"id": 3, "inputs": [tensor()]}, "#/id: Expected a text"),
        ({"parameters": [], "inputs": [tensor()]}, "#/parameters: Expected an object"),
        ({"parameters": {"a": [1]}, "inputs": [tensor()]}, "#/parameters/a: Expected a text, a number"),
        ({"parameters": {"binary_data_output": 1}, "inputs": [tensor()]}, "true or false"),
        ({"inputs": [tensor(name="y")]}, "#/inputs/0/name: Expected the input 'input'"),
        ({"inputs": [tensor(name=...)]}, "#/inputs/0/name"),
        ({"inputs": [tensor(datatype="BYTES")]}, "received BYTES, and a network reads numbers"),
        ({"inputs": [tensor(datatype="FP8")]}, "Expected one of BOOL, UINT8"),
        ({"inputs": [tensor(datatype=["FP32"])]}, "Expected one of BOOL, UINT8"),
        ({"inputs": [tensor(shape=...)]}, "#/inputs/0/shape"),
        ({"inputs": [tensor(shape=[4])]}, "Expected the shape [rows, 2] with at least one row; received [4]"),
        ({"inputs": [tensor(shape=[2, 4])]}, "received [2, 4]"),
        ({"inputs": [tensor(shape=[-1, 2])]}, "received [-1, 2]"),
        ({"inputs": [tensor(shape=[0, 2], data=[])]}, "received [0, 2]"),
        ({"inputs": [tensor(shape=[4, 2, 1])]}, "received [4, 2, 1]"),
        ({"inputs": [tensor(shape=[True, 2])]}, "#/inputs/0/shape"),
        ({"inputs": [tensor(shape=[4.0, 2])]}, "#/inputs/0/shape"),
        ({"inputs": [tensor(shape=[10**9, 2])]}, "at most 1,000,000 rows"),
        ({"inputs": [tensor(shape=[10**18, 2])]}, "at most 1,000,000 rows"),
        ({"inputs": [tensor(data=...)]}, "'data' is missing"),
        ({"inputs": [tensor(data=None)]}, "Expected a list of numbers; received null"),
        ({"inputs": [tensor(data="x")]}, "Expected a list of numbers; received a text"),
        ({"inputs": [tensor(data=[1])]}, "Expected 8 numbers for this shape; received 1"),
        ({"inputs": [tensor(data=[[1, 2], [3]])]}, "#/inputs/0/data/1: Expected rows of 2"),
        ({"inputs": [tensor(data=[[1, 2], 3])]}, "received both"),
        ({"inputs": [tensor(data=[[[1], [2]]] * 4)]}, "#/inputs/0/data/0/0: Expected a number"),
        ({"inputs": [tensor(data=[0, 1, None, 1, 1, 1, 1, 1])]}, "#/inputs/0/data/2: Expected a number"),
        ({"inputs": [tensor(data=[0, 1, "1", 1, 1, 1, 1, 1])]}, "#/inputs/0/data/2"),
        ({"inputs": [tensor(data=[0, True, 1, 1, 1, 1, 1, 1])]}, "#/inputs/0/data/1"),
        ({"inputs": [tensor(data=[0, 1e39, 1, 1, 1, 1, 1, 1])]}, "range of FP32"),
        ({"inputs": [tensor(data=[0, float("nan"), 1, 1, 1, 1, 1, 1])]}, "finite"),
        ({"inputs": [tensor(datatype="FP64", data=[0, 1e308, 1, 1, 1, 1, 1, 1])]}, "range of FP32"),
        ({"inputs": [tensor(datatype="FP16", data=[0, 1e5, 1, 1, 1, 1, 1, 1])]}, "range of the datatype"),
        ({"inputs": [tensor(datatype="UINT8", data=[0, 256, 1, 1, 1, 1, 1, 1])]}, "range of the datatype"),
        ({"inputs": [tensor(datatype="INT8", data=[0, -129, 1, 1, 1, 1, 1, 1])]}, "range of the datatype"),
        ({"inputs": [tensor(datatype="INT32", data=[0, 0.5, 1, 1, 1, 1, 1, 1])]}, "Expected a whole number"),
        ({"inputs": [tensor(datatype="BOOL", data=[0, 1, 1, 1, 1, 1, 1, 1])]}, "Expected true or false"),
        ({"inputs": [tensor(parameters={"binary_data_size": 32})]}, "received both"),
        ({"inputs": [tensor(data=..., parameters={"binary_data_size": 32})]}, "Expected 32 bytes after the JSON"),
        ({"inputs": [tensor(data=..., parameters={"binary_data_size": -1})]}, "at least 0"),
        ({"inputs": [tensor(data=..., parameters={"binary_data_size": True})]}, "a whole number"),
        ({"inputs": [tensor()], "outputs": [{"name": "y"}]}, "Expected the output 'predictions'"),
        ({"inputs": [tensor()], "outputs": [{"name": "predictions"}] * 2}, "a list of one output"),
        ({"inputs": [tensor()], "outputs": {}}, "a list of one output"),
        (
            {"inputs": [tensor()], "outputs": [{"name": "predictions", "parameters": {"classification": -1}}]},
            "at least",
        ),
        ({"inputs": [tensor()], "outputs": [{"name": "predictions", "parameters": {"classification": "1"}}]}, "whole"),
    ],
)
def test_a_request_that_cannot_be_inferred_is_refused_with_a_reason(shared: Service, document: Any, words: str) -> None:
    assert_refused(infer(shared, document), 400, words)


@pytest.mark.parametrize(
    ("datatype", "content", "words"),
    [
        ("FP32", X.tobytes()[:-1], "after the JSON"),
        ("FP32", X.tobytes() + b"\0", "after the JSON"),
        ("FP32", np.full(8, np.nan, "<f4").tobytes(), "finite"),
        ("FP64", np.full(8, 1e300).tobytes(), "range of FP32"),
        ("BOOL", b"\2" * 8, "0 and 1"),
    ],
)
def test_bytes_that_are_no_tensor_are_refused(shared: Service, datatype: str, content: bytes, words: str) -> None:
    size = 8 * np.dtype(CODES[datatype]).itemsize
    document = {"inputs": [tensor(datatype=datatype, data=..., parameters={"binary_data_size": size})]}
    assert_refused(infer(shared, document, tail=content), 400, words)


def test_a_size_that_does_not_fit_the_shape_is_refused(shared: Service) -> None:
    document = {"inputs": [tensor(data=..., parameters={"binary_data_size": 8})]}
    assert_refused(infer(shared, document, tail=b"\0" * 8), 400, "Expected 32 bytes for this shape and datatype")
    assert_refused(infer(shared, {"inputs": [tensor()]}, tail=b"\0"), 400, "Expected a binary_data_size")


@pytest.mark.parametrize("header", ["-1", "x", "1e3", "99999999", "9" * 5000, "", " "])
def test_a_length_of_the_json_that_cannot_be_is_refused(shared: Service, header: str) -> None:
    answer = infer(shared, {"inputs": [tensor()]}, headers={"Inference-Header-Content-Length": header})
    assert_refused(answer, 400, "Inference-Header-Content-Length")


@pytest.mark.parametrize("content", [b"", b"\0" * 7])
def test_a_raw_body_that_is_no_rows_is_refused(shared: Service, content: bytes) -> None:
    answer = shared.client.post(INFER, content=content, headers={"Inference-Header-Content-Length": "0"})
    assert_refused(answer, 400, "Expected rows of 2 FP32 values, 8 bytes each")


def test_every_error_under_v2_is_of_the_protocols_form(shared: Service) -> None:
    request = shared.client.request
    assert_refused(request("GET", "/v2/nothing"), 404, "nothing at this path")
    assert_refused(request("GET", INFER), 405, "does not accept GET")
    assert_refused(request("POST", INFER, content=b" " * 2_000_001), 413, "2,000,000 bytes")
    for path in ("/v2/models/none", "/v2/models/none/versions/1", "/v2/models/xor/versions/99"):
        for call in ("", "/ready", "/config", "/stats"):
            assert_refused(request("GET", path + call), 404, "There is no")
        assert_refused(infer(shared, {"inputs": [tensor()]}, f"{path}/infer"), 404, "There is no")
    assert_refused(request("POST", "/v2/repository/models/none/load"), 404, "There is no model")
    assert_refused(request("POST", "/v2/repository/models/xor/unload"), 409, "cannot be unloaded")


def test_the_server_tells_what_it_is_and_that_it_is_well(service: Service) -> None:
    view = service.client.get("/v2").json()
    assert (view["name"], set(view)) == ("fitd", {"name", "version", "extensions"})
    assert {"binary_tensor_data", "classification", "statistics", "model_repository"} <= set(view["extensions"])
    assert service.client.get("/v2/health/live").json() == {"live": True}
    assert service.client.get("/v2/health/ready").json() == {"ready": True}
    with service.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'another'")
    answer = service.client.get("/v2/health/ready")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)


@pytest.mark.parametrize("path", PATHS)
def test_a_model_tells_its_tensors_and_its_configuration(shared: Service, path: str) -> None:
    view = shared.client.get(path).json()
    assert (view["name"], view["versions"], view["platform"]) == ("xor", ["1"], "fitd_safetensors")
    assert view["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 2]}]
    assert view["outputs"] == [{"name": "predictions", "datatype": "FP32", "shape": [-1, 1]}]
    assert shared.client.get(f"{path}/ready").json() == {"name": "xor", "ready": True}
    config = shared.client.get(f"{path}/config").json()
    assert config["input"] == [{"name": "input", "data_type": "TYPE_FP32", "dims": [2]}]
    assert config["output"] == [{"name": "predictions", "data_type": "TYPE_FP32", "dims": [1]}]
    assert config["max_batch_size"] == shared.settings.max_rows


def test_the_index_lists_every_version(service: Service) -> None:
    for model in ("b", "a", "a"):
        service.train(model=model, fit={"epochs": 1})
    index = service.client.post("/v2/repository/index").json()
    assert [(one["name"], one["version"], one["state"]) for one in index] == [
        ("a", "1", "READY"),
        ("a", "2", "READY"),
        ("b", "1", "READY"),
    ]
    assert service.client.post("/v2/repository/models/a/load").status_code == 200


def test_statistics_count_what_was_inferred_and_what_was_refused(service: Service) -> None:
    service.train(fit={"epochs": 1})
    for _ in range(3):
        assert infer(service, {"inputs": [tensor()]}).status_code == 200
    infer(service, b"{")
    for path in ("/v2/models/stats", "/v2/models/xor/stats", "/v2/models/xor/versions/1/stats"):
        (stats,) = service.client.get(path).json()["model_stats"]
        assert (stats["name"], stats["version"]) == ("xor", "1")
        assert (stats["inference_count"], stats["execution_count"]) == (12, 3)
        assert stats["inference_stats"]["success"]["count"] == 3
        assert stats["inference_stats"]["success"]["ns"] > 0
        assert stats["inference_stats"]["fail"]["count"] == 1


def test_infinite_outputs_are_null_in_json(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        layers = [{"class_name": "Dense", "units": 1}] * 4
        service.train(spec={"layers": layers}, compile={"loss": "mse", "metrics": []}, data={"y": [0, 1, 2, 3]})
        answer = infer(service, {"inputs": [tensor(shape=[1, 2], data=[3e38, -3e38])]})
        assert answer.json()["outputs"][0]["data"] == [None]

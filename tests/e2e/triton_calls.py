"""A program of its own: every call of `tritonclient.http` on the server at the given address, told as JSON."""

import itertools
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
ALGORITHMS = (None, "gzip", "deflate")


def made(array: Any, datatype: str, *, binary: bool = True) -> Any:
    tensor = InferInput("input", list(array.shape), datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def inferences(client: Any) -> dict[str, list[float]]:
    found = {}
    for binary_in, binary_out, sent, wanted in itertools.product((False, True), (False, True), ALGORITHMS, ALGORITHMS):
        result = client.infer(
            "xor",
            [made(X, "FP32", binary=binary_in)],
            request_id="an-id",
            outputs=[InferRequestedOutput("predictions", binary_data=binary_out)],
            request_compression_algorithm=sent,
            response_compression_algorithm=wanted,
            parameters={"mine": "x"},
        )
        assert result.get_response()["id"] == "an-id"
        assert result._result["model_version"] == "1"
        found[f"{binary_in} {binary_out} {sent} {wanted}"] = result.as_numpy("predictions").ravel().tolist()
    for dtype, datatype in (("float64", "FP64"), ("int64", "INT64")):
        result = client.infer("xor", [made(X.astype(dtype), datatype)], model_version="1")
        found[datatype] = result.as_numpy("predictions").ravel().tolist()
    handle = client.async_infer("xor", [made(X, "FP32")])
    found["asynchronous"] = handle.get_result().as_numpy("predictions").ravel().tolist()
    return found


def classes(client: Any) -> list[list[str]]:
    found = []
    for binary in (False, True):
        output = InferRequestedOutput("predictions", binary_data=binary, class_count=1)
        strings = client.infer("xor", [made(X, "FP32")], outputs=[output]).as_numpy("predictions").ravel().tolist()
        found.append([text.decode() if isinstance(text, bytes) else text for text in strings])
    return found


def columns(client: Any) -> dict[str, list[str]]:
    """The likeliest classes of two rows of a table, asked for by column in every form."""
    arrays = {
        "weight": (np.array([[155.0], [np.nan]]), "FP64"),
        "skin": (np.array([["rough"], [""]], object), "BYTES"),
        "ripe": (np.array([[True], [False]]), "BOOL"),
    }
    found = {}
    for binary_in, binary_out in itertools.product((False, True), (False, True)):
        inputs = []
        for name, (array, datatype) in arrays.items():
            tensor = InferInput(name, list(array.shape), datatype)
            # Only binary tensors can say NaN.
            tensor.set_data_from_numpy(array, binary_data=binary_in or name == "weight")
            inputs.append(tensor)
        output = InferRequestedOutput("predictions", binary_data=binary_out, class_count=1)
        result = client.infer("fruit", inputs, model_version="stable", outputs=[output])
        texts = result.as_numpy("predictions").ravel().tolist()
        found[f"{binary_in} {binary_out}"] = [text.decode() if isinstance(text, bytes) else text for text in texts]
    return found


def error(call: Callable[[], Any]) -> str:
    try:
        call()
    except InferenceServerException as refused:
        return str(refused)
    return "no error"


def main(address: str) -> None:
    client = InferenceServerClient(address)
    texts = np.full((1, 2), "a", object)
    said = {
        "health": {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model": client.is_model_ready("xor"),
            "version": client.is_model_ready("xor", "1"),
            "none": client.is_model_ready("none"),
        },
        "server": client.get_server_metadata(),
        "metadata": client.get_model_metadata("xor"),
        "config": client.get_model_config("xor", "1"),
        "index": client.get_model_repository_index(),
        "inferences": inferences(client),
        "classes": classes(client),
        "columns": columns(client),
        "columns_metadata": client.get_model_metadata("fruit", "stable"),
        "statistics": client.get_inference_statistics("xor", "1"),
        "all_statistics": client.get_inference_statistics(),
        "errors": {
            "unknown model": error(lambda: client.infer("none", [made(X, "FP32")])),
            "wrong shape": error(lambda: client.infer("xor", [made(X.T, "FP32")])),
            "bytes": error(lambda: client.infer("xor", [made(texts, "BYTES")])),
            "unload": error(lambda: client.unload_model("xor")),
        },
    }
    client.load_model("xor")
    client.close()
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1])

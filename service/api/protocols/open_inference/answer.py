"""The response to an inference: one output, as JSON or as bytes, as numbers or as classes."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.api.protocols.open_inference.request import Inference
from service.api.serving.responses import JSON
from service.api.serving.version_cache import Served
from service.formats.jsontext import write_json
from service.prediction.instances import OUTPUT

LENGTH = b"inference-header-content-length"
"""Says how many of the bytes of a body are JSON, where binary tensors follow."""

Floats = NDArray[np.float32]


def write_answer(served: Served, asked: Inference, predictions: Floats) -> tuple[bytes, dict[bytes, bytes]]:
    """The body, and the headers that say how to read it."""
    if asked.classes:
        strings = best_classes(served, predictions, asked.classes)
        shape, datatype = [len(strings), len(strings[0])], "BYTES"
        flat: Any = [text for row in strings for text in row]
    else:
        shape, datatype, flat = list(predictions.shape), "FP32", predictions.ravel()
    output: dict[str, Any] = {"name": OUTPUT, "datatype": datatype, "shape": shape}
    document: dict[str, Any] = {
        "model_name": served.version.model,
        "model_version": str(served.version.number),
        "outputs": [output],
    }
    if asked.id is not None:
        document["id"] = asked.id
    if not asked.binary:
        output["data"] = flat
        return write_json(document), dict(JSON)
    tail = _packed(flat) if asked.classes else flat.astype("<f4", copy=False).tobytes()
    output["parameters"] = {"binary_data_size": len(tail)}
    head = write_json(document)
    return head + tail, {b"content-type": b"application/octet-stream", LENGTH: b"%d" % len(head)}


def best_classes(served: Served, predictions: Floats, count: int) -> list[list[str]]:
    """For each row the classes of the highest scores, each as `value:index:label` or, without names, `value:index`."""
    scores = served.loaded.meaning.scores(predictions)
    if scores is None:
        scores = predictions.reshape(len(predictions), -1)
    labels = served.loaded.meaning.classes or []
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return [[_class(row[index], index, labels) for index in best] for row, best in zip(scores, order, strict=True)]


def _class(value: np.float32, index: int, labels: list[str]) -> str:
    return f"{value}:{index}:{labels[index]}" if index < len(labels) else f"{value}:{index}"


def _packed(texts: list[str]) -> bytes:
    contents = [text.encode() for text in texts]
    return b"".join(struct.pack("<I", len(content)) + content for content in contents)

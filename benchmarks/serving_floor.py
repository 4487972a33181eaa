"""The floor of serving: a bare ASGI application that reads, predicts and writes, and checks nothing."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import orjson

_FOLDER = Path(os.environ["FLOOR_FOLDER"])
W1, B1, W2, B2 = (np.load(_FOLDER / f"{index}.npy") for index in range(4))


def forward(x: Any) -> Any:
    hidden = np.dot(x, W1)
    hidden += B1
    np.maximum(hidden, 0, out=hidden)
    out = np.dot(hidden, W2)
    out += B2
    out -= out.max(axis=1, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=1, keepdims=True)
    return out


def answer_json(body: bytes, _headers: Any) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    x = np.asarray(orjson.loads(body)["instances"], np.float32)
    content = orjson.dumps({"predictions": forward(x)}, option=orjson.OPT_SERIALIZE_NUMPY)
    return content, [(b"content-type", b"application/json")]


def answer_binary(body: bytes, headers: Any) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    length = next(int(value) for name, value in headers if name == b"inference-header-content-length")
    shape = orjson.loads(body[:length])["inputs"][0]["shape"]
    tail = forward(np.frombuffer(body, np.float32, offset=length).reshape(shape)).tobytes()
    output = {"name": "predictions", "datatype": "FP32", "shape": [shape[0], 10]}
    head = json.dumps({"outputs": [{**output, "parameters": {"binary_data_size": len(tail)}}]}).encode()
    return head + tail, [(b"inference-header-content-length", str(len(head)).encode())]


async def app(scope: Any, receive: Any, send: Any) -> None:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    answer = answer_binary if scope["path"].endswith("/infer") else answer_json
    content, headers = answer(b"".join(parts), scope["headers"])
    headers = [*headers, (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})

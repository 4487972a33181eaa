"""Weights out of a safetensors file, in Keras's order."""

import json
from typing import Any

import numpy as np

_TYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "BOOL": "?"}


def ordered_weights(content: bytes) -> list[Any]:
    """The arrays of the file, in the order that the service wrote beside them."""
    length = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + length])
    order = json.loads(head.pop("__metadata__")["fitd"])["order"]
    body = memoryview(content)[8 + length :]
    arrays = []
    for name in order:
        start, end = head[name]["data_offsets"]
        array = np.frombuffer(body[start:end], _TYPES[head[name]["dtype"]])
        arrays.append(array.reshape(head[name]["shape"]).copy())
    return arrays

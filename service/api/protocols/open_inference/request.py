"""Reads an inference: its input as rows, and the requested outputs and their form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.api.protocols.open_inference.columns import read_columns
from service.api.protocols.open_inference.parameters import Tail, optional, read_count, read_flag, read_parameters
from service.api.protocols.open_inference.tensors import (
    DATATYPES,
    INPUT_0,
    Shape,
    datatype_of,
    from_bytes,
    from_json,
    refusal,
)
from service.config import Settings
from service.errors import Findings, Malformed
from service.formats.arrays import fits, kind_of
from service.formats.json_keys import check_keys
from service.formats.jsontext import read_json
from service.prediction import LoadedVersion
from service.prediction.instances import INPUT, OUTPUT


@dataclass(frozen=True, slots=True)
class Inference:
    """One request: rows of the right width, and how to answer."""

    rows: NDArray[np.float32]
    id: str | None = None
    binary: bool = False
    classes: int = 0
    """The number of best classes wanted in place of the numbers; 0 for the numbers."""


def read_inference(body: bytes, header: str | None, loaded: LoadedVersion, settings: Settings) -> Inference:
    """The inference that a body asks of a version; `header` is the length of its JSON, where binary tensors follow it.

    The input is the network's; of a version that learned from a table there is one for each column.
    """
    if header is None:
        length = len(body)
    elif header.isdecimal() and len(header) < 20 and int(header) <= len(body):
        length = int(header)
    else:
        expected = f"Expected a length from 0 to the body's {len(body):,} bytes"
        raise Malformed(f"{expected} in Inference-Header-Content-Length; received another value.")
    if header is not None and length == 0:
        return _read_raw(body, loaded, settings)
    check_keys(body[:length], data=("data",))
    document = read_json(body[:length])
    if not isinstance(document, dict):
        raise refusal("#", "wrong_type", f"Expected an object; received {kind_of(document)}.")
    asked_id = optional(document, "id", str, "#/id", "a text")
    parameters = read_parameters(document, "#")
    binary, classes = _read_output(document, bool(read_flag(parameters, "binary_data_output", "#")))
    tail = Tail(memoryview(body)[length:])
    if loaded.encoder.has_names:
        rows = read_columns(document, tail, loaded.encoder, settings)
    else:
        rows = _read_input(document, tail, loaded.columns, settings)
    tail.end()
    return Inference(rows, asked_id, binary, classes)


def _read_raw(body: bytes, loaded: LoadedVersion, settings: Settings) -> Inference:
    """The form whose whole body is the one input."""
    if loaded.encoder.has_names:
        detail = "Expected JSON before the tensors: this version has an input for each column of a table."
        raise refusal("#", "wrong_inputs", detail)
    columns = loaded.columns
    size = 4 * columns
    if not body or len(body) % size:
        detail = f"Expected rows of {columns} FP32 values, {size:,} bytes each; received {len(body):,} bytes."
        raise refusal("#", "wrong_size", detail)
    shape = (len(body) // size, columns)
    _check_size(shape, settings)
    return Inference(from_bytes(body, DATATYPES["FP32"], shape), binary=True)


def _read_input(document: Mapping[str, Any], tail: Tail, columns: int, settings: Settings) -> NDArray[np.float32]:
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        found = f"{len(inputs)} of them" if isinstance(inputs, list) and len(inputs) != 1 else "something else"
        raise refusal("#/inputs", "wrong_inputs", f"Expected a list of one input, {INPUT!r}; received {found}.")
    tensor = inputs[0]
    if tensor.get("name") != INPUT:
        raise refusal("#/inputs/0/name", "wrong_name", f"Expected the input {INPUT!r}; received another name.")
    datatype = datatype_of(tensor.get("datatype"))
    shape = _read_shape(tensor.get("shape"), columns)
    _check_size(shape, settings)
    content = tail.take(tensor, INPUT_0)
    return from_json(tensor["data"], datatype, shape) if content is None else from_bytes(content, datatype, shape)


def _read_shape(value: Any, columns: int) -> Shape:
    expected = f"Expected the shape [rows, {columns}] with at least one row"
    if not isinstance(value, list) or not all(type(size) is int for size in value):
        raise refusal("#/inputs/0/shape", "wrong_type", f"{expected}; received {kind_of(value)}.")
    if len(value) != 2 or value[0] < 1 or value[1] != columns:
        found = str(value) if len(value) < 10 and max(map(abs, value), default=0) < 2**63 else "another"
        raise refusal("#/inputs/0/shape", "wrong_shape", f"{expected}; received {found}.")
    return value[0], value[1]


def _check_size(shape: Shape, settings: Settings) -> None:
    findings = Findings()
    fits(*shape, "#/inputs/0/shape", findings, settings)
    findings.raise_errors()


def _read_output(document: Mapping[str, Any], binary: bool) -> tuple[bool, int]:
    """Whether the one output is wanted as bytes, and how many of the best classes of it."""
    outputs = document.get("outputs")
    if outputs is None or outputs == []:
        return binary, 0
    if not isinstance(outputs, list) or len(outputs) != 1 or not isinstance(outputs[0], dict):
        raise refusal("#/outputs", "wrong_outputs", f"Expected a list of one output, {OUTPUT!r}; received another.")
    if outputs[0].get("name") != OUTPUT:
        raise refusal("#/outputs/0/name", "wrong_name", f"Expected the output {OUTPUT!r}; received another name.")
    parameters = read_parameters(outputs[0], "#/outputs/0")
    classes = read_count(parameters, "classification", "#/outputs/0") or 0
    own = read_flag(parameters, "binary_data", "#/outputs/0")
    return binary if own is None else own, classes

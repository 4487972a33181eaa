"""What an inference asks: its input as rows, and which outputs it wants in which form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.api.inference.tensors import DATATYPES, Shape, datatype_of, from_bytes, from_json, refusal
from service.api.instances import INPUT, OUTPUT
from service.config import Settings
from service.errors import Findings, Malformed, pointer
from service.formats.arrays import fits, kind_of
from service.formats.jsontext import read_json


@dataclass(frozen=True, slots=True)
class Inference:
    """One request: rows of the right width, and how to answer."""

    rows: NDArray[np.float32]
    id: str | None = None
    binary: bool = False
    classes: int = 0
    """The number of best classes wanted in place of the numbers; 0 for the numbers."""


def read_inference(body: bytes, header: str | None, columns: int, settings: Settings) -> Inference:
    """The inference that a body says; `header` is the length of its JSON, where binary tensors follow it."""
    if header is None:
        length = len(body)
    elif header.isdecimal() and len(header) < 20 and int(header) <= len(body):
        length = int(header)
    else:
        expected = f"Expected a length from 0 to the body's {len(body):,} bytes"
        raise Malformed(f"{expected} in Inference-Header-Content-Length; received another value.")
    if header is not None and length == 0:
        return _read_raw(body, columns, settings)
    document = read_json(body[:length])
    if not isinstance(document, dict):
        raise refusal("#", "wrong_type", f"Expected an object; received {kind_of(document)}.")
    asked_id = _optional(document, "id", str, "#/id", "a text")
    parameters = _parameters(document, "#")
    binary, classes = _read_output(document, bool(_flag(parameters, "binary_data_output", "#")))
    rows = _read_input(document, memoryview(body)[length:], columns, settings)
    return Inference(rows, asked_id, binary, classes)


def _read_raw(body: bytes, columns: int, settings: Settings) -> Inference:
    """The form whose whole body is the one input."""
    size = 4 * columns
    if not body or len(body) % size:
        detail = f"Expected rows of {columns} FP32 values, {size:,} bytes each; received {len(body):,} bytes."
        raise refusal("#", "wrong_size", detail)
    shape = (len(body) // size, columns)
    _check_size(shape, settings)
    return Inference(from_bytes(body, DATATYPES["FP32"], shape), binary=True)


def _read_input(document: Mapping[str, Any], tail: memoryview, columns: int, settings: Settings) -> NDArray[np.float32]:
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
    size = _number(_parameters(tensor, "#/inputs/0"), "binary_data_size", "#/inputs/0")
    if size is None:
        if len(tail):
            detail = f"Expected a binary_data_size: {len(tail):,} bytes follow the JSON."
            raise refusal("#/inputs/0/parameters", "missing", detail)
        if "data" not in tensor:
            raise refusal("#/inputs/0/data", "missing", "'data' is missing, and so is a binary_data_size.")
        return from_json(tensor["data"], datatype, shape)
    if "data" in tensor:
        raise refusal("#/inputs/0/data", "two_forms", "Expected either data or a binary_data_size; received both.")
    if size != len(tail):
        detail = f"Expected {size:,} bytes after the JSON, as binary_data_size says; received {len(tail):,}."
        raise refusal("#/inputs/0/parameters/binary_data_size", "wrong_size", detail)
    return from_bytes(tail, datatype, shape)


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
    parameters = _parameters(outputs[0], "#/outputs/0")
    classes = _number(parameters, "classification", "#/outputs/0") or 0
    own = _flag(parameters, "binary_data", "#/outputs/0")
    return binary if own is None else own, classes


def _parameters(item: Mapping[str, Any], at: str) -> dict[str, Any]:
    parameters: dict[str, Any] = _optional(item, "parameters", dict, f"{at}/parameters", "an object") or {}
    for name, value in parameters.items():
        if not isinstance(value, str | int | float | None):
            place = f"{at}/parameters{pointer(name)[1:]}"
            detail = f"Expected a text, a number, true or false; received {kind_of(value)}."
            raise refusal(place, "wrong_type", detail)
    return parameters


def _optional(item: Mapping[str, Any], key: str, kind: type, at: str, expected: str) -> Any:
    value = item.get(key)
    if value is not None and type(value) is not kind:
        raise refusal(at, "wrong_type", f"Expected {expected}; received {kind_of(value)}.")
    return value


def _flag(parameters: Mapping[str, Any], name: str, at: str) -> bool | None:
    value: bool | None = _optional(parameters, name, bool, f"{at}/parameters/{name}", "true or false")
    return value


def _number(parameters: Mapping[str, Any], name: str, at: str) -> int | None:
    value: int | None = _optional(parameters, name, int, f"{at}/parameters/{name}", "a whole number")
    if value is not None and value < 0:
        raise refusal(f"{at}/parameters/{name}", "out_of_range", "Expected a number of at least 0.")
    return value

"""Inputs of a version that learned from a table: a tensor for each column, in any order, in the data's own words.

Nothing is there where a number is NaN or, in JSON, null, and where a text is empty, unless training saw empty texts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.allowance import expect
from service.api.protocols.open_inference.parameters import Tail
from service.api.protocols.open_inference.tensors import (
    BYTES,
    DATATYPES,
    Datatype,
    Floats,
    listed_values,
    refusal,
    stored_numbers,
    stored_texts,
)
from service.api.protocols.signatures import datatype_of
from service.config import Settings
from service.data.features import Encoder
from service.data.features.columns import AnyColumn, CategoryColumn
from service.data.features.records import read_values
from service.errors import Findings, pointer
from service.formats.arrays import fits, kind_of

_VALUE_BYTES, _INPUT_BYTES = 64, 8
"""Of a value of a column, and of an input that is made of it."""


def read_columns(document: Mapping[str, Any], tail: Tail, encoder: Encoder, settings: Settings) -> Floats:
    """What the network is given (rows, width) for the `inputs` of a request; `Invalid` with the mistakes."""
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(tensor, dict) for tensor in inputs):
        detail = f"Expected a list of inputs, one for each column; received {kind_of(inputs)}."
        raise refusal("#/inputs", "wrong_inputs", detail)
    places = _places(inputs, encoder)
    rows = _rows(inputs)
    findings = Findings(limit=settings.max_errors_shown)
    if not fits(rows, len(encoder.columns), "#/inputs/0/shape", findings, settings):
        raise findings.refusal()
    expect(rows * (_VALUE_BYTES * len(encoder.columns) + _INPUT_BYTES * encoder.width))
    known = {column.name: column for column in encoder.columns}
    columns: dict[str, Sequence[Any]] = {}
    for place, tensor in enumerate(inputs):
        at = f"#/inputs/{place}"
        content = tail.take(tensor, at)
        if tensor["name"] in known:
            columns[tensor["name"]] = _values(tensor, content, known[tensor["name"]], rows, at)
    records = read_values(columns, encoder, lambda name, row: pointer("inputs", places[name], "data", row), findings)
    if records is None:
        raise findings.refusal()
    return encoder.encode(records)[0]


def _places(inputs: Sequence[Mapping[str, Any]], encoder: Encoder) -> dict[str, int]:
    """Where among the inputs each column is."""
    known = frozenset(encoder.names)
    places: dict[str, int] = {}
    for place, tensor in enumerate(inputs):
        name = tensor.get("name")
        if not isinstance(name, str) or not (name in known or encoder.passes_over(name)) or name in places:
            shown = ", ".join(name[:40] for name in encoder.names[:10]) + (", ..." if len(encoder.names) > 10 else "")
            detail = f"Expected an input for each of the columns {shown}; received another or one twice."
            raise refusal(f"#/inputs/{place}/name", "wrong_name", detail)
        places[name] = place
    for name in encoder.lacking(places):
        raise refusal("#/inputs", "missing", f"The column {name[:40]!r} is missing.")
    return places


def _rows(inputs: Sequence[Mapping[str, Any]]) -> int:
    """The number of rows, which all inputs have."""
    expected = "Expected the shape [rows, 1], or [rows], with as many rows in every input and at least one"
    found = 0
    for place, tensor in enumerate(inputs):
        shape = tensor.get("shape")
        if not isinstance(shape, list) or not all(type(size) is int for size in shape):
            raise refusal(f"#/inputs/{place}/shape", "wrong_type", f"{expected}; received {kind_of(shape)}.")
        found = found or (shape[0] if shape else 0)
        if shape not in ([found], [found, 1]) or found < 1:
            raise refusal(f"#/inputs/{place}/shape", "wrong_shape", f"{expected}; received another.")
    return found


def _values(
    tensor: Mapping[str, Any], content: memoryview | None, column: AnyColumn, rows: int, at: str
) -> Sequence[Any]:
    """The values of a column as a request in JSON would have them, None where nothing is."""
    datatype = _datatype(tensor.get("datatype"), column, at)
    values: Sequence[Any]
    if content is None:
        with_gaps = replace(datatype, kinds=datatype.kinds | {type(None)})
        values = listed_values(tensor["data"], with_gaps, (rows, 1), at)
    elif datatype is BYTES:
        values = stored_texts(content, rows, at)
    else:
        values = stored_numbers(content, datatype, rows, at).tolist()
    if datatype is BYTES:
        empty = isinstance(column, CategoryColumn) and "" in column.categories
        return values if empty else [value or None for value in values]
    values = [None if isinstance(value, float) and math.isnan(value) else value for value in values]
    if column.encoding != "boolean":
        return values
    # Whatever is no 0 and no 1 stays what it is, and is refused as no boolean.
    return [bool(value) if value in (0, 1) else value for value in values]


def _datatype(name: Any, column: AnyColumn, at: str) -> Datatype:
    expected = datatype_of(column)
    if name == expected == "BYTES":
        return BYTES
    if expected != "BYTES" and isinstance(name, str) and name in DATATYPES and (name != "BOOL" or expected == "BOOL"):
        return DATATYPES[name]
    also = "" if expected == "BYTES" else ", or another datatype of numbers"
    detail = f"Expected {expected}{also}, for {column.name[:40]!r}; received another datatype."
    raise refusal(f"{at}/datatype", "wrong_datatype", detail)

"""Rows to predict, in each of the forms in which clients of TensorFlow Serving write them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.allowance import expect
from service.config import Limits
from service.data.features import Encoder
from service.data.features.records import read_columns, read_records
from service.errors import Findings, Invalid, pointer
from service.formats.arrays import kind_of, read_rows
from service.prediction.versions import LoadedVersion

INPUT = "input"
"""The name of a network's one input."""

OUTPUT = "predictions"
"""The name of a network's one output."""

_NAMES = (INPUT, "x")
_EXPECTED = f'Expected a row, or an object such as {{"{INPUT}": row}}'

_INPUT_BYTES = 8
"""Of an input while it is made: it and what it is made of."""

Floats = NDArray[np.float32]


def read_inputs(document: Mapping[str, Any], loaded: LoadedVersion, limits: Limits) -> tuple[Floats, str]:
    """Returns the inputs in a `:predict` body, and the key under which its form expects the outputs.

    A version that was trained on a table takes rows and columns in its words, any other takes numbers.
    """
    if not loaded.encoder.has_names:
        return read_prediction(document, loaded.columns, limits)
    findings = Findings(limit=limits.max_errors_shown)
    if "instances" in document and "inputs" in document:
        findings.error("#/inputs", "two_forms", "Expected either 'instances' or 'inputs'; received both.")
    elif "instances" not in document and "inputs" not in document:
        findings.error("#/instances", "missing", "'instances' is missing.")
    findings.raise_errors()
    key = "instances" if "instances" in document else "inputs"
    return encode(document[key], loaded.encoder, f"#/{key}", limits), (
        "predictions" if key == "instances" else "outputs"
    )


def encode(value: Any, encoder: Encoder, at: str, limits: Limits) -> Floats:
    """The inputs (rows, width) of rows or columns in the words of a table; `Invalid` with the mistakes."""
    findings = Findings(limit=limits.max_errors_shown)
    if isinstance(value, dict) and list not in set(map(type, value.values())):
        records = read_records([value], encoder, at, findings, limits)
        findings.errors = [replace(one, pointer=_of_only_row(one.pointer, at)) for one in findings.errors]
    else:
        read = read_columns if isinstance(value, dict) else read_records
        records = read(value, encoder, at, findings, limits)
    if records is None:
        raise findings.refusal()
    expect(_INPUT_BYTES * records.rows * encoder.width)
    return encoder.encode(records)[0]


def read_prediction(document: Mapping[str, Any], columns: int, limits: Limits) -> tuple[Floats, str]:
    """Returns the rows of a `:predict` body and the key for the outputs; raises `Invalid` with the mistakes.

    Rows stand under `instances`, or under `inputs`, where they may be named.
    """
    findings = Findings(limit=limits.max_errors_shown)
    if "instances" in document and "inputs" in document:
        findings.error("#/inputs", "two_forms", "Expected either 'instances' or 'inputs'; received both.")
    elif "instances" in document:
        return read_instances(document["instances"], "#/instances", columns, limits), "predictions"
    elif "inputs" not in document:
        findings.error("#/instances", "missing", "'instances' is missing.")
    findings.raise_errors()
    inputs = document["inputs"]
    if not isinstance(inputs, dict):
        return read_instances(inputs, "#/inputs", columns, limits), "outputs"
    name = _only_name(inputs)
    if name is None:
        findings.error("#/inputs", "wrong_name", f'Expected rows, or an object such as {{"{INPUT}": rows}}.')
        raise findings.refusal()
    return read_instances(inputs[name], pointer("inputs", name), columns, limits), "outputs"


def read_instances(value: Any, at: str, columns: int, limits: Limits) -> Floats:
    """The rows of a list of rows, of a list of objects each with a row, or of one such object.

    `Invalid` with the mistakes.
    """
    findings = Findings(limit=limits.max_errors_shown)
    if isinstance(value, dict):
        try:
            return read_instances([value], at, columns, limits)
        except Invalid as invalid:
            found = [replace(one, pointer=_of_only_row(one.pointer, at)) for one in invalid.findings]
            raise Invalid(found, total=invalid.total) from None
    name = None
    if isinstance(value, list) and value and set(map(type, value)) == {dict}:
        name = _name_in_all(value, at, findings)
        value = [item[name] for item in value]
    if columns == 1 and isinstance(value, list) and set(map(type, value)) <= {int, float}:
        value = [[item] for item in value]
    rows = read_rows(value, at, findings, limits)
    if rows is None:
        if name is not None:
            findings.errors = [replace(one, pointer=_inside(one.pointer, at, name)) for one in findings.errors]
        raise findings.refusal()
    if rows.shape[1] != columns:
        findings.error(at, "width_mismatch", f"Expected rows of {columns} values; received rows of {rows.shape[1]}.")
        raise findings.refusal()
    return rows


def merged(examples: Any, context: Any, limits: Limits) -> list[dict[str, Any]]:
    """Examples, each with the features of the context that they share; `Invalid` where one has both."""
    findings = Findings(limit=limits.max_errors_shown)
    if not isinstance(context, dict):
        findings.error("#/context", "wrong_type", f"Expected an object of features; received {kind_of(context)}.")
        context = {}
    if not isinstance(examples, list) or not examples:
        found = "an empty list" if examples == [] else kind_of(examples)
        findings.error("#/examples", "wrong_type", f"Expected a list of examples; received {found}.")
        raise findings.refusal()
    for index, example in enumerate(examples):
        if not isinstance(example, dict):
            expected = f"Expected an object of features; received {kind_of(example)}."
            findings.error(f"#/examples/{index}", "wrong_type", expected)
        elif not example.keys().isdisjoint(context):
            expected = "Expected each feature in the context or in the examples; received one in both."
            findings.error(f"#/examples/{index}", "duplicate", expected)
    findings.raise_errors()
    return [context | example for example in examples]


def _only_name(item: Mapping[str, Any]) -> str | None:
    return next((name for name in _NAMES if item.keys() == {name}), None)


def _name_in_all(items: list[dict[str, Any]], at: str, findings: Findings) -> str:
    name = _only_name(items[0]) or INPUT
    for index, item in enumerate(items):
        if item.keys() != {name}:
            expected = f"{_EXPECTED}; received an object with other keys."
            findings.error(f"{at}/{index}", "wrong_name", expected)
    findings.raise_errors()
    return name


def _of_only_row(place: str, at: str) -> str:
    """`#/instances/0/age` becomes `#/instances/age`, where one row stands that is in no list."""
    return at + place[len(at) :].removeprefix("/0")


def _inside(place: str, at: str, name: str) -> str:
    """`#/instances/3/0` becomes `#/instances/3/input/0`; the whole list stays what it is."""
    index, slash, rest = place[len(at) + 1 :].partition("/")
    return f"{at}/{index}/{name}{slash}{rest}" if index else place

"""Signatures: the inputs and outputs of a version by name, as serving protocols describe them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.data.features.columns import AnyColumn, NumberColumn, from_json_dict
from service.errors import Finding, Invalid
from service.formats.arrays import kind_of
from service.prediction.instances import INPUT, OUTPUT
from service.versions import Version

SIGNATURE = "serving_default"
"""The name of a version's one signature."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output: its datatype as the Open Inference Protocol calls it, and its sizes behind the rows."""

    name: str
    datatype: str
    sizes: list[int]


def check_signature(document: Mapping[str, Any]) -> None:
    """`Invalid` where a request names another signature than the one that every version has."""
    name = document.get("signature_name")
    if name not in (None, "", SIGNATURE):
        received = "another name" if isinstance(name, str) else kind_of(name)
        detail = f"Expected {SIGNATURE!r}, the one signature of every version, or none; received {received}."
        raise Invalid([Finding("#/signature_name", "unknown_name", detail)])


def inputs_of(version: Version) -> list[Tensor]:
    """The network's one input or, where it learned from a table, one without sizes for each column."""
    features = version.input.get("features")
    if features is None:
        return [Tensor(INPUT, "FP32", version.input["shape"][1:])]
    columns = [from_json_dict(feature) for feature in features]
    return [Tensor(column.name, datatype_of(column), []) for column in columns]


def outputs_of(version: Version) -> list[Tensor]:
    """The network's one output."""
    return [Tensor(OUTPUT, "FP32", version.output["shape"][1:])]


def datatype_of(column: AnyColumn) -> str:
    """What a column's values are: numbers, true and false, or texts, dates in ISO 8601 among them."""
    if not isinstance(column, NumberColumn):
        return "BYTES"
    return "BOOL" if column.encoding == "boolean" else "FP64"

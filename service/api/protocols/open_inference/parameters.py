"""Parameters of a request and of its tensors, and the bytes that they say follow the JSON."""

from collections.abc import Mapping
from typing import Any

from service.api.protocols.open_inference.tensors import refusal
from service.errors import pointer
from service.formats.arrays import kind_of


def read_parameters(item: Mapping[str, Any], at: str) -> dict[str, Any]:
    """The `parameters` of the request, an input or an output; empty if there are none."""
    parameters: dict[str, Any] = optional(item, "parameters", dict, f"{at}/parameters", "an object") or {}
    for name, value in parameters.items():
        if not isinstance(value, str | int | float | None):
            place = f"{at}/parameters{pointer(name)[1:]}"
            detail = f"Expected a text, a number, true or false; received {kind_of(value)}."
            raise refusal(place, "wrong_type", detail)
    return parameters


def optional(item: Mapping[str, Any], key: str, kind: type, at: str, expected: str) -> Any:
    """The value of a key, which is of this type, or None if there is none."""
    value = item.get(key)
    if value is not None and type(value) is not kind:
        raise refusal(at, "wrong_type", f"Expected {expected}; received {kind_of(value)}.")
    return value


def read_flag(parameters: Mapping[str, Any], name: str, at: str) -> bool | None:
    """A parameter that is true or false, or None if it is not given."""
    value: bool | None = optional(parameters, name, bool, f"{at}/parameters/{name}", "true or false")
    return value


def read_count(parameters: Mapping[str, Any], name: str, at: str) -> int | None:
    """A parameter that counts, from 0, or None if it is not given."""
    value: int | None = optional(parameters, name, int, f"{at}/parameters/{name}", "a whole number")
    if value is not None and value < 0:
        raise refusal(f"{at}/parameters/{name}", "out_of_range", "Expected a number of at least 0.")
    return value


class Tail:
    """The bytes behind the JSON, which binary tensors take in their order."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._taken = 0

    def take(self, tensor: Mapping[str, Any], at: str) -> memoryview | None:
        """The bytes of a tensor, or None where its `data` stand in the JSON."""
        size = read_count(read_parameters(tensor, at), "binary_data_size", at)
        if size is None:
            if "data" not in tensor:
                raise refusal(f"{at}/data", "missing", "'data' is missing, and so is a binary_data_size.")
            return None
        if "data" in tensor:
            raise refusal(f"{at}/data", "two_forms", "Expected either data or a binary_data_size; received both.")
        left = len(self._content) - self._taken
        if size > left:
            detail = f"Expected {size:,} bytes after the JSON, as binary_data_size says; received {left:,}."
            raise refusal(f"{at}/parameters/binary_data_size", "wrong_size", detail)
        self._taken += size
        return self._content[self._taken - size : self._taken]

    def end(self) -> None:
        """Refuses bytes that no tensor has taken."""
        if self._taken < len(self._content):
            received = f"received {len(self._content):,} bytes after the JSON"
            detail = f"Expected a binary_data_size of each binary tensor, {self._taken:,} bytes in all; {received}."
            raise refusal("#/inputs", "wrong_size", detail)

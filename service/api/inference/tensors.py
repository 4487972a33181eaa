"""Input tensors: numbers of every datatype of the protocol, as JSON or as bytes, become float32 or are refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import Finding, Invalid, pointer
from service.formats.arrays import kind_of

Floats = NDArray[np.float32]
Shape = tuple[int, int]

DATA = "#/inputs/0/data"


@dataclass(frozen=True, slots=True)
class Datatype:
    """A datatype of numbers: how it lies in bytes, and what JSON may say for it."""

    stored: np.dtype[Any]
    kinds: frozenset[type]
    words: str
    lowest: int | None = None
    largest: float | None = None

    @classmethod
    def of(cls, code: str) -> "Datatype":
        """The datatype that NumPy writes so."""
        stored = np.dtype(code)
        if stored.kind == "b":
            return cls(stored, frozenset({bool}), "true or false")
        if stored.kind in "iu":
            limits = np.iinfo(stored)
            return cls(stored, frozenset({int}), "a whole number", int(limits.min), int(limits.max))
        largest = float(np.finfo(stored).max) if stored.itemsize == 2 else None
        return cls(stored, frozenset({int, float}), "a number", None, largest)


DATATYPES = {
    "BOOL": Datatype.of("?"),
    **{f"UINT{8 * size}": Datatype.of(f"<u{size}") for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": Datatype.of(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": Datatype.of(f"<f{size}") for size in (2, 4, 8)},
    "BF16": Datatype(np.dtype("<u2"), frozenset({int, float}), "a number"),
}
"""The datatypes that a network reads, by the protocol's names."""


def refusal(place: str, code: str, detail: str) -> Invalid:
    """The error that says one thing about one place of the request."""
    return Invalid([Finding(place, code, detail)])


def datatype_of(name: Any) -> Datatype:
    """The datatype of this name; `Invalid` with the known ones for every other."""
    if isinstance(name, str) and name in DATATYPES:
        return DATATYPES[name]
    known = f"Expected one of {', '.join(DATATYPES)}"
    received = "BYTES, and a network reads numbers" if name == "BYTES" else "another datatype"
    raise refusal("#/inputs/0/datatype", "wrong_datatype", f"{known}; received {received}.")


def from_bytes(content: bytes | memoryview, datatype: Datatype, shape: Shape) -> Floats:
    """The tensor that lies row by row, little-endian and packed, in these bytes."""
    expected = shape[0] * shape[1] * datatype.stored.itemsize
    if len(content) != expected:
        detail = f"Expected {expected:,} bytes for this shape and datatype; received {len(content):,}."
        raise refusal("#/inputs/0", "wrong_size", detail)
    stored = np.frombuffer(content, datatype.stored)
    if datatype is DATATYPES["BF16"]:
        stored = (stored.astype(np.uint32) << 16).view(np.float32)
    elif stored.dtype.kind == "b" and (stored.view(np.uint8) > 1).any():
        raise refusal("#/inputs/0", "not_a_boolean", "Expected bytes of 0 and 1 for BOOL; received another.")
    return _finite(stored).reshape(shape)


def from_json(data: Any, datatype: Datatype, shape: Shape) -> Floats:
    """The tensor that a list of numbers, or of rows of them, says."""
    if not isinstance(data, list):
        raise refusal(DATA, "wrong_type", f"Expected a list of numbers; received {kind_of(data)}.")
    values = _unnested(data, shape[1])
    if len(values) != shape[0] * shape[1]:
        detail = f"Expected {shape[0] * shape[1]:,} numbers for this shape; received {len(values):,}."
        raise refusal(DATA, "wrong_size", detail)
    if not set(map(type, values)) <= datatype.kinds:
        index = next(index for index, value in enumerate(values) if type(value) not in datatype.kinds)
        where = (index,) if values is data else divmod(index, shape[1])
        detail = f"Expected {datatype.words} for this datatype; received {kind_of(values[index])}."
        raise refusal(pointer("inputs", 0, "data", *where), "not_a_number", detail)
    lowest, largest = datatype.lowest, datatype.largest
    if (lowest is not None and min(values) < lowest) or (largest is not None and max(map(abs, values)) > largest):
        raise refusal(DATA, "out_of_range", "Expected numbers in the range of the datatype; received one beyond it.")
    with np.errstate(over="ignore"):
        return _finite(np.fromiter(values, np.float32, count=len(values))).reshape(shape)


def _unnested(data: list[Any], columns: int) -> Sequence[Any]:
    kinds = set(map(type, data))
    if list not in kinds:
        return data
    if kinds != {list}:
        raise refusal(DATA, "mixed_types", "Expected numbers alone or rows alone; received both.")
    for index, row in enumerate(data):
        if len(row) != columns:
            place = pointer("inputs", 0, "data", index)
            raise refusal(place, "wrong_size", f"Expected rows of {columns:,} numbers; received {len(row):,}.")
    return list(chain.from_iterable(data))


def _finite(stored: NDArray[Any]) -> Floats:
    with np.errstate(over="ignore"):
        # A copy in any case: bytes may lie where no float32 may, and belong to the request.
        floats = stored.astype(np.float32)
    if not np.isfinite(floats).all():
        detail = "Expected finite numbers in the range of FP32; received NaN, infinity or a larger one."
        raise refusal("#/inputs/0", "not_finite", detail)
    return floats

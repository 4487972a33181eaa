"""Input tensors: values of every datatype of the protocol, as JSON or as bytes, are read or refused."""

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

INPUT_0 = "#/inputs/0"
_NOTHING = type(None)


@dataclass(frozen=True, slots=True)
class Datatype:
    """A datatype: how it lies in bytes, and what JSON may say for it."""

    stored: np.dtype[Any]
    kinds: frozenset[type]
    words: str
    lowest: int | None = None
    largest: float | None = None

    @property
    def plural(self) -> str:
        """What many of them are called."""
        return "texts" if self.stored.kind == "O" else "numbers"

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

BYTES = Datatype(np.dtype(object), frozenset({str}), "a text")
"""The protocol's datatype of texts, which only columns of a table have."""


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
    return _finite(stored_numbers(content, datatype, shape[0] * shape[1], INPUT_0)).reshape(shape)


def from_json(data: Any, datatype: Datatype, shape: Shape) -> Floats:
    """The tensor that a list of numbers, or of rows of them, says."""
    values = listed_values(data, datatype, shape, INPUT_0)
    with np.errstate(over="ignore"):
        return _finite(np.fromiter(values, np.float32, count=len(values))).reshape(shape)


def stored_numbers(content: bytes | memoryview, datatype: Datatype, count: int, at: str) -> NDArray[Any]:
    """So many numbers out of their bytes; `at` is the input that they are of."""
    expected = count * datatype.stored.itemsize
    if len(content) != expected:
        detail = f"Expected {expected:,} bytes for this shape and datatype; received {len(content):,}."
        raise refusal(at, "wrong_size", detail)
    stored = np.frombuffer(content, datatype.stored)
    if datatype is DATATYPES["BF16"]:
        return (stored.astype(np.uint32) << 16).view(np.float32)
    if stored.dtype.kind == "b" and (stored.view(np.uint8) > 1).any():
        raise refusal(at, "not_a_boolean", "Expected bytes of 0 and 1 for BOOL; received another.")
    return stored


def stored_texts(content: bytes | memoryview, count: int, at: str) -> list[str]:
    """So many texts out of their bytes, each behind its length; `at` is the input that they are of."""
    texts: list[str] = []
    place = 0
    while place + 4 <= len(content) and len(texts) < count:
        after = place + 4 + int.from_bytes(content[place : place + 4], "little")
        try:
            texts.append(str(content[place + 4 : after], "utf-8"))
        except UnicodeDecodeError:
            raise refusal(at, "wrong_type", "Expected texts in UTF-8; received other bytes.") from None
        place = after
    if len(texts) != count or place != len(content):
        detail = f"Expected {count:,} texts for this shape, each behind its length in 4 bytes; received another."
        raise refusal(at, "wrong_size", detail)
    return texts


def listed_values(data: Any, datatype: Datatype, shape: Shape, at: str) -> Sequence[Any]:
    """The values of a list, or of a list of rows, each one that the datatype has."""
    if not isinstance(data, list):
        raise refusal(f"{at}/data", "wrong_type", f"Expected a list of {datatype.plural}; received {kind_of(data)}.")
    values = _unnested(data, shape[1], at)
    if len(values) != shape[0] * shape[1]:
        detail = f"Expected {shape[0] * shape[1]:,} {datatype.plural} for this shape; received {len(values):,}."
        raise refusal(f"{at}/data", "wrong_size", detail)
    if not set(map(type, values)) <= datatype.kinds:
        index = next(index for index, value in enumerate(values) if type(value) not in datatype.kinds)
        where = (index,) if values is data else divmod(index, shape[1])
        detail = f"Expected {datatype.words} for this datatype; received {kind_of(values[index])}."
        raise refusal(f"{at}/data{pointer(*where)[1:]}", "wrong_type", detail)
    there = [value for value in values if value is not None] if _NOTHING in datatype.kinds else values
    lowest, largest = datatype.lowest, datatype.largest
    below = lowest is not None and min(there, default=0) < lowest
    if below or (largest is not None and max(map(abs, there), default=0) > largest):
        detail = "Expected numbers in the range of the datatype; received one beyond it."
        raise refusal(f"{at}/data", "out_of_range", detail)
    return values


def _unnested(data: list[Any], columns: int, at: str) -> Sequence[Any]:
    kinds = set(map(type, data))
    if list not in kinds:
        return data
    if kinds != {list}:
        raise refusal(f"{at}/data", "mixed_types", "Expected values alone or rows alone; received both.")
    for index, row in enumerate(data):
        if len(row) != columns:
            detail = f"Expected rows of {columns:,} values; received {len(row):,}."
            raise refusal(f"{at}/data/{index}", "wrong_size", detail)
    return list(chain.from_iterable(data))


def _finite(stored: NDArray[Any]) -> Floats:
    # A copy in any case: bytes may lie where no float32 may, and belong to the request.
    if stored.dtype == np.float32:
        floats = stored.copy()
    else:
        with np.errstate(over="ignore"):
            floats = stored.astype(np.float32)
    if not np.isfinite(floats).all():
        detail = "Expected finite numbers in the range of FP32; received NaN, infinity or a larger one."
        raise refusal(INPUT_0, "not_finite", detail)
    return floats

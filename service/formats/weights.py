"""Named arrays as safetensors bytes: the one form in which weights and datasets are stored."""

import hashlib
import json
import mmap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from service.errors import Damaged

Array = NDArray[Any]

_DTYPES = {"BOOL": "?", "I32": "<i4", "I64": "<i8", "F32": "<f4", "F64": "<f8"}
_LENGTH_BYTES = 8


def pack(arrays: Mapping[str, Array], metadata: Mapping[str, Any] | None = None) -> bytes:
    """Equal arrays, names, order and metadata always give equal bytes."""
    # The library writes several metadata entries in random order, and one entry in no other.
    notes = json.dumps({"order": list(arrays), "metadata": metadata or {}}, sort_keys=True, separators=(",", ":"))
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    return safetensors.numpy.save(contiguous, {"fitd": notes})


def unpack(content: bytes | mmap.mmap) -> tuple[dict[str, Array], dict[str, Any]]:
    """What `pack` was given, arrays in the same order, where they lie; `Damaged` for any other bytes."""
    view = memoryview(content)
    try:
        start = _LENGTH_BYTES + int.from_bytes(view[:_LENGTH_BYTES], "little")
        header = json.loads(bytes(view[_LENGTH_BYTES:start]))
        notes = json.loads(header["__metadata__"]["fitd"])
        return {name: _array(view[start:], **header[name]) for name in notes["order"]}, notes["metadata"]
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise Damaged("What was stored is not the safetensors file that it was written as.") from error


def _array(data: memoryview, *, dtype: str, shape: Sequence[int], data_offsets: tuple[int, int]) -> Array:
    start, stop = data_offsets
    return np.frombuffer(data[start:stop], _DTYPES[dtype]).reshape(shape)


def digest(content: bytes) -> str:
    """The SHA-256 of the bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()

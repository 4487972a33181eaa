"""Named arrays as safetensors bytes: the one form in which weights and datasets are stored."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from service.errors import Malformed

Array = NDArray[Any]


def pack(arrays: Mapping[str, Array], metadata: Mapping[str, Any] | None = None) -> bytes:
    """Equal arrays, names, order and metadata always give equal bytes."""
    # The library writes several metadata entries in random order, and one entry in no other.
    notes = json.dumps({"order": list(arrays), "metadata": metadata or {}}, sort_keys=True, separators=(",", ":"))
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    return safetensors.numpy.save(contiguous, {"fitd": notes})


def unpack(content: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    """What `pack` was given, arrays in the same order; `Malformed` for any other bytes."""
    try:
        arrays = safetensors.numpy.load(content)
        length = int.from_bytes(content[:8], "little")
        notes = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["fitd"])
        return {name: arrays[name] for name in notes["order"]}, notes["metadata"]
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise Malformed("The content is not a safetensors file that Fitd wrote.") from error


def digest(content: bytes) -> str:
    """The SHA-256 of the bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()

"""Reads HDF5 files in a short-lived process; `hdf5_reading.py` says why."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import Malformed

MAGIC = b"\x89HDF\r\n\x1a\n"
_PROGRAM = Path(__file__).with_name("hdf5_reading.py")
_REFUSED = 3
_SECONDS = 60.0
_TURNS = threading.BoundedSemaphore(2)
# No plugins from the disk, and no threads that would only count against the limit of memory.
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
_ENVIRONMENT = {"HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Hdf5Contents:
    """What Keras put into an HDF5 file: the weights by the number of their layer, and texts by their names."""

    weights: dict[int, list[NDArray[Any]]]
    texts: dict[str, str | None]
    optimizer: list[NDArray[Any]]
    """The variables of the optimizer; empty where the file has none."""


def read_hdf5(content: bytes, most_numbers: int, places: Sequence[str] | None = None) -> Hdf5Contents:
    """The contents of a whole model's file, or of an archive's weights at these places; `Malformed` for all else."""
    command = [sys.executable, "-I", str(_PROGRAM), str(most_numbers)]
    command += [] if places is None else [json.dumps(list(places))]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _ENVIRONMENT
    try:
        with _TURNS:  # each may take the memory that it is allowed
            done = subprocess.run(  # noqa: S603 - our own program, and numbers and names of ours as its arguments
                command, input=content, capture_output=True, timeout=_SECONDS, check=False, env=environment
            )
    except subprocess.TimeoutExpired:
        raise Malformed("Expected an HDF5 file of Keras; reading this one takes too long.") from None
    if done.returncode == _REFUSED:
        raise Malformed(done.stdout.decode("utf-8"))
    if done.returncode:
        raise Malformed("Expected an HDF5 file of Keras; these bytes cannot be read as one.")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as archive:
        arrays = dict(archive)
    texts = json.loads(arrays.pop("texts").tobytes())
    by_place: dict[str, list[NDArray[Any]]] = {}
    for name, array in arrays.items():
        by_place.setdefault(name.partition("/")[0], []).append(array)
    optimizer = by_place.pop("optimizer", [])
    return Hdf5Contents({int(place): found for place, found in by_place.items()}, texts, optimizer)

"""NumPy's `.npz` files: named arrays, read without pickle, and no larger than they may be."""

import errno
import tokenize
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from service.config import Limits
from service.errors import Malformed, TooLarge

NPZ = "application/x-npz"
# SyntaxError and TokenError are what NumPy's reader of headers lets through.
_UNREADABLE = (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError, NotImplementedError, RuntimeError,
               SyntaxError, tokenize.TokenError)  # fmt: skip


def read_npz(file: Path, limits: Limits, *names: str, optional: Collection[str] = ()) -> dict[str, NDArray[Any]]:
    """The arrays of these names, and of the optional ones those that are there; `TooLarge` over the limits.

    `Malformed` if a name is missing, if there is any other, or where one is no plain array.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            missing = [name for name in names if f"{name}.npy" not in archive.namelist()]
            if missing:
                expected = f"Expected an .npz file with the arrays {' and '.join(names)}"
                raise Malformed(f"{expected}; received one without {' and '.join(missing)}.", code="bad_table")
            given = {name.removesuffix(".npy") for name in archive.namelist()}
            others = sorted(name[:40] for name in given.difference(names, optional))
            if others:
                known = ", ".join((*names, *optional))
                received = f"received others, among them {', '.join(map(repr, others[:5]))}"
                raise Malformed(f"Expected an .npz file with no arrays but {known}; {received}.", code="bad_table")
            wanted = [*names, *(name for name in optional if name in given)]
            return {name: _read(archive, name, limits) for name in wanted}
    except _UNREADABLE as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # that is a place before the file
            raise
        expected = f"Expected an .npz file with the arrays {' and '.join(names)}"
        raise Malformed(f"{expected}; received one that cannot be read.", code="bad_table") from None


def is_npz(file: Path) -> bool:
    """Whether a file is a zip file with an array in it."""
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith(".npy") for name in archive.namelist())
    except _UNREADABLE:
        return False


def _read(archive: zipfile.ZipFile, name: str, limits: Limits) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as member:
        version = npy.read_magic(member)
        shape, _, dtype = npy.read_array_header_1_0(member) if version == (1, 0) else npy.read_array_header_2_0(member)
    if dtype.hasobject:
        expected = f"Expected numbers or texts in the array {name}; received objects of Python"
        raise Malformed(
            f"{expected}, as pandas makes them; see NumPy's astype(str) and astype(float).", code="bad_table"
        )
    if len(shape) > 1 and shape[1] > limits.max_columns:
        limit = limits.max_columns
        raise TooLarge(f"The array {name} has more columns than the limit of {limit:,}.", limit=limit, unit="columns")
    cells = int(np.prod(shape, dtype=object)) if shape else 1
    if cells > limits.max_table_cells:
        limit = limits.max_table_cells
        raise TooLarge(f"The array {name} has more numbers than the limit of {limit:,}.", limit=limit, unit="cells")
    if cells * dtype.itemsize > limits.max_unpacked_bytes:
        limit = limits.max_unpacked_bytes
        raise TooLarge(f"The array {name} is larger than the limit of {limit:,} bytes.", limit=limit, unit="bytes")
    with archive.open(f"{name}.npy") as member:
        array: NDArray[Any] = npy.read_array(member, allow_pickle=False)
        return array

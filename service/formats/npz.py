"""NumPy's `.npz` files: named arrays, read without pickle, and no larger than they may be."""

import errno
import math
import tokenize
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from service.allowance import expect
from service.config import Limits
from service.errors import Malformed, TooLarge
from service.formats.compression import most_unpacked, too_large
from service.formats.plain_columns import LONGEST_TEXT

NPZ = "application/x-npz"
_LONGEST_TEXT_BYTES = {"U": 4 * LONGEST_TEXT, "S": LONGEST_TEXT}
_COPIES = 3
"""What is read, the same in the types of a dataset, and its bytes as they are stored."""
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
            headers = {name: _header(archive, name) for name in wanted}
            for name, (shape, dtype) in headers.items():
                _check(name, shape, dtype, limits)
            size_bytes = sum(math.prod(shape) * dtype.itemsize for shape, dtype in headers.values())
            if size_bytes > most_unpacked(file, limits):
                raise too_large(most_unpacked(file, limits))
            expect(_COPIES * size_bytes)
            return {name: _read(archive, name) for name in wanted}
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


def _header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with archive.open(f"{name}.npy") as member:
        version = npy.read_magic(member)
        shape, _, dtype = npy.read_array_header_1_0(member) if version == (1, 0) else npy.read_array_header_2_0(member)
        return shape, dtype


def _check(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], limits: Limits) -> None:
    """Refuses an array by its header, before anything of it is read."""
    if dtype.hasobject:
        expected = f"Expected numbers or texts in the array {name}; received objects of Python"
        raise Malformed(
            f"{expected}, as pandas makes them; see NumPy's astype(str) and astype(float).", code="bad_table"
        )
    if len(shape) > 1 and shape[1] > limits.max_columns:
        limit = limits.max_columns
        raise TooLarge(f"The array {name} has more columns than the limit of {limit:,}.", limit=limit, unit="columns")
    if math.prod(shape) > limits.max_table_cells:
        limit = limits.max_table_cells
        raise TooLarge(f"The array {name} has more numbers than the limit of {limit:,}.", limit=limit, unit="cells")
    if dtype.kind in "US" and dtype.itemsize > _LONGEST_TEXT_BYTES[dtype.kind]:
        detail = f"A text of the array {name} is longer than {LONGEST_TEXT:,} characters."
        raise TooLarge(detail, limit=LONGEST_TEXT, unit="bytes")


def _read(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as member:
        array: NDArray[Any] = npy.read_array(member, allow_pickle=False)
        return array

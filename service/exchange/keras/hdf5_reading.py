"""Reads the weights out of HDF5 files of strangers; run as a program of its own, because HDF5 was not made for them.

The HDF5 library is C that trusts its input: a damaged file may crash it, or send it round in circles. As a program
this module reads a file from standard input and writes an `.npz` to standard output, within limits of memory and
time, so that the worst file ends one short process. It imports nothing of Fitd, so that it starts fast.
"""

import io
import json
import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np

MOST_COPIES = 6
"""An optimizer remembers so many numbers for each weight at most."""

REFUSED = 3
"""The exit code for a file that is refused; the reason is on standard output."""

CPU_SECONDS = 30
MEMORY_BYTES = 3 * 2**29
"""Of addresses, a third of which the libraries take: what is left is about what a request may take."""


class Refused(Exception):
    """The file cannot be read, or holds something that a file of weights has no need of."""


class Reader:
    """An open HDF5 file, from which no more than `most_numbers` are read, and only what lies in the file itself."""

    def __init__(self, content: bytes, most_numbers: int) -> None:
        self._file = h5py.File(io.BytesIO(content), "r")
        self._most_numbers = most_numbers
        self._left = most_numbers

    def expect_optimizer(self) -> None:
        """From now on the state of an optimizer may be read, too."""
        self._left += MOST_COPIES * self._most_numbers

    def find(self, path: str, start: Any = None) -> Any:
        """The group or dataset at a path, or None; links to other places are refused."""
        found = self._file if start is None else start
        for name in filter(None, path.split("/")):
            if not isinstance(found, h5py.Group):
                return None
            link = found.get(name, getlink=True)
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                raise Refused("Expected weights in the file itself; it has a soft or external link.")
            found = found[name]
        return found

    def array(self, dataset: Any) -> Any:
        """The numbers of a dataset."""
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu" or dataset.shape is None:
            raise Refused("Expected every weight as a dataset of numbers.")
        if dataset.is_virtual or dataset.external:
            raise Refused("Expected weights in the file itself; a dataset lies in another file.")
        self._left -= max(dataset.size, math.prod(dataset.chunks or (0,)))
        if self._left < 0:
            raise Refused(f"Expected at most {self._most_numbers:,} numbers in all weights; the file has more.")
        return dataset[()]

    def text(self, name: str) -> str | None:
        """A text among the file's own attributes."""
        value = self._file.attrs.get(name)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        # h5py returns bytes that are not UTF-8 as lone surrogates, which cannot be encoded again.
        return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else None


def names_of(group: Any, attribute: str) -> list[str]:
    """The names in an attribute, which Keras cuts into several where it is long."""
    if attribute in group.attrs:
        return _decoded(group.attrs[attribute])
    found: list[str] = []
    number = 0
    while f"{attribute}{number}" in group.attrs:
        found += _decoded(group.attrs[f"{attribute}{number}"])
        number += 1
    return found


def _decoded(values: Any) -> list[str]:
    if not isinstance(values, np.ndarray) or values.ndim != 1:
        raise Refused("Expected a list of names; the file has something else.")
    names = [value.decode("utf-8") if isinstance(value, bytes) else value for value in values.tolist()]
    if not all(isinstance(name, str) for name in names):
        raise Refused("Expected a list of names; the file has something else.")
    return names


def of_archive(reader: Reader, places: Sequence[str]) -> Iterator[tuple[int | str, Any]]:
    """The weights of each layer by its number, where a `.keras` file has them, then the variables of the optimizer."""
    root = "layers" if reader.find("layers") is not None else "_layer_checkpoint_dependencies"  # in early files
    for number, place in enumerate(places):
        lies = f"{root}/{place}".replace("/layers/", f"/{root}/")  # in each network within the network, too
        yield from ((number, array) for array in variables(reader, lies))
    reader.expect_optimizer()
    yield from (("optimizer", array) for array in variables(reader, "optimizer"))


def variables(reader: Reader, place: str) -> Iterator[Any]:
    """The numbered arrays of what lies at a place."""
    group = reader.find(f"{place}/vars")
    count = len(group) if isinstance(group, h5py.Group) else 0
    for number in range(count):
        yield reader.array(reader.find(str(number), group))


def of_model(reader: Reader) -> Iterator[tuple[int | str, Any]]:
    """The weights of each layer by its number, where Keras puts them in the HDF5 file of a whole model."""
    root = reader.find("model_weights")
    if not isinstance(root, h5py.Group):
        raise Refused("Expected the group model_weights; the file has none.")
    for number, layer in enumerate(names_of(root, "layer_names")):
        group = reader.find(layer, root)
        if not isinstance(group, h5py.Group):
            raise Refused("Expected a group for each layer; the file has none for one of them.")
        for name in names_of(group, "weight_names"):
            yield number, reader.array(reader.find(name, group))


def read(content: bytes, most_numbers: int, places: Sequence[str] | None) -> dict[str, Any]:
    """The arrays of a file by the number of their layer and their own (`"3/0"`, `"optimizer/7"`), and its texts."""
    try:
        reader = Reader(content, most_numbers)
        texts = {name: reader.text(name) for name in ("model_config", "training_config", "keras_version")}
        found = of_model(reader) if places is None else of_archive(reader, places)
        arrays: dict[str, Any] = {}
        for order, (layer, array) in enumerate(found):
            arrays[f"{layer}/{order}"] = array
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        AttributeError,
        OverflowError,
    ) as error:
        raise Refused("Expected an HDF5 file of Keras; these bytes cannot be read as one.") from error
    except MemoryError as error:
        raise Refused("Expected weights that fit into the memory for a file; reading these takes more.") from error
    return {**arrays, "texts": np.frombuffer(json.dumps(texts).encode(), np.uint8)}


def _limit() -> None:
    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hardest = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hardest == resource.RLIM_INFINITY else min(most, hardest), hardest))


def main(arguments: Sequence[str]) -> int:
    """Reads standard input; the arguments are the most numbers and, for an archive, the places as JSON."""
    _limit()
    places = json.loads(arguments[1]) if len(arguments) > 1 else None
    try:
        arrays = read(sys.stdin.buffer.read(), int(arguments[0]), places)
    except Refused as refused:
        sys.stdout.write(str(refused))
        return REFUSED
    written = io.BytesIO()
    np.savez(written, **arrays)
    sys.stdout.buffer.write(written.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

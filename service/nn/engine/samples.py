"""The arrays that `fit`, `evaluate` and `predict` take: inputs, targets and weights, rows first."""

import math
from typing import Any, NamedTuple

import numpy as np

from service.nn.arguments import ArgumentError

Array = np.ndarray[Any, Any]


class Samples(NamedTuple):
    """Inputs (rows, ...), targets (rows, ...) and a weight for each row, or None."""

    x: Array
    y: Array
    weights: Array | None

    def rows(self, part: slice) -> "Samples":
        """Some of the rows."""
        return Samples(self.x[part], self.y[part], None if self.weights is None else self.weights[part])


def samples(x: Any, y: Any, sample_weight: Any = None) -> Samples:
    """The arrays, checked to be numbers of the same number of rows."""
    x = inputs(x)
    if y is None:
        raise ArgumentError("y", "an array of targets", None)
    y = inputs(y, name="y")
    weights = None if sample_weight is None else np.asarray(sample_weight)
    for name, array in (("y", y), ("sample_weight", weights)):
        if array is not None and len(array) != len(x):
            raise ArgumentError(name, f"as long as x ({len(x)} rows)", len(array))
    if not len(x):
        raise ArgumentError("x", "at least one row long", 0)
    return Samples(x, y, weights)


def held_out(data: Any) -> Samples | None:
    """The samples of `validation_data`, which may be None."""
    if data is None:
        return None
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise ArgumentError("validation_data", "(x, y) or (x, y, sample_weight)", data)
    return samples(*data)


def weighted(data: Samples, class_weight: dict[int, float] | None) -> Samples:
    """Returns the samples with class weights turned into row weights; both kinds at once are an error."""
    if class_weight is None:
        return data
    if data.weights is not None:
        raise ArgumentError("class_weight", "left out, because sample_weight is given", class_weight)
    return data._replace(weights=class_weights(data.y, class_weight))


def inputs(x: Any, *, name: str = "x") -> Array:
    """Inputs as an array of numbers with rows first; (n,) becomes (n, 1)."""
    if isinstance(x, list | tuple):
        raise ArgumentError(name, "a NumPy array", x)
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise ArgumentError(name, "an array of numbers", array.dtype.name)
    if array.ndim == 0:
        raise ArgumentError(name, "an array with rows", array)
    return array[:, None] if array.ndim == 1 else array


def class_weights(y: Array, weights: dict[int, float]) -> Array:
    """A weight for each row from that of its class; classes that are not named weigh 1."""
    labels = y.argmax(axis=-1) if y.shape[-1] != 1 else y[..., 0]
    classes = np.round(labels).astype(np.int64)
    result = np.ones(len(classes))
    for label, weight in weights.items():
        result[classes == int(label)] = weight
    return result


def split(data: Samples, fraction: float) -> tuple[Samples, Samples]:
    """The first rows to train on and the last `fraction` to validate with, as Keras cuts them."""
    rows = len(data.x)
    if not 0 < fraction < 1:
        raise ArgumentError("validation_split", "at least 0 and below 1", fraction)
    at = math.floor(rows * (1 - fraction))
    if at in (0, rows):
        raise ArgumentError("validation_split", f"such that both sides of {rows} rows have some", fraction)
    return data.rows(slice(at)), data.rows(slice(at, None))


def unit_rows(y: Array) -> bool:
    """Whether every row of the targets sums to one."""
    ones = np.ones(y.shape[-1], y.dtype) if y.dtype.kind == "f" else None  # a product with ones sums short rows faster
    pieces = (y[at : at + 4096] for at in range(0, len(y), 4096))
    sums = (piece.sum(axis=-1) if ones is None else piece @ ones for piece in pieces)
    return all(bool((np.abs(of_rows - 1) < 1e-6).all()) for of_rows in sums)

"""Datasets: inputs and targets as arrays, read from JSON values and kept as safetensors bytes."""

import mmap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.config import Limits
from service.errors import Damaged, Findings, pointer
from service.formats import arrays, weights

Floats = NDArray[np.float32]
Targets = NDArray[np.float32] | NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Inputs `x` (rows, columns) and targets `y` that belong together row by row.

    `y` holds numbers (rows,) or (rows, outputs) as float32, or whole numbers (rows,) as int32; where targets
    were given as class names, they are indices into `classes`.
    """

    x: Floats
    y: Targets
    classes: tuple[str, ...] | None = None
    sample_weight: Floats | None = None
    validation: Self | None = None
    test: Self | None = None

    @property
    def rows(self) -> int:
        """The number of examples."""
        return len(self.y)

    @property
    def columns(self) -> int:
        """The number of features."""
        return int(self.x.shape[1])

    def to_bytes(self) -> bytes:
        """Safetensors bytes from which `from_bytes` makes an equal dataset."""
        parts = {"": self, "validation.": self.validation}
        named = {
            prefix + name: getattr(part, name)
            for prefix, part in parts.items()
            for name in ("x", "y", "sample_weight")
            if part is not None and getattr(part, name) is not None
        }
        return weights.pack(named, {"classes": self.classes})

    @classmethod
    def from_bytes(cls, content: bytes | mmap.mmap) -> Self:
        """Returns the dataset that `to_bytes` wrote, without copying its arrays; `Damaged` for any other bytes."""
        named, metadata = weights.unpack(content)
        if "x" not in named or "y" not in named or "classes" not in metadata:
            raise Damaged("Expected a dataset, received other arrays.")
        classes = None if metadata["classes"] is None else tuple(metadata["classes"])

        def part(prefix: str, validation: Self | None = None) -> Self:
            x, y = named[f"{prefix}x"], named[f"{prefix}y"]
            return cls(x, y, classes, named.get(f"{prefix}sample_weight"), validation)

        return part("", part("validation.") if "validation.x" in named else None)


_MOST_CLASSES = 100_000
"""More than any network has outputs; each stands in the description of a dataset, which is read with it."""

ReadRows = Callable[[Any, str, Findings, Limits], Floats | None]
"""Reads the rows at a pointer as inputs; returns None, and notes a finding for each mistake, if they are wrong."""


def read_dataset(
    data: Any,
    findings: Findings,
    limits: Limits,
    *,
    at: str = "#/data",
    classes: Sequence[str] | None = None,
    read_rows: ReadRows = arrays.read_rows,
) -> Dataset | None:
    """The dataset of `{"x": rows, "y": targets}`, or None and a finding for each mistake.

    Class names are numbered as in `classes`, else as in `data["classes"]`, else in alphabetical order.
    `data["sample_weight"]` may give a weight for each row.
    """
    if not isinstance(data, Mapping):
        expected = 'Expected {"x": rows, "y": targets}' + (', or {"dataset": id}' if at == "#/data" else "")
        findings.error(at, "wrong_type", f"{expected}; received {arrays.kind_of(data)}.")
        return None
    known = ("x", "y", "classes", "sample_weight")
    for key in data:
        if key not in known:
            findings.error(at + pointer(key)[1:], "unknown_key", f"Expected one of the keys {', '.join(known)}.")
    for key in ("x", "y"):
        if key not in data:
            findings.error(f"{at}/{key}", "missing", f"{key!r} is missing.")
    if classes is None:
        classes = _read_classes(data.get("classes"), f"{at}/classes", findings)
    x = read_rows(data["x"], f"{at}/x", findings, limits) if "x" in data else None
    y, classes = _read_targets(data["y"], f"{at}/y", findings, limits, classes) if "y" in data else (None, None)
    if x is None or y is None:
        return None
    if len(x) != len(y):
        expected = f"Expected one target for each of the {len(x)} rows of x; received {len(y)}."
        findings.error(f"{at}/y", "length_mismatch", expected)
        return None
    dataset = Dataset(x, y, None if classes is None else tuple(classes))
    if data.get("sample_weight") is not None:
        dataset = with_sample_weight(dataset, data["sample_weight"], f"{at}/sample_weight", findings, limits)
    return dataset


def dataset_of_arrays(
    x: NDArray[Any], y: NDArray[Any], findings: Findings, sample_weight: NDArray[Any] | None = None
) -> Dataset:
    """The dataset of NumPy arrays: x (rows, columns), y (rows,) or (rows, outputs); `Invalid` if they are not that.

    Targets that are texts are numbered in alphabetical order. `sample_weight` (rows,) is the weight of each row.
    """
    for name, array, axes in (("x", x, (2,)), ("y", y, (1, 2))):
        if array.ndim not in axes or not array.size:
            expected = "(rows, columns)" if name == "x" else "(rows,) or (rows, outputs)"
            said = f"Expected an array of the shape {expected} with rows; received {list(array.shape)}."
            findings.error(pointer(name), "shape_mismatch", said)
        elif array.dtype.kind not in ("bfiu" if name == "x" else "bfiuUS"):
            findings.error(pointer(name), "wrong_type", "Expected an array of numbers.")
    if not findings.total and len(x) != len(y):
        expected = f"Expected one target for each of the {len(x)} rows of x; received {len(y)}."
        findings.error("#/y", "length_mismatch", expected)
    weights = None if sample_weight is None else _weights_of(sample_weight, len(y) if y.ndim else 0, findings)
    findings.raise_errors()
    classes: tuple[str, ...] | None = None
    if y.dtype.kind in "US":
        classes, y = _classes_of(y, findings)
    whole = y.dtype.kind in "biu" and y.ndim == 1 and y.min() > -(2**31) and y.max() < 2**31
    with np.errstate(over="ignore"):
        targets: Targets = y.astype(np.int32) if whole else y.astype(np.float32)
        made = Dataset(x.astype(np.float32), targets, classes, weights)
    for name, array in (("x", made.x), ("y", made.y)):
        if not np.isfinite(array).all():
            findings.error(pointer(name), "not_finite", "Expected finite numbers in the range of float32.")
    findings.raise_errors()
    return made


def _weights_of(sample_weight: NDArray[Any], rows: int, findings: Findings) -> Floats | None:
    at = pointer("sample_weight")
    if sample_weight.ndim not in (1, 2) or sample_weight.size != rows or len(sample_weight) != rows:
        expected = f"Expected an array of the shape [{rows}], a weight for each row of y"
        findings.error(at, "shape_mismatch", f"{expected}; received {list(sample_weight.shape)}.")
    elif sample_weight.dtype.kind not in "bfiu":
        findings.error(at, "wrong_type", "Expected an array of numbers.")
    else:
        with np.errstate(over="ignore"):
            weights = sample_weight.reshape(rows).astype(np.float32)
        if np.isfinite(weights).all() and weights.min(initial=0) >= 0:
            return weights
        findings.error(at, "out_of_range", "Expected finite weights of at least 0.")
    return None


def _classes_of(y: NDArray[Any], findings: Findings) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The class names in an array, in alphabetical order, and the index of that of each row."""
    if y.size != len(y):
        findings.error(
            "#/y", "shape_mismatch", f"Expected a class name for each row; received {list(y.shape)} of them."
        )
        raise findings.refusal()
    names, places = np.unique(y.reshape(len(y)), return_inverse=True)
    if len(names) > _MOST_CLASSES:
        said = f"Expected at most {_MOST_CLASSES:,} different class names; received {len(names):,}."
        findings.error("#/y", "too_many_classes", said)
        raise findings.refusal()
    try:
        classes = tuple(name.decode() if isinstance(name, bytes) else str(name) for name in names.tolist())
        "".join(classes).encode()
    except UnicodeError:
        findings.error("#/y", "wrong_type", "Expected class names in Unicode; one has other bytes or half a character.")
        raise findings.refusal() from None
    return classes, places.astype(np.int32)


def with_sample_weight(dataset: Dataset, values: Any, at: str, findings: Findings, limits: Limits) -> Dataset:
    """The dataset with a weight for each row, given as a list of numbers; mistakes go to `findings`."""
    sample_weight = arrays.read_numbers(values, at, findings, limits)
    if sample_weight is None:
        return dataset
    if len(sample_weight) != dataset.rows:
        expected = f"Expected one weight for each of the {dataset.rows} rows; received {len(sample_weight)}."
        findings.error(at, "length_mismatch", expected)
    elif sample_weight.min() < 0:
        findings.error(at, "out_of_range", "Expected weights of at least 0; received a negative one.")
    return replace(dataset, sample_weight=sample_weight)


def with_validation(dataset: Dataset, data: Any, at: str, findings: Findings, limits: Limits) -> Dataset:
    """The dataset with validation data, given as `{"x": rows, "y": targets}`; mistakes go to `findings`."""
    validation = read_dataset(data, findings, limits, at=at, classes=dataset.classes)
    if validation is not None and validation.columns != dataset.columns:
        expected = f"Expected {dataset.columns} columns, as in the training data; received {validation.columns}."
        findings.error(f"{at}/x", "width_mismatch", expected)
    if validation is not None and validation.classes is not None and dataset.classes is None:
        expected = "Expected targets in numbers, as in the training data; received class names."
        findings.error(f"{at}/y", "unknown_class", expected)
    return replace(dataset, validation=validation)


def _read_classes(value: Any, at: str, findings: Findings) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value) or len(set(value)) < 2:
        findings.error(at, "wrong_type", "Expected a list of at least two class names, each a text.")
    elif len(set(value)) < len(value):
        findings.error(at, "duplicate", "Expected each class name once; one is repeated.")
    else:
        return value
    return None


def _read_targets(
    value: Any, at: str, findings: Findings, limits: Limits, classes: Sequence[str] | None
) -> tuple[Targets | None, Sequence[str] | None]:
    kinds = set(map(type, value)) if isinstance(value, list) else set()
    if kinds == {list}:
        return arrays.read_rows(value, at, findings, limits), classes
    if kinds == {str}:
        names = classes if classes is not None else sorted(set(value))
        if len(names) > _MOST_CLASSES:
            said = f"Expected at most {_MOST_CLASSES:,} different class names; received {len(names):,}."
            findings.error(at, "too_many_classes", said)
            return None, None
        return arrays.read_names(value, at, findings, names), names
    if str in kinds or list in kinds:
        common = max(kinds, key=[type(item) for item in value].count)
        words: dict[type, str] = {str: "a class name", list: "a row of numbers"}
        arrays.find_odd(value, at, common, f"{words.get(common, 'a number')}, as most targets are", findings)
        return None, None
    return arrays.read_integers_or_numbers(value, at, findings, limits), classes

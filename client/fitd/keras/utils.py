"""Small functions that go with models, as in `keras.utils`."""

from typing import Any

import numpy as np

from fitd.keras.session import set_random_seed


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class indices as one-hot rows."""
    classes = np.asarray(x, np.int64)
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    count = int(classes.max()) + 1 if num_classes is None else num_classes
    if classes.size and not (classes.min() >= 0 and classes.max() < count):
        raise ValueError(f"Expected class indices from 0 to {count - 1}.")
    return np.eye(count, dtype=np.float32)[classes]


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """x over its norm along `axis`; zeros stay zeros."""
    array = np.atleast_1d(np.asarray(x, np.float64))
    norms = np.atleast_1d(np.linalg.norm(array, order, axis))
    norms[norms == 0] = 1
    return array / np.expand_dims(norms, axis)


__all__ = ["normalize", "set_random_seed", "to_categorical"]

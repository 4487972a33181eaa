"""Class weights: how much the rows of each class count in the loss."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


def class_weights(
    asked: Mapping[str, float] | Literal["balanced"] | None,
    y: NDArray[Any],
    classes: Sequence[str] | None,
    *,
    ignored: int | None = None,
) -> dict[int, float] | None:
    """The weight of each class by its index, where the request may have named the classes.

    `"balanced"` weighs them such that all classes of the training targets `y` count alike; rows of the `ignored` class
    do not count.
    """
    if asked is None:
        return None
    if asked == "balanced":
        labels = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1).round().astype(np.int64)
        found, counts = np.unique(labels if ignored is None else labels[labels != ignored], return_counts=True)
        mean = counts.sum() / max(1, len(found))
        return {int(label): float(mean / count) for label, count in zip(found, counts, strict=True)}
    places = {name: index for index, name in enumerate(classes or ())}
    return {places[key] if key in places else int(key): value for key, value in asked.items()}

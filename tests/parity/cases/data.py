"""Data and starting weights, generated alike on both sides and never stored.

Only `Generator.random` is drawn from: its stream is as good as frozen across NumPy versions, and the
arithmetic after it is elementwise, so that both sides see the same bits. `fingerprint` is recorded, and a
test compares it.
"""

import hashlib
from typing import Any

import numpy as np

from tests.parity.engine import Array

ROWS, FEATURES, CLASSES = 50, 6, 3
"""Fifty rows in batches of sixteen leave a last batch of two."""


def words(text: str) -> list[str]:
    """Names, written with spaces between them."""
    return text.split()


def draw(*shape: int, seed: int = 1, scale: float = 1.0) -> Array:
    """Uniform values of mean 0 and standard deviation `scale`."""
    uniform: Any = np.random.default_rng(seed).random(shape) * 2.0 - 1.0
    return np.asarray(uniform * (scale * 3.0**0.5), dtype=np.float32)


def fractions(*shape: int, seed: int = 1) -> Array:
    """Values strictly inside (0, 1), such as probabilities."""
    return np.asarray(np.random.default_rng(seed).random(shape) * 0.98 + 0.01, dtype=np.float32)


def distribution(rows: int, width: int, seed: int = 1) -> Array:
    """Rows of probabilities that sum to one."""
    values = fractions(rows, width, seed=seed)
    shares: Array = values / values.sum(axis=1, keepdims=True)
    return shares


def labels(rows: int, count: int, seed: int = 1) -> Any:
    """Class indices."""
    return (np.random.default_rng(seed).random(rows) * count).astype(np.int32)


def one_hot(indices: Any, count: int) -> Array:
    """Rows with a single one."""
    rows: Array = np.eye(count, dtype=np.float32)[indices]
    return rows


def class_ids(rows: int = ROWS) -> tuple[Array, Any]:
    """Inputs and class indices that depend on them."""
    x = draw(rows, FEATURES, seed=11)
    return x, np.argmax(x[:, :CLASSES] + draw(rows, CLASSES, seed=12, scale=0.3), axis=1).astype(np.int32)


def classes(rows: int = ROWS) -> tuple[Array, Array]:
    """Inputs and one-hot rows."""
    x, indices = class_ids(rows)
    return x, one_hot(indices, CLASSES)


def binary(rows: int = ROWS) -> tuple[Array, Array]:
    """Inputs and a column of zeros and ones."""
    x = draw(rows, FEATURES, seed=13)
    return x, (x[:, :1] + draw(rows, 1, seed=14, scale=0.3) > 0).astype(np.float32)


def signs(rows: int = ROWS) -> tuple[Array, Array]:
    """Inputs and a column of minus and plus ones."""
    x, y = binary(rows)
    return x, y * 2 - 1


def numbers(rows: int = ROWS) -> tuple[Array, Array]:
    """Inputs and two targets to regress."""
    x = draw(rows, FEATURES, seed=15)
    return x, x[:, :2] * x[:, 2:4] + 0.5 * x[:, 4:6] + draw(rows, 2, seed=16, scale=0.1)


def positives(rows: int = ROWS) -> tuple[Array, Array]:
    """Inputs and two targets above zero."""
    x, y = numbers(rows)
    return x, np.abs(y) + np.float32(0.1)


def single(rows: int = ROWS) -> tuple[Array, Array]:
    """Inputs and one target, as a vector without a second axis."""
    x, y = numbers(rows)
    return x, y[:, 0]


def row_weights(rows: int = ROWS) -> Array:
    """A weight for each row, some of them zero."""
    weights = fractions(rows, seed=17) * 2
    weights[::7] = 0
    return weights


def start(model: Any, seed: int = 5) -> None:
    """Give a built model its weights: a matrix around zero, a vector positive (it may be a variance)."""
    drawn = []
    for number, weights in enumerate(model.get_weights()):
        shape = np.shape(weights)
        if len(shape) > 1:
            drawn.append(draw(*shape, seed=seed * 100 + number, scale=shape[-2] ** -0.5))
        else:
            drawn.append(fractions(*shape, seed=seed * 100 + number) * np.float32(0.6) + np.float32(0.05))
    model.set_weights(drawn)


def fingerprint() -> str:
    """A digest of what the generators give; a change of it would explain every other failure."""
    arrays = [draw(20, 7), fractions(20, 7), labels(20, 7), *class_ids(), *binary(), *numbers()]
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()

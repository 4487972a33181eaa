"""Where recorded outcomes live: one small `.npz` per group of cases.

A group has thousands of tiny arrays. One member per array would spend more on headers than on numbers, so all
values are one float32 vector, and an index of names and shapes (JSON text) says how to cut it.
"""

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.engine import Array, Outcome

FOLDER = Path(__file__).parent / "recorded"


def flatten(outcome: Outcome) -> dict[str, Array]:
    """Every value of an outcome as a float32 array, in the order the case gave them."""
    return {key: np.asarray(value).astype(np.float32) for key, value in outcome.items()}


def save(group: str, outcomes: Mapping[str, Mapping[str, Array]]) -> None:
    """Write a group's outcomes; the same outcomes give the same bytes."""
    index = {case: {key: list(array.shape) for key, array in arrays.items()} for case, arrays in outcomes.items()}
    values = [array.ravel() for arrays in outcomes.values() for array in arrays.values()]
    text = np.frombuffer(json.dumps(index).encode(), dtype=np.uint8)
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / f"{group}.npz", index=text, values=np.concatenate(values))


@cache
def load(group: str) -> dict[str, dict[str, Array]]:
    """Read a group's outcomes back: case -> name -> array."""
    with np.load(FOLDER / f"{group}.npz", allow_pickle=False) as file:
        index: dict[str, dict[str, Any]] = json.loads(file["index"].tobytes())
        values: Array = file["values"]
    outcomes: dict[str, dict[str, Array]] = {}
    start = 0
    for case, shapes in index.items():
        outcomes[case] = {}
        for key, shape in shapes.items():
            stop = start + math.prod(shape)
            outcomes[case][key] = values[start:stop].reshape(shape)
            start = stop
    return outcomes

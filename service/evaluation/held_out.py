"""The rows that a training held out."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.data.datasets import Dataset
from service.nn import Sequential
from service.task import Task


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Rows that the network was not trained on, and what it predicts of them in the units of the data."""

    part: str
    data: Dataset
    predictions: NDArray[Any]

    @classmethod
    def to_learn_from(cls, model: Sequential, task: Task, dataset: Dataset, kept: int) -> Self | None:
        """The validation part, else the test part; None where nothing is held out.

        The first `kept` rows of the dataset were trained on; others behind them are its validation part.
        """
        parts: dict[str, Dataset | None] = {"validation": dataset.validation, "test": dataset.test}
        if kept < dataset.rows and dataset.validation is None:
            parts["validation"] = Dataset(dataset.x[kept:], dataset.y[kept:], dataset.classes)
        for part, data in parts.items():
            if data is not None and data.rows:
                with np.errstate(all="ignore"):
                    return cls(part, data, task.in_units(model.predict(data.x, verbose=0)))
        return None

"""The training workloads: networks, rows and batches as other benchmarks of small networks use them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Workload:
    """A dense network of relu layers and one last layer, trained with Adam on made-up rows."""

    name: str
    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    last: str
    rows: int
    batch: int

    @property
    def loss(self) -> str:
        """The loss that goes with the last activation."""
        return {"softmax": "categorical_crossentropy", "sigmoid": "binary_crossentropy", "linear": "mse"}[self.last]

    @property
    def metrics(self) -> list[str]:
        """Accuracy where it is a classification."""
        return [] if self.last == "linear" else ["accuracy"]

    @property
    def widths(self) -> list[int]:
        """Units from the inputs to the outputs."""
        return [self.inputs, *self.hidden, self.outputs]

    def data(self) -> tuple[Array, Array]:
        """Inputs and targets in float32 from a seed."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.rows, self.inputs)).astype(np.float32)
        scores = x @ rng.normal(size=(self.inputs, self.outputs)).astype(np.float32)
        if self.last == "softmax":
            return x, np.eye(self.outputs, dtype=np.float32)[scores.argmax(axis=1)]
        return x, ((scores > 0).astype(np.float32) if self.last == "sigmoid" else scores)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", 100, (64,), 10, "softmax", 1_000, 32),
        Workload("W5", 20, (64,) * 8, 1, "linear", 20_000, 32),
        Workload("W3", 30, (256, 128), 1, "sigmoid", 100_000, 512),
        Workload("W2", 784, (512, 256), 10, "softmax", 60_000, 128),
        Workload("W4", 1024, (2048, 2048), 1000, "softmax", 8_192, 1_024),
    )
}

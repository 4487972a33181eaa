"""Small networks and the rows that they learn from."""

from typing import Any

import numpy as np

from service import nn


def rows(count: int = 24, columns: int = 4) -> Any:
    """Numbers to train on."""
    return np.random.default_rng(2).normal(size=(count, columns)).astype(np.float32)


def model_of(*layers: Any, columns: int = 4, **compiled: Any) -> nn.Sequential:
    """A compiled model of these layers."""
    model = nn.Sequential([nn.Input((columns,)), *layers])
    model.compile(**{"optimizer": nn.optimizers.SGD(0.1), "loss": "mse", **compiled})
    return model

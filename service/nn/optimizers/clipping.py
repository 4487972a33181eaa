"""Gradients that are kept short."""

import math
from typing import Any

import numpy as np

from service.nn.variable import Parameters

Array = np.ndarray[Any, Any]


def clip(
    parameters: Parameters, *, clipvalue: float | None, clipnorm: float | None, global_clipnorm: float | None
) -> None:
    """Bounds each gradient's values, the length of each variable's gradient, or that of all together."""
    gradients = parameters.gradients
    if clipvalue is not None:
        np.clip(gradients, -clipvalue, clipvalue, out=gradients)
    elif clipnorm is not None:
        for variable in parameters.variables:
            variable.gradient *= clipnorm / max(_norm(variable.gradient), clipnorm)
    elif global_clipnorm is not None:
        gradients *= global_clipnorm / max(_norm(gradients), global_clipnorm)


def _norm(array: Array) -> float:
    return math.sqrt(float(np.dot(array.ravel(), array.ravel())))

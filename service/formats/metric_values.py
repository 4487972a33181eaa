"""The value of a metric as it is stored and shown: JSON has no NaN and no infinity."""

from typing import Any

import numpy as np

MetricValue = float | list[float | None] | None
"""A number, one for each class or threshold, or None where it was not finite."""


def finite(value: Any) -> MetricValue:
    """The value with None in place of every number that is not finite."""
    if isinstance(value, list | tuple | np.ndarray):
        return [float(one) if np.isfinite(one) else None for one in value]
    return float(value) if np.isfinite(value) else None

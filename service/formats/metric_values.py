"""The value of a metric as it is stored and shown: JSON has no NaN and no infinity."""

import math
from typing import Any

MetricValue = float | list[float | None] | None
"""A number, one for each class or threshold, or None where it was not finite."""


def finite(value: Any) -> MetricValue:
    """The value with None in place of every number that is not finite."""
    if isinstance(value, list):
        return [float(one) if math.isfinite(one) else None for one in value]
    return float(value) if math.isfinite(value) else None

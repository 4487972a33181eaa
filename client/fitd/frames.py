"""Frames of pandas and polars, as far as estimators need to know them."""

from typing import Any

import numpy as np

from fitd.payloads import is_frame


def columns_of(epochs: Any) -> dict[str, list[Any]]:
    """The metrics of epochs, a list for each name."""
    names = dict.fromkeys(name for epoch in epochs for name in epoch["metrics"])
    return {name: [epoch["metrics"].get(name) for epoch in epochs] for name in names}


def is_mixed(x: Any) -> bool:
    """Whether it is a frame that arrays of finite numbers do not hold."""
    if not is_frame(x) or not hasattr(x, "columns"):
        return False
    for name in x.columns:
        column = np.asarray(x[name])
        if column.dtype.kind not in "fiub" or (column.dtype.kind == "f" and np.isnan(column).any()):
            return True
    return False


def with_columns(frame: Any, added: dict[str, Any]) -> Any:
    """The frame of pandas or polars with more columns."""
    if hasattr(frame, "assign"):
        return frame.assign(**added)
    if hasattr(frame, "with_columns"):
        import polars as pl  # noqa: PLC0415 - the frame is one of polars

        return frame.with_columns(**{name: pl.Series(values) for name, values in added.items()})
    raise ValueError("Expected a frame of pandas or polars.")

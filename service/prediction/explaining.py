"""Explanations of predictions: which columns moved an answer from that for a typical row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import Finding, Invalid
from service.evaluation.shapley import FEWEST_ORDERS, MOST_ORDERS, Worth, contributions, evaluations
from service.prediction.answers import answers
from service.prediction.versions import LoadedVersion

Floats = NDArray[np.float32]

MOST_EVALUATIONS, MOST_WORK = 1_000_000, 20_000_000_000
"""Rows that one request may have predicted to explain its rows, and multiplications for them."""


def explain(loaded: LoadedVersion, rows: Floats) -> list[dict[str, Any]]:
    """For each row the answer for a typical row, and what each column adds to it; `Invalid` where that costs too much.

    The answer is the probability of the most likely class where one class is true, else each output by itself: a
    number where there is one output, else a list.
    """
    typical = loaded.trained.input.get("typical")
    if typical is None:
        said = "Expected a version that keeps a typical row of its training data; this one was imported, is older, or "
        raise _refused("no_baseline", said + "has too many inputs. Train it again, with fewer than 4,096 inputs.")
    baseline, columns = np.array(typical, np.float32), loaded.places
    orders = _affordable_orders(loaded, len(rows), len(columns))
    names = loaded.encoder.names if loaded.encoder.has_names else [str(place) for place in range(len(columns))]
    picks = _explained(loaded, rows)
    start = answers(loaded, baseline[None])[0]
    made = []
    for row, pick in zip(rows, picks, strict=True):
        parts, exact = contributions(_worth(loaded, pick), row, baseline, columns, orders=orders)
        made.append(
            {
                **({} if pick == slice(None) else {"output": (loaded.meaning.scored or [])[pick.start]}),
                "method": "exact" if exact else "sampled",
                "baseline": _plain(start[pick]),
                "columns": dict(zip(names, map(_plain, parts), strict=True)),
            }
        )
    return made


def _worth(loaded: LoadedVersion, pick: slice) -> Worth:
    return lambda x: answers(loaded, x)[:, pick]


def _explained(loaded: LoadedVersion, rows: Floats) -> list[slice]:
    """For each row which answers are explained: that of the most likely class, or all."""
    if loaded.meaning.scored is None or loaded.meaning.is_multi_label:
        return [slice(None)] * len(rows)
    return [slice(place, place + 1) for place in answers(loaded, rows).argmax(axis=1).tolist()]


def _affordable_orders(loaded: LoadedVersion, rows: int, columns: int) -> int:
    most = min(MOST_EVALUATIONS, MOST_WORK // max(1, loaded.model.count_params()))
    orders = MOST_ORDERS
    while orders > FEWEST_ORDERS and rows * evaluations(columns, orders) > most:
        orders //= 2
    if rows * evaluations(columns, orders) > most:
        fit = most // evaluations(columns, orders)
        said = f"Expected at most {fit:,} rows to explain, for {columns:,} columns and a network of this size"
        raise _refused("too_many_rows", f"{said}; received {rows:,}." if fit else f"{said}: it is too large.")
    return orders


def _plain(values: NDArray[np.float64]) -> Any:
    return float(values[0]) if len(values) == 1 else values.tolist()


def _refused(code: str, detail: str) -> Invalid:
    return Invalid([Finding("#/explain", code, detail)])

"""The columns of a table in the words of ONNX: an input for each, and the nodes that make a network's inputs of them.

Numbers, booleans (1 and 0) and dates (days since 1970, in UTC) are doubles, NaN where nothing is; categories are texts,
empty where nothing is. What comes out is what `Encoder` makes of the same values, to the last bit but for sines.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from service.data.features import Encoder
from service.data.features.columns import (
    DAYS_A_WEEK,
    DAYS_A_YEAR,
    THURSDAY,
    CategoryColumn,
    DateColumn,
    NumberColumn,
)
from service.exchange.onnx.graph import INPUT, ML, OnnxGraph

_FLOAT = 1
"""ONNX's number for float32."""


def read_columns(graph: OnnxGraph, encoder: Encoder) -> str:
    """Adds an input for each column, or one for all that have no names; returns the network's inputs (rows, width)."""
    if not encoder.has_names:
        return graph.input(INPUT, encoder.width)
    for column in encoder.columns:
        graph.input(column.name, kind="STRING" if isinstance(column, CategoryColumn) else "DOUBLE")
    widths = [len(column.outputs) for column in encoder.columns]
    first = dict(zip(encoder.names, itertools.accumulate(widths[:-1], initial=0), strict=True))
    parts: list[str] = []
    order: list[int] = []
    numbers = [column for column in encoder.columns if isinstance(column, NumberColumn)]
    if numbers:
        parts += _numbers(graph, numbers)
        order += [first[column.name] for column in numbers]
        order += [first[column.name] + 1 for column in numbers if column.missing == "indicator"]
    for column in encoder.columns:
        if not isinstance(column, NumberColumn):
            parts += _category(graph, column) if isinstance(column, CategoryColumn) else _date(graph, column)
            order += range(first[column.name], first[column.name] + len(column.outputs))
    joined = graph.node("Concat", *parts, axis=1)
    if order == sorted(order):
        return joined
    return graph.node("Gather", joined, graph.sizes(*np.argsort(order)), axis=1)


def _numbers(graph: OnnxGraph, columns: Sequence[NumberColumn]) -> list[str]:
    """All numbers at a time: their distances from the mean in deviations, and the marks of those that want one."""
    values = graph.node("Concat", *(column.name for column in columns), axis=1)
    absent = graph.node("IsNaN", values)
    fills = [math.nan if column.missing == "reject" else column.fill for column in columns]
    filled = graph.node("Where", absent, _doubles(fills), values)
    centred = graph.node("Sub", filled, _doubles([column.mean for column in columns]))
    scaled = graph.node("Div", centred, _doubles([column.deviation for column in columns]))
    scaled = _in_their_encodings(graph, scaled, columns)
    marked = [place for place, column in enumerate(columns) if column.missing == "indicator"]
    parts = [_floats(graph, scaled)]
    return [*parts, _floats(graph, graph.node("Gather", absent, graph.sizes(*marked), axis=1))] if marked else parts


def _in_their_encodings(graph: OnnxGraph, scaled: str, columns: Sequence[NumberColumn]) -> str:
    """The numbers (rows, columns), clipped smoothly or brought from quantiles to scores where a column wants that."""
    if all(column.encoding not in ("robust", "quantile") for column in columns):
        return scaled
    robust = [column.encoding == "robust" for column in columns]
    if any(robust):
        third = graph.node("Div", scaled, _doubles(3))
        length = graph.node("Sqrt", graph.node("Add", graph.node("Mul", third, third), _doubles(1)))
        scaled = graph.node("Where", np.asarray(robust), graph.node("Div", scaled, length), scaled)
    parts = [graph.node("Gather", scaled, graph.sizes(place), axis=1) for place in range(len(columns))]
    for place, column in enumerate(columns):
        if column.encoding == "quantile":
            parts[place] = _from_quantiles(graph, parts[place], column)
    return graph.node("Concat", *parts, axis=1)


def _from_quantiles(graph: OnnxGraph, values: str, column: NumberColumn) -> str:
    """Where values (rows, 1) lie between the quantiles, as a sum over the intervals of the part that lies below."""
    first, steps, heights = column.scores[0], np.diff(column.quantiles), np.diff(column.scores)
    if not len(steps):
        return graph.node("Add", graph.node("Mul", values, _doubles(0)), _doubles(first))
    share = graph.node("Div", graph.node("Sub", values, _doubles(column.quantiles[:-1])), _doubles(steps))
    share = graph.node("Min", graph.node("Max", share, _doubles(0)), _doubles(1))
    return graph.node("Add", graph.node("MatMul", share, _doubles(heights.reshape(-1, 1))), _doubles(first))


def _category(graph: OnnxGraph, column: CategoryColumn) -> list[str]:
    """The place of each text, the first for those that training did not see, as a number or as ones and zeros."""
    places = {"": column.absent} | {text: place for place, text in enumerate(column.categories, 1)}
    found = graph.node(
        "LabelEncoder",
        column.name,
        domain=ML,
        keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=0,
    )
    if column.encoding == "integer":
        return [_floats(graph, found)]
    flat = graph.node("Squeeze", found, graph.sizes(1))
    return [graph.node("OneHot", flat, np.asarray(len(column.outputs)), np.asarray([0, 1], np.float32), axis=-1)]


def _date(graph: OnnxGraph, column: DateColumn) -> list[str]:
    """The time in deviations, and where in the year, the week and the day it is."""
    absent = graph.node("IsNaN", column.name)
    fill = math.nan if column.missing == "reject" else column.fill
    days = graph.node("Where", absent, _doubles(fill), column.name)
    centred = graph.node("Sub", days, _doubles(column.mean))
    parts = [graph.node("Div", centred, _doubles(column.deviation))]
    for circle in column.circles:
        turns = days
        if circle == "year":
            turns = graph.node("Div", days, _doubles(DAYS_A_YEAR))
        elif circle == "week":
            weekday = graph.node("Floor", graph.node("Add", days, _doubles(THURSDAY)))
            turns = graph.node("Div", weekday, _doubles(DAYS_A_WEEK))
        angle = graph.node("Mul", turns, _doubles(2 * math.pi))
        parts += [graph.node("Sin", angle), graph.node("Cos", angle)]
    parts += [absent] if column.missing == "indicator" else []
    return [_floats(graph, part) for part in parts]


def _doubles(value: Any) -> Any:
    return np.asarray(value, np.float64)


def _floats(graph: OnnxGraph, value: str) -> str:
    return graph.node("Cast", value, to=_FLOAT)

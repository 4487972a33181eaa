"""Encoders described in a file or a request by someone else: checked, and refused with every mistake."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from service.config import Limits
from service.data.features.columns import (
    COLUMN_TYPES,
    MOST_QUANTILES,
    AnyColumn,
    CategoryColumn,
    DateColumn,
    NumberColumn,
)
from service.data.features.encoder import Encoder
from service.data.features.fitting import ENCODINGS
from service.errors import Findings, pointer
from service.formats.arrays import kind_of
from service.formats.jsontext import write_json

_LARGEST = float(np.finfo(np.float32).max)
_LONGEST_NAME = 200
_MISSING = ("mean", "most_frequent", "indicator", "reject")
_ADAPTERS: Mapping[str, TypeAdapter[AnyColumn]] = {kind: TypeAdapter(one) for kind, one in COLUMN_TYPES.items()}
_MARKS = {"thousands": ("", ",", ".", " ", "'"), "decimal": (".", ","), "sign": ("", *"$€£¥%")}
_ENCODINGS = {**ENCODINGS, "number": (*ENCODINGS["number"], *ENCODINGS["boolean"])}


def read_encoder(value: Any, others: Collection[str], at: str, findings: Findings, limits: Limits) -> Encoder | None:
    """The encoder that `input.features` of a version describes so, or None and a finding for each mistake."""
    before = findings.total
    if not isinstance(value, list) or not value:
        found = "an empty list" if value == [] else kind_of(value)
        findings.error(at, "wrong_type", f"Expected a list of columns, as in `input.features`; received {found}.")
        return None
    if len(value) > limits.max_columns:
        expected = f"Expected at most {limits.max_columns:,} columns; received {len(value):,}."
        findings.error(at, "too_many_columns", expected)
        return None
    columns = [_read(item, f"{at}/{place}", findings) for place, item in enumerate(value)]
    encoder = Encoder([column for column in columns if column is not None], others)
    if len(set(encoder.names)) < len(encoder.names):
        findings.error(at, "duplicate", "Expected each column's name once; one is repeated.")
    return encoder if findings.total == before else None


def _read(item: Any, at: str, findings: Findings) -> AnyColumn | None:
    kind = item.get("type") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or kind not in list(COLUMN_TYPES):
        findings.error(at, "wrong_form", f"Expected an object with one of the types {', '.join(COLUMN_TYPES)}.")
        return None
    known = {field.name for field in fields(COLUMN_TYPES[kind])}
    for key in item.keys() - known - {"type"}:
        findings.error(at + pointer(key)[1:], "unknown_key", f"Expected one of {', '.join(sorted(known))}.")
    try:
        # Only of JSON does pydantic's strict mode make dataclasses.
        text = write_json({key: item[key] for key in item if key in known})
        column = _ADAPTERS[kind].validate_json(text, strict=True)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            findings.error(at + pointer(*one["loc"])[1:], "wrong_form", f"{one['msg']}.")
        return None
    for key, expected in _contradictions(column):
        findings.error(f"{at}/{key}", "out_of_range", f"Expected {expected}.")
    return column


def _contradictions(column: AnyColumn) -> Iterator[tuple[str, str]]:
    """Returns the keys whose values no training can produce, and what is expected there."""
    if not 1 <= len(column.name) <= _LONGEST_NAME:
        yield "name", f"1 to {_LONGEST_NAME} characters"
    if column.encoding not in _ENCODINGS[column.type]:
        yield "encoding", f"one of {', '.join(_ENCODINGS[column.type])}"
    policies = _MISSING[1:] if isinstance(column, CategoryColumn) else _MISSING
    if column.missing not in policies:
        yield "missing", f"one of {', '.join(policies)}"
    yield from _in_texts(column) if isinstance(column, CategoryColumn) else _in_numbers(column)


def _in_texts(column: CategoryColumn) -> Iterator[tuple[str, str]]:
    if not column.categories or len(set(column.categories)) < len(column.categories):
        yield "categories", "a text or more, each once"
    if column.fill not in (column.categories if column.missing == "most_frequent" else (None,)):
        yield "fill", "one of the categories where `missing` is most_frequent, else null"
    if column.marks_missing and (column.missing, column.encoding) != ("indicator", "one_hot"):
        yield "marks_missing", "false where `missing` is not indicator or `encoding` not one_hot"


def _in_numbers(column: NumberColumn | DateColumn) -> Iterator[tuple[str, str]]:
    for key in ("fill", "mean", "deviation"):
        if not abs(getattr(column, key)) <= _LARGEST:
            yield key, "a finite number in the range of float32"
    if not column.deviation > 0:
        yield "deviation", "a number above 0"
    if isinstance(column, NumberColumn):
        yield from _in_quantiles(column)
        if not all(key in _MARKS and value in _MARKS[key] for key, value in column.written.items()):
            yield "written", "the marks of numbers: thousands, decimal, sign"


def _in_quantiles(column: NumberColumn) -> Iterator[tuple[str, str]]:
    is_wanted, count = column.encoding == "quantile", len(column.quantiles)
    if (count > 0) != is_wanted or count > MOST_QUANTILES:
        yield "quantiles", f"1 to {MOST_QUANTILES} numbers where `encoding` is quantile, else none"
    elif not all(abs(one) <= _LARGEST for one in (*column.quantiles, *column.scores)):
        yield "quantiles", "finite numbers in the range of float32"
    elif any(later <= one for one, later in pairwise(column.quantiles)):
        yield "quantiles", "rising numbers"
    if len(column.scores) != count:
        yield "scores", "a number for each of the quantiles"

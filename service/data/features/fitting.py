"""Fitting: chooses the columns of a table that a network learns from, and fits each on the training rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from service.data.features.columns import AnyColumn, CategoryColumn, DateColumn, NumberColumn, find_no_booleans
from service.data.features.encoder import Encoder
from service.data.features.profiled import LARGE_ROWS, from_profile
from service.data.features.records import refuse_unknown
from service.data.features.rows import Rows, taken
from service.data.tables import MISSING, Table
from service.errors import Findings
from service.formats.csv.written import Written
from service.spec.data import MOST_CATEGORIES, DataSpec, FeatureSpec

ENCODINGS: Mapping[str, tuple[str, ...]] = {
    "number": ("standardize", "robust", "quantile", "none"),
    "boolean": ("boolean",),
    "category": ("one_hot", "integer"),
    "date": ("calendar", "days"),
}
"""The encodings of each type of column, the default first."""

_TEACH_NOTHING = {
    "empty": "no training row has a value",
    "constant": "all training rows have the same value",
    "index": "pandas has saved the index of the rows there, which says nothing of other rows; name it in features to "
    "learn from it all the same",
    "unique": "there are more than half as many texts as values; name it in features to learn from it all the same",
}


class _UnfitColumnError(Exception):
    """The network cannot learn from a column; `code` and the rest of a sentence say why."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(code, said)
        self.code = code
        self.said = said


def fit_encoder(
    table: Table,
    asked: DataSpec,
    *,
    used: Sequence[str],
    rows: Rows,
    everything: Rows,
    findings: Findings,
    at: str,
    glimpse: bool = False,
) -> Encoder | None:
    """Returns an encoder fitted on these rows, or None, and notes a finding for each mistake.

    It is to encode `everything`, rows that are held out among them. For a `glimpse` of a large table it does not read
    a column of which the table's profile tells as much.

    Where no features are named it takes every column but those that are `used` otherwise and those that can teach
    nothing, of which it warns: columns that are empty, constant, hold more than half as many texts as values, or are an
    index that pandas has saved.
    """
    before = findings.total
    columns: list[AnyColumn] = []
    left_out: dict[str, list[str]] = {}
    chosen = asked.features is not None
    features = asked.features or [FeatureSpec(name=name) for name in table.names if name not in used]
    for place, feature in enumerate(features):
        if feature.name not in table.kinds:
            refuse_unknown(feature.name, table.names, f"{at}/features/{place}", findings)
            continue
        try:
            if not chosen and table.is_saved_index(feature.name):
                raise _UnfitColumnError("index", "is the index of the rows, as pandas saves it.")
            if chosen:
                _check_place(feature, used, features[:place])
            given = {"plain": asked.preprocessing == "none", "chosen": chosen, "glimpse": glimpse}
            columns.append(_fit(table, feature, rows, everything, **given))
        except _UnfitColumnError as unfit:
            if not chosen and unfit.code in _TEACH_NOTHING:
                left_out.setdefault(unfit.code, []).append(feature.name[:40])
            else:
                here = f"{at}/features/{place}" if chosen else at
                findings.error(here, unfit.code, f"The column {feature.name[:40]!r} {unfit.said}")
    for why, names in left_out.items():
        findings.warn(at, f"{why}_column", f"Left out, because {_TEACH_NOTHING[why]}: {_some(names)}.")
    if findings.total == before and not columns:
        reasons = "; ".join(
            f"{_TEACH_NOTHING[why].partition(';')[0]}: {_some(names)}" for why, names in left_out.items()
        )
        said = f"all others are left out ({reasons})" if reasons else "there is none"
        findings.error(at, "no_features", f"Expected a column to learn from besides the target; {said}.")
    return Encoder(columns) if findings.total == before else None


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(map(repr, names[:5]))}{more}"


def _check_place(feature: FeatureSpec, used: Sequence[str], before: Sequence[FeatureSpec]) -> None:
    if feature.name in used:
        raise _UnfitColumnError("conflict", "is the target, or used otherwise: expected another.")
    if feature.name in {one.name for one in before}:
        raise _UnfitColumnError("duplicate", "is repeated: expected each feature once.")


def _fit(
    table: Table, feature: FeatureSpec, rows: Rows, everything: Rows, *, plain: bool, chosen: bool, glimpse: bool
) -> AnyColumn:
    kind = _kind(table.kinds[feature.name], feature, plain=plain)
    encoding = feature.encoding or ("none" if plain and kind == "number" else ENCODINGS[kind][0])
    if encoding not in ENCODINGS[kind]:
        known = ", ".join(ENCODINGS[kind])
        raise _UnfitColumnError("unknown_name", f"is of the type {kind}: expected one of the encodings {known}.")
    missing = feature.missing or ("reject" if plain else "indicator" if kind == "category" else "mean")
    if kind == "category" and missing == "mean":
        said = "holds categories, which have no mean: expected most_frequent, indicator or reject."
        raise _UnfitColumnError("unknown_name", said)
    told = None
    if glimpse and table.rows > LARGE_ROWS:
        told = from_profile(table.profile.get(feature.name), feature, kind, encoding=encoding, missing=missing)
    how = {"encoding": encoding, "missing": missing}
    column = told or _read_and_fit(table, feature, rows, everything, kind=kind, chosen=chosen, **how)
    if not isinstance(column, NumberColumn):
        return column
    return replace(column, written=Written.noted(table.arrow.schema.field(feature.name).metadata).to_json_dict())


def _read_and_fit(
    table: Table,
    feature: FeatureSpec,
    rows: Rows,
    everything: Rows,
    *,
    kind: str,
    chosen: bool,
    encoding: str,
    missing: str,
) -> AnyColumn:
    if kind == "category":
        texts, codes = table.encoded(feature.name)
        held: Any = codes
        lacks = codes == MISSING
    else:
        held = table.numbers(feature.name)
        if np.isinf(held).any():
            raise _UnfitColumnError("not_finite", "holds numbers that are infinite or beyond float32: expected others.")
        if kind == "boolean" and len(find_no_booleans(held)):
            raise _UnfitColumnError("wrong_type", "holds other numbers than 0 and 1: expected booleans.")
        lacks = np.isnan(held)
    values, absent = taken(held, rows), taken(lacks, rows)
    if absent.all():
        raise _UnfitColumnError("empty", "has no value in any training row.")
    if not chosen:
        _check_worth(values[~absent], kind=kind, has_gaps=bool(absent.any()))
    rejected = int(taken(lacks, everything).sum()) if missing == "reject" else 0
    if rejected:
        said = f"lacks a value in {rejected:,} rows; say in `missing` what to do with them."
        raise _UnfitColumnError("missing", said)
    if kind == "category":
        return CategoryColumn.fit(
            feature.name,
            (texts, values),
            encoding=encoding,
            missing=missing,
            most=feature.max_categories,
            least=feature.min_frequency,
        )
    class_ = DateColumn if kind == "date" else NumberColumn
    return class_.fit(feature.name, values, encoding=encoding, missing=missing)


def _kind(stored: str, feature: FeatureSpec, *, plain: bool) -> str:
    """Returns the type that a column is read as: its own, or a category, which every column can be."""
    kind = stored if feature.type is None else feature.type
    if kind == "empty":
        raise _UnfitColumnError("empty", "has no value in any row.")
    if kind not in (stored, "category") and {kind, stored} != {"number", "boolean"}:
        raise _UnfitColumnError("wrong_type", f"holds values of the type {stored}: expected {kind}.")
    if plain and feature.encoding is None and kind not in ("number", "boolean"):
        said = 'holds no numbers, and with "preprocessing": "none" nothing else can be learnt from.'
        raise _UnfitColumnError("not_a_number", said)
    return kind


def _check_worth(there: Any, *, kind: str, has_gaps: bool) -> None:
    """Raises for a column whose values in the training rows carry no information."""
    distinct = len(np.unique(there))
    if distinct == 1 and not has_gaps:
        raise _UnfitColumnError("constant", "has the same value everywhere.")
    if kind == "category" and distinct >= MOST_CATEGORIES and distinct > 0.5 * len(there):
        raise _UnfitColumnError("unique", "has more than half as many texts as values.")

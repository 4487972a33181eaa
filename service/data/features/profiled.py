"""Columns of a large table made from its stored profile, so that a request can be checked without reading the table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.data.features.columns import AnyColumn, CategoryColumn, NumberColumn
from service.spec.data import FeatureSpec

LARGE_ROWS = 100_000
"""A table with fewer rows is read as a whole: that takes milliseconds, and finds what is not in the profile."""

_LARGEST = float(np.finfo(np.float32).max)


def from_profile(
    profile: Mapping[str, Any] | None, feature: FeatureSpec, kind: str, *, encoding: str, missing: str
) -> AnyColumn | None:
    """Returns what a column would learn from all rows; None if the profile does not determine it.

    The worker learns from the rows of the training alone, and finds there what is not in every row.
    """
    if profile is None or profile.get("type") != kind or profile.get("missing"):
        return None
    if kind == "number" and missing != "most_frequent":
        return _number(profile, feature.name, encoding, missing)
    if kind == "category":
        return _category(profile, feature, encoding, missing)
    return None


def _number(profile: Mapping[str, Any], name: str, encoding: str, missing: str) -> NumberColumn | None:
    least, most, mean, deviation = (profile.get(key) for key in ("min", "max", "mean", "deviation"))
    known = [value for value in (least, most, mean, deviation) if isinstance(value, int | float)]
    if len(known) < 4 or not -_LARGEST <= known[0] < known[1] <= _LARGEST or not known[3]:
        return None
    if encoding != "standardize":
        return NumberColumn(name, encoding, missing, known[2])
    return NumberColumn(name, encoding, missing, known[2], known[2], known[3])


def _category(profile: Mapping[str, Any], feature: FeatureSpec, encoding: str, missing: str) -> CategoryColumn | None:
    values = profile.get("values", [])
    if len(values) < 2 or len(values) != profile.get("distinct"):
        return None
    # A category of its own for each text, ranked by how often it comes, needs no more than that.
    ranked = sorted((-one["count"], str(one["value"])) for one in values)
    texts = [text for _, text in ranked]
    codes = np.repeat(np.arange(len(texts), dtype=np.int32), np.arange(len(texts), 0, -1))
    most = feature.max_categories
    return CategoryColumn.fit(feature.name, (texts, codes), encoding=encoding, missing=missing, most=most)

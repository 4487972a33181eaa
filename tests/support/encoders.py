"""Columns of a table of every kind, versions that learnt from them, and rows in which something is always wrong."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st

from service import nn
from service.config import Limits
from service.data.features import Encoder
from service.data.features.columns import AnyColumn, CategoryColumn, DateColumn, NumberColumn
from service.data.features.records import days_of, read_records
from service.errors import Findings
from service.formats.weights import pack
from service.prediction import LoadedVersion
from service.spec import ModelSpec
from service.versions import Version
from tests.support.versions import new_version, published

CLASSES = ["no", "yes", "maybe"]

COLUMNS: Sequence[AnyColumn] = (
    CategoryColumn("skin", "one_hot", "indicator", None, ["smooth", "rough", "höckrig"], marks_missing=True),
    NumberColumn("weight", "standardize", "mean", 138.4, 138.4, 15.25),
    NumberColumn("year", "standardize", "indicator", 2007.123, 2007.123, 5.5),
    DateColumn("seen", "calendar", "mean", 19_800.5, 19_800.5, 120.25, has_times=True),
    NumberColumn("ripe", "boolean", "most_frequent", 1.0),
    CategoryColumn("zone", "integer", "most_frequent", "3", ["3", "7", "true"]),
    DateColumn("sold", "calendar", "indicator", 19_900.0, 19_850.25, 80.5, has_times=False),
    NumberColumn("price", "none", "most_frequent", 2.5),
    DateColumn("packed", "days", "most_frequent", 19_900.0, 19_850.25, 80.5, has_times=False),
    CategoryColumn("a/b: 'c\"\n", "one_hot", "reject", None, ["", "x"]),
    NumberColumn("output", "standardize", "most_frequent", 2e-12, 1.5e-12, 1e-12),
    CategoryColumn("kind", "one_hot", "most_frequent", "b", ["a", "b"]),
    NumberColumn("size", "robust", "indicator", 52.0, 50.0, 8.5),
    NumberColumn("rank", "quantile", "mean", 3.5, 0.0, 1.0, [1.0, 2.5, 4.0, 90.0], [-5.2, -0.4, 0.7, 5.2]),
)
"""Each type with each encoding, and with each thing to do about a value that is not there."""


def stored(columns: Sequence[AnyColumn] = COLUMNS, units: int = 3) -> tuple[Version, bytes]:
    """A version that tells `CLASSES` by these columns (two of them with one unit), and its weights."""
    encoder = Encoder(columns)
    activation = "softmax" if units > 1 else "sigmoid"
    hidden = {"class_name": "Dense", "units": 4, "activation": "tanh"}
    spec = {"layers": [hidden, {"class_name": "Dense", "units": units, "activation": activation}]}
    model: nn.Sequential = ModelSpec.model_validate(spec).build(encoder.width, seed=1)
    weights = pack({weight.path: weight.numpy() for weight in model.weights})
    features = {"features": encoder.to_json_list(), "shape": [None, encoder.width]}
    output = {"classes": CLASSES[: max(units, 2)], "shape": [None, units], "targets": ["fruit"]}
    compiled = {"loss": "crossentropy", "metrics": ["accuracy"]}
    data = {"left_out": ["name"], "dataset": "ds_1"}
    new = new_version(spec=spec, compile=compiled, input=features, output=output, data=data, weights=weights)
    return published(new, model="fruit"), weights


def tensors(columns: Sequence[AnyColumn], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The rows as ONNX takes them: texts, empty where nothing is, and doubles, dates in days since 1970."""
    made: dict[str, Any] = {}
    for column in columns:
        values = [row[column.name] for row in rows]
        if isinstance(column, CategoryColumn):
            array = np.array(["" if value is None else value for value in values], object)
        else:
            read = days_of if isinstance(column, DateColumn) else float
            array = np.array([np.nan if value is None else read(value) for value in values])
        made[column.name] = array.reshape(-1, 1)
    return made


def rows_for(columns: Sequence[AnyColumn] = COLUMNS, rows: int = 40, seed: int = 2) -> list[dict[str, Any]]:
    """Rows by column name, with gaps and with texts that were not seen in training."""
    rng = np.random.default_rng(seed)
    return [{column.name: _value(column, rng) for column in columns} for _ in range(rows)]


def predicted(version: Version, weights: bytes, rows: Sequence[Mapping[str, Any]]) -> Any:
    """What the service answers to the rows."""
    loaded = LoadedVersion(version, weights)
    findings = Findings()
    records = read_records(list(rows), loaded.encoder, "#", findings, Limits())
    assert records is not None, findings.errors
    return loaded.predict(loaded.encoder.encode(records)[0])


def _value(column: AnyColumn, rng: np.random.Generator) -> Any:
    if column.missing != "reject" and rng.random() < 0.2:
        return None
    if isinstance(column, CategoryColumn):
        texts = [*column.categories, "never seen"]
        return texts[rng.integers(len(texts))]
    if isinstance(column, DateColumn):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=float(rng.integers(-1000, 30_000)))
        moment += timedelta(seconds=int(rng.integers(86_400)) if column.has_times else 0)
        return moment.isoformat() if column.has_times else moment.date().isoformat()
    if column.encoding == "boolean":
        return bool(rng.random() < 0.5)
    # Numbers that float32 holds, as those who write .keras files have no others.
    return float(np.float32(rng.normal(column.mean, 2 * column.deviation)))


_NAMES = st.text(min_size=1, max_size=8)
_FINITE = st.floats(-1e6, 1e6)
_POLICIES = st.sampled_from(["mean", "most_frequent", "indicator", "reject"])


@st.composite
def _categories(draw: st.DrawFn, name: str) -> AnyColumn:
    encoding = draw(st.sampled_from(["one_hot", "integer"]))
    missing = draw(st.sampled_from(["most_frequent", "indicator", "reject"]))
    # Where the empty text is a category, nothing is left in files to say that there is none.
    fewest = 0 if missing == "reject" else 1
    text = st.text(min_size=fewest, max_size=6).filter(lambda text: text != "never seen")
    texts = draw(st.lists(text, min_size=1, unique=True))
    marks = missing == "indicator" and encoding == "one_hot" and draw(st.booleans())
    fill = draw(st.sampled_from(texts)) if missing == "most_frequent" else None
    return CategoryColumn(name, encoding, missing, fill, texts, marks)


@st.composite
def columns(draw: st.DrawFn) -> list[AnyColumn]:
    """Some columns, in any order, with any names."""
    made: list[AnyColumn] = []
    for name in draw(st.lists(_NAMES, min_size=1, max_size=6, unique=True)):
        deviation = st.floats(1e-3, 1e3)
        kind = draw(st.sampled_from(["number", "boolean", "category", "date"]))
        if kind == "category":
            made.append(draw(_categories(name)))
        elif kind == "date":
            encoding = draw(st.sampled_from(["calendar", "days"]))
            days, has_times = st.integers(0, 30_000).map(float), draw(st.booleans())
            made.append(DateColumn(name, encoding, draw(_POLICIES), draw(days), draw(days), draw(deviation), has_times))
        elif kind == "boolean":
            made.append(NumberColumn(name, "boolean", draw(_POLICIES), 0.25))
        else:
            missing, fill, mean = draw(_POLICIES), draw(_FINITE), draw(_FINITE)
            made.append(NumberColumn(name, "standardize", missing, fill, mean, draw(deviation)))
    return made

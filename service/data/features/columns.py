"""Columns of a table as inputs of a network; each is fitted once, on the training rows.

The formulas are those of Keras's preprocessing layers: `Normalization` for numbers, `StringLookup` with one place
for unknown values and `CategoryEncoding` for categories.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
Codes = NDArray[np.int32]

DAYS_A_YEAR, DAYS_A_WEEK = 365.2425, 7.0
THURSDAY = 3.0
"""The day of the week, from Monday as 0, that 1970 began with."""


class Source(Protocol):
    """The source of column values: a stored table, or rows in a request."""

    @property
    def rows(self) -> int:
        """The number of rows."""

    def slice(self, start: int, rows: int) -> Self:
        """Some rows that follow each other."""

    def numbers(self, name: str) -> Numbers:
        """A column (rows,) as numbers, dates in days since 1970, NaN where nothing is."""

    def encoded(self, name: str) -> tuple[list[str], Codes]:
        """The distinct texts of a column, and for each row the index of its text, -1 where nothing is."""


class _Measured:
    """The common part of numbers and dates: they are read as numbers, with NaN for missing values."""

    __slots__ = ()
    name: str

    def read(self, source: Source) -> Numbers:
        """The column as `write` and `find_missing` take it."""
        return source.numbers(self.name)

    def find_missing(self, values: Numbers) -> NDArray[np.bool_]:
        """Which rows have no value."""
        return np.isnan(values)


MOST_QUANTILES, ROWS_A_QUANTILE = 1000, 30
_SMALLEST_SHARE = 1e-7


@dataclass(frozen=True, slots=True)
class NumberColumn(_Measured):
    """A column of numbers, scaled by statistics of the training rows or unchanged; true is 1, false is 0.

    `standardize` takes the distance from the mean in deviations. `robust` takes the distance from the median over that
    between the quartiles, x, and clips it smoothly, x / sqrt(1 + (x / 3)^2), as RealMLP does (Holzmueller et al. 2024,
    "Better by default"). `quantile` takes the value of a normal distribution that as many values lie below, as
    scikit-learn's QuantileTransformer does, and interpolates between as many quantiles.
    """

    type: ClassVar[str] = "number"
    name: str
    encoding: str
    missing: str
    fill: float
    mean: float = 0.0
    deviation: float = 1.0
    quantiles: list[float] = field(default_factory=list)
    """With `quantile` the values, rising, between which is interpolated, ..."""
    scores: list[float] = field(default_factory=list)
    """... and what each becomes."""
    written: dict[str, str] = field(default_factory=dict)
    """How texts write its numbers, as `Written` says it, if not as Python does."""

    @property
    def outputs(self) -> list[str]:
        """The names of the inputs that come of it."""
        return [self.name, f"{self.name}:missing"] if self.missing == "indicator" else [self.name]

    @classmethod
    def fit(cls, name: str, values: Numbers, *, encoding: str, missing: str) -> Self:
        """Learns from the values (rows,) of the training rows, at least one of which is there."""
        there = values[~np.isnan(values)]
        mean = float(there.mean())
        fill = _most_frequent(there) if missing == "most_frequent" else mean
        if encoding == "robust":
            return cls(name, encoding, missing, fill, float(np.median(there)), _spread(there))
        if encoding == "quantile":
            return cls(name, encoding, missing, fill, 0.0, 1.0, *_normal_scores(there))
        if encoding != "standardize":
            return cls(name, encoding, missing, fill)
        return cls(name, encoding, missing, fill, mean, _deviation(there))

    def scaled(self, values: Numbers) -> Numbers:
        """The input (rows,) that the values (rows,) become, none of which is missing."""
        if self.encoding == "quantile":
            return np.interp(values, self.quantiles, self.scores)
        made = values - self.mean
        made /= self.deviation
        return smoothly_clipped(made) if self.encoding == "robust" else made

    def write(self, values: Numbers, out: Floats) -> None:
        """Writes the inputs (rows, outputs) of the values (rows,)."""
        absent: Any = False
        if np.isnan(values.dot(values)):  # a product is faster than a test of each value
            absent = np.isnan(values)
            values = np.where(absent, self.fill, values)
        out[:, 0] = self.scaled(values)
        if self.missing == "indicator":
            out[:, 1] = absent


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """A column of categories: one input for each frequent text, and the first input for all other texts."""

    type: ClassVar[str] = "category"
    name: str
    encoding: str
    missing: str
    fill: str | None
    categories: list[str]
    marks_missing: bool = False

    @property
    def outputs(self) -> list[str]:
        """The names of the inputs that come of it."""
        if self.encoding == "integer":
            return [self.name]
        marks = [f"{self.name}:missing"] if self.marks_missing else []
        return [f"{self.name}:unknown", *(f"{self.name}={category}" for category in self.categories), *marks]

    @property
    def absent(self) -> int:
        """The place of a value that is not there."""
        if self.fill is not None:
            return self.categories.index(self.fill) + 1
        return len(self.categories) + 1 if self.marks_missing else 0

    @classmethod
    def fit(
        cls, name: str, column: tuple[list[str], Codes], *, encoding: str, missing: str, most: int, least: int = 1
    ) -> Self:
        """Learns from the texts and codes (rows,) of the training rows, at least one of which is there.

        The `most` frequent texts have a place of their own, if at least `least` rows hold them (or they are the first).
        """
        texts, codes = column
        counts = np.bincount(codes[codes >= 0], minlength=len(texts))
        ranked = sorted((-int(count), text) for text, count in zip(texts, counts, strict=True) if count)
        categories = [text for count, text in ranked[:most] if -count >= least] or [ranked[0][1]]
        marks = missing == "indicator" and encoding == "one_hot" and bool((codes < 0).any())
        fill = categories[0] if missing == "most_frequent" else None
        return cls(name, encoding, missing, fill, categories, marks)

    def read(self, source: Source) -> Codes:
        """The places (rows,): 0 for unknown values, -1 where nothing is, or an empty text that training did not see."""
        return self.places(*source.encoded(self.name))

    def places(self, texts: Sequence[str], codes: Codes) -> Codes:
        """As `read`, of distinct texts and for each row the index of its text, -1 where nothing is."""
        place = {"": -1} | {text: number for number, text in enumerate(self.categories, 1)}
        table = np.fromiter((*(place.get(text, 0) for text in texts), -1), np.int32, count=len(texts) + 1)
        return np.asarray(table[codes], np.int32)  # the code -1 finds the last

    def find_missing(self, values: Codes) -> NDArray[np.bool_]:
        """Which rows have no value."""
        return values < 0

    def write(self, values: Codes, out: Floats) -> None:
        """Writes the inputs (rows, outputs) of the places (rows,)."""
        places = np.where(values < 0, self.absent, values)
        if self.encoding == "integer":
            out[:, 0] = places
            return
        out[:] = 0
        out[np.arange(len(out)), places] = 1


@dataclass(frozen=True, slots=True)
class DateColumn(_Measured):
    """A date or time: standardized, and as points on the circles of the year, the week and the day."""

    type: ClassVar[str] = "date"
    name: str
    encoding: str
    missing: str
    fill: float
    mean: float
    deviation: float
    has_times: bool

    @property
    def outputs(self) -> list[str]:
        """The names of the inputs that come of it."""
        circles = [f"{of}_{part}" for of in self.circles for part in ("sin", "cos")]
        marks = ["missing"] if self.missing == "indicator" else []
        return [self.name, *(f"{self.name}:{part}" for part in (*circles, *marks))]

    @property
    def circles(self) -> list[str]:
        """The circles that it is a point on, each a sine and a cosine."""
        if self.encoding == "days":
            return []
        return ["year", "week", "day"] if self.has_times else ["year", "week"]

    @classmethod
    def fit(cls, name: str, values: Numbers, *, encoding: str, missing: str) -> Self:
        """Learns from the days since 1970 (rows,) of the training rows, at least one of which is there."""
        there = values[~np.isnan(values)]
        has_times = bool((there != np.floor(there)).any())
        fill = _most_frequent(there) if missing == "most_frequent" else float(there.mean())
        return cls(name, encoding, missing, fill, float(there.mean()), _deviation(there), has_times)

    def write(self, values: Numbers, out: Floats) -> None:
        """Writes the inputs (rows, outputs) of the days since 1970 (rows,)."""
        absent = np.isnan(values)
        days = np.where(absent, self.fill, values)
        out[:, 0] = (days - self.mean) / self.deviation
        turns = {"year": days / DAYS_A_YEAR, "week": np.floor(days + THURSDAY) / DAYS_A_WEEK, "day": days}
        place = 1
        for circle in self.circles:
            out[:, place] = np.sin(2 * math.pi * turns[circle])
            out[:, place + 1] = np.cos(2 * math.pi * turns[circle])
            place += 2
        if self.missing == "indicator":
            out[:, place] = absent


AnyColumn = NumberColumn | CategoryColumn | DateColumn
COLUMN_TYPES: Mapping[str, type[AnyColumn]] = {one.type: one for one in (NumberColumn, CategoryColumn, DateColumn)}
"""The kinds of columns by their `type`."""

READABLE: Mapping[str, frozenset[str]] = {
    "number": frozenset({"number", "boolean", "empty"}),
    "date": frozenset({"date", "empty"}),
    "category": frozenset({"category", "number", "boolean", "date", "empty"}),
}
"""The kinds of stored columns that a column of each type reads as a whole."""


def to_json_dict(column: AnyColumn) -> dict[str, Any]:
    """Returns everything that `fit` has learned, from which `from_json_dict` restores an equal column."""
    told = {"name": column.name, "type": column.type} | asdict(column)
    return {key: value for key, value in told.items() if key not in ("quantiles", "scores", "written") or value}


def from_json_dict(value: Mapping[str, Any]) -> AnyColumn:
    """The column that `to_json_dict` described."""
    return COLUMN_TYPES[value["type"]](**{key: item for key, item in value.items() if key != "type"})


def _deviation(values: Numbers) -> float:
    """Returns the standard deviation, or 1 if all values are equal, so that a later value does not become infinite."""
    # Rounding of the mean alone makes a deviation of equal values.
    deviation = float(values.std()) if values.min() < values.max() else 0.0
    return deviation or 1.0


def _spread(values: Numbers) -> float:
    """The distance between the quartiles, else half of that between the ends; 1 where all are equal."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) or float(values.max() - values.min()) / 2 or 1.0


def _normal_scores(values: Numbers) -> tuple[list[float], list[float]]:
    """Quantiles of the values, each once, and the values of a normal distribution that as many lie below."""
    count = max(min(len(values) // ROWS_A_QUANTILE, MOST_QUANTILES), 10)
    shares = np.linspace(0, 1, count)
    normal = NormalDist()
    scores = np.array([normal.inv_cdf(min(max(share, _SMALLEST_SHARE), 1 - _SMALLEST_SHARE)) for share in shares])
    quantiles, places = np.unique(np.quantile(values, shares), return_inverse=True)
    # Where many values are equal, several shares meet in one quantile: their middle counts.
    lowest, highest = (np.array([edge(scores[places == one]) for one in range(len(quantiles))]) for edge in (min, max))
    return quantiles.tolist(), ((lowest + highest) / 2).tolist()


def smoothly_clipped(x: Any) -> Any:
    """x / sqrt(1 + (x / 3)^2): x itself near zero, and never beyond 3."""
    return x / np.sqrt(1 + np.square(x / 3))


def find_no_booleans(values: Numbers) -> NDArray[np.int64]:
    """Which rows of a column of booleans have a number that is neither 0, for false, nor 1, for true."""
    return np.flatnonzero((values != 0) & (values != 1) & ~np.isnan(values))


def _most_frequent(values: Numbers) -> float:
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[counts.argmax()])

"""Tables: named columns of numbers, booleans, categories and dates, in an Arrow file that need not be copied."""

import mmap
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import copy
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.data.counting import counts_of
from service.data.names import digits, is_named_as_index, shown_decimal, text_of
from service.errors import Malformed
from service.formats.csv.blocks import THREADS
from service.formats.plain_columns import INDEX
from service.formats.tables import kind_of_column, open_table

MISSING = -1
"""The code of a missing value."""

_MICROSECONDS_A_DAY = 86_400e6
_LARGEST = float(np.finfo(np.float32).max)
_MOST_SHOWN = 20
_FIRST_LOOK = 100
_ABSENT = r"^\s*([^\p{L}\p{N}]+|(?i:none|missing|unknown|<na>|nat))\s*$"
"""Further texts that mark missing values, in addition to those that the CSV reader knows."""

_LOOKS = {
    "number": r"^\s*[+-]?[$€£¥]?\s*(\d+([.,]\d+)?([eE][+-]?\d+)?"
    r"|[1-9]\d{0,2}([.,' \x{2019}\x{a0}\x{202f}]\d{3})+([.,]\d+)?)\s*[%$€£¥]?\s*$",
    "date": r"^\s*((0?[1-9]|[12]\d|3[01])[./-](0?[1-9]|[12]\d|3[01])[./-](\d{2}|\d{4})"
    r"|\d{4}[./](0?[1-9]|1[0-2])[./](0?[1-9]|[12]\d|3[01]))([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*$",
}
_NO_TIME = r"( 00:00:00)?\.000000$"
"""What pyarrow writes of a time that a date does not have."""

_MARKED = rf"\d\D\d|\d\s*[%$€£¥]|[$€£¥]\s*\d|{_ABSENT}"
"""What makes digits more than a whole number, which may as well be a name."""
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_MOSTLY = 0.9
"""So large a share of numbers among texts is rather a column of numbers with marks where there is none, such as `?`."""


class Table:
    """A stored table; every column can be had as numbers, or as the distinct texts in it and their codes."""

    def __init__(self, arrow: Any) -> None:
        self.arrow = arrow
        """The pyarrow table."""
        self.profile: Mapping[str, Mapping[str, Any]] = {}
        """What `describe` found in each column when the table was stored, where that is known."""
        self._file: mmap.mmap | None = None
        self._is_part = False
        self.rows: int = arrow.num_rows
        self.names: list[str] = list(arrow.column_names)
        self.kinds = {field.name: kind_of_column(field.type) for field in arrow.schema}

    @classmethod
    def from_buffer(cls, content: bytes | mmap.mmap) -> Self:
        """The table in the bytes of an Arrow file; `Malformed` for any others."""
        table = cls(open_table(content))
        table._file = content if isinstance(content, mmap.mmap) else None
        return table

    @classmethod
    def from_file(cls, file: Path) -> Self:
        """The table in an Arrow file, mapped."""
        with file.open("rb") as opened:
            return cls.from_buffer(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))

    @classmethod
    def of_batch(cls, batch: Any) -> Self:
        """The table of a pyarrow record batch."""
        import pyarrow as pa  # noqa: PLC0415 - only who has a table pays for it

        table = cls(pa.Table.from_batches([batch]))
        table._is_part = True
        return table

    def slice(self, start: int, rows: int) -> Self:
        """The table of some rows that follow each other."""
        return self._with(self.arrow.slice(start, rows))

    def parts(self, rows: int) -> Iterator[Self]:
        """The table in parts of at most so many rows; the memory of one is given back when the next is asked for."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        for batch in self.arrow.to_batches(max_chunksize=rows):
            part = self._with(pa.Table.from_batches([batch]))
            part._is_part, part._file = True, None
            yield part
            self._let_go()

    def is_saved_index(self, name: str) -> bool:
        """Whether a column is the index of rows that pandas saves beside them: by its name, or as its file says."""
        import pyarrow as pa  # noqa: PLC0415 - as above
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        field = self.arrow.schema.field(name)
        if is_named_as_index(name) or field.metadata == INDEX:
            return True
        column = self.arrow[name]
        counts = name == "index" and pa.types.is_integer(field.type) and not column.null_count
        return counts and pc.count_distinct(column).as_py() == len(column)

    def looks_like(self, name: str) -> str | None:
        """As `looks_like` of a column of texts in `describe`."""
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        self._let_go()
        return _looks_like(pc.value_counts(self.arrow[name].drop_null())) if self.kinds[name] == "category" else None

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column (rows,) as numbers, dates in days since 1970, NaN where nothing is; `Malformed` for texts.

        They may lie in the table itself and are not to be written to.
        """
        import pyarrow as pa  # noqa: PLC0415 - only who has a table pays for it

        self._let_go()
        column, kind = self.arrow[name], self.kinds[name]
        where_they_lie = _finite_floats(column)
        if where_they_lie is not None:
            return where_they_lie
        if kind == "category":
            column = _parsed(column, name)
        elif kind in ("boolean", "empty") or pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        values: NDArray[np.float64] = np.empty(self.rows)
        start = 0
        for chunk in column.chunks:
            # pyarrow's own way to float64 refuses whole numbers that lose a digit, and loads code that takes 15 MB.
            plain = chunk.view(pa.int64()) if kind == "date" else chunk
            values[start : start + len(chunk)] = plain.to_numpy(zero_copy_only=False)
            start += len(chunk)
        if kind == "date":
            return values / _MICROSECONDS_A_DAY
        # Networks compute in float32, where a number beyond its range is infinite.
        values[np.abs(values) > _LARGEST] = np.inf
        return values

    def has_whole_numbers(self, name: str) -> bool:
        """Whether a column holds whole numbers by its type, however large."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        kind = self.arrow.schema.field(name).type
        return bool(pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0))

    def encoded(self, name: str) -> tuple[list[str], NDArray[np.int32]]:
        """The distinct texts of a column, and for each row the index of its text, `MISSING` where nothing is."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        self._let_go()
        column = self._texts(name).dictionary_encode().unify_dictionaries()
        if not column.num_chunks:
            return [], np.zeros(0, np.int32)
        codes = [chunk.indices.fill_null(MISSING).cast(pa.int32()).to_numpy() for chunk in column.chunks]
        return column.chunk(0).dictionary.to_pylist(), np.concatenate(codes)

    def describe(self) -> list[dict[str, Any]]:
        """What each column holds: its type, how many values are missing, and how the others spread.

        Raises `Malformed` if a damaged file has texts or dates that cannot be read.
        """
        try:
            allowed = copy_context()
            with ThreadPoolExecutor(THREADS) as pool:
                found = pool.map(lambda name: allowed.copy().run(self._described, name), self.names)
                return [{"name": name, "type": kind, **next(found)} for name, kind in self.kinds.items()]
        except (OverflowError, UnicodeError):
            raise Malformed("The table holds texts or dates that cannot be read.", code="bad_table") from None

    def _with(self, arrow: Any) -> Self:
        """The table of a pyarrow table with the same columns."""
        other = copy(self)
        other.arrow, other.rows = arrow, arrow.num_rows
        return other

    def _let_go(self) -> None:
        """Gives back the memory that the columns read so far lie in; of a file it is only a copy."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        if self._is_part:
            return  # it is small, and the whole does so
        pa.default_memory_pool().release_unused()
        if self._file is not None:
            self._file.madvise(mmap.MADV_DONTNEED)

    def _described(self, name: str) -> dict[str, Any]:
        import pyarrow as pa  # noqa: PLC0415 - as above
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        column, kind = self.arrow[name], self.kinds[name]
        missing = column.null_count
        if kind == "empty":
            return {"missing": self.rows}
        if kind in ("category", "boolean"):
            counted = counts_of(column)
            order = pc.sort_indices(counted.field("counts"), sort_keys=[("", "descending")])
            values = [
                {"value": one["values"].as_py(), "count": one["counts"].as_py()}
                for one in counted.take(order[:_MOST_SHOWN])
            ]
            described = {"missing": missing, "distinct": len(counted), "values": values}
            looks_like = _looks_like(counted) if kind == "category" else None
            return described | ({} if looks_like is None else {"looks_like": looks_like})
        extremes: dict[str, Any] | None = _extremes_of_floats(column) if pa.types.is_floating(column.type) else None
        if extremes is None:
            column = _without_nan(column) if pa.types.is_floating(column.type) else column
            missing = column.null_count
            extremes = pc.min_max(column).as_py()
        if kind == "date":
            shown = {key: value and f"{value.isoformat()}Z" for key, value in extremes.items()}
            return {"missing": missing, **shown}
        if pa.types.is_decimal(column.type):
            extremes = {key: None if value is None else shown_decimal(value) for key, value in extremes.items()}
            column = column.cast(pa.float64())
        mean, deviation = pc.mean(column).as_py(), pc.stddev(column).as_py()
        return {"missing": missing, **extremes, "mean": mean, "deviation": deviation}

    def _texts(self, name: str) -> Any:
        import pyarrow as pa  # noqa: PLC0415 - as above
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        column, kind = self.arrow[name], self.kinds[name]
        if pa.types.is_floating(column.type):
            column = _without_nan(column)
            whole = column.drop_null()
            if pc.all(pc.equal(whole, pc.floor(whole))).as_py() and (pc.max(pc.abs(whole)).as_py() or 0) < 2**53:
                return column.cast(pa.int64()).cast(pa.string())
            return _mapped(column, text_of)
        if pa.types.is_decimal(column.type):
            return _mapped(column, digits)
        texts = column.cast(pa.string())
        return pc.replace_substring_regex(texts, _NO_TIME, "") if kind == "date" else texts


def _mapped(column: Any, text: Callable[[Any], str]) -> Any:
    """The column with a text in the place of each value."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    encoded = column.combine_chunks().dictionary_encode()
    texts = pa.array(map(text, encoded.dictionary.to_pylist()), pa.string())
    return pa.chunked_array([texts.take(encoded.indices)])


def _looks_like(counted: Any) -> str | None:
    """`number` or `date`, where these texts are in a form that is not read as such, or are missing; `mostly_number`."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    texts, counts = counted.field("values"), counted.field("counts")
    for kind, pattern in _LOOKS.items():
        either = f"{pattern}|{_ABSENT}"
        looks = (pc.all(pc.match_substring_regex(some, either)).as_py() for some in (texts[:_FIRST_LOOK], texts))
        if all(looks) and all(pc.any(pc.match_substring_regex(texts, one)).as_py() for one in (_MARKED, pattern)):
            return kind
    numbers = pc.sum(counts.filter(pc.match_substring_regex(texts, _NUMBER))).as_py() or 0
    total = pc.sum(counts).as_py() or 0
    return "mostly_number" if _MOSTLY * total <= numbers < total else None


def _finite_floats(column: Any) -> NDArray[np.float64] | None:
    """The numbers of a column without a copy, where that is possible and each is there and in the range of float32."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    if column.num_chunks != 1 or column.null_count or column.type != pa.float64():
        return None
    values: NDArray[np.float64] = column.chunk(0).to_numpy()
    # One product is faster than a test of each value; NaN or a value beyond the range makes it large.
    with np.errstate(over="ignore"):
        return values if values.dot(values) <= _LARGEST**2 else None


def _extremes_of_floats(column: Any) -> dict[str, float] | None:
    """What pyarrow's `min_max` finds, in a quarter of its time; None where a value is missing or NaN."""
    if column.null_count or not len(column):
        return None
    chunks = [chunk.to_numpy() for chunk in column.chunks if len(chunk)]
    least = float(np.min([chunk.min() for chunk in chunks]))
    return None if np.isnan(least) else {"min": least, "max": float(np.max([chunk.max() for chunk in chunks]))}


def _without_nan(column: Any) -> Any:
    """The column with nothing where it has NaN."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    absent = pc.is_nan(column)
    return pc.if_else(absent, None, column) if pc.any(absent).as_py() else column


def _parsed(column: Any, name: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        raise Malformed(f"The column {name[:40]!r} holds texts that are no numbers.", code="not_a_number") from None

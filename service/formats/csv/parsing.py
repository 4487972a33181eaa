"""One block of whole rows of a delimited text as a record batch: pyarrow's reading, mended where it loses something."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from service.formats.csv.dialect import Dialect
from service.formats.csv.numbers import Grouped, grouped
from service.formats.plain_columns import DIGITS, exact_type

_WHOLE_BLOCK: dict[str, Any] = {"use_threads": False, "block_size": 64 << 20}
_EXACT = 2.0**53
"""Beyond it, float64 does not have every whole number."""

_FIRST_LOOK = 100
_LOOK_BYTES = 64 << 10
"""So much of a block is looked at together, so that what is noted of it takes little memory."""

TEXT = {b"fitd": b"text"}
"""What is noted of a column of nothing but gaps that is one of texts, unless other values come."""


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Reads blocks of a text in some dialect, with these names of columns and, where they are known, their types."""

    dialect: Dialect
    names: list[str]
    types: Any = None
    agrees: bool = True
    """Whether all blocks are to have the same types; else each has its own, and somebody looks at all of them."""

    def read(self, block: memoryview) -> Any:
        """The record batch of a block; pyarrow's errors where it does not hold such rows."""
        import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

        content = pa.py_buffer((_without_padding(block, self.dialect) if self.dialect.pads else block) or b"\n")
        table = self._table(content, self._types())
        if (
            self.types is None
            and len(set(self.names)) == len(self.names)
            and (better := self._better_types(content, table))
        ):
            table = self._table(content, self._types() | better)
        if len(set(self.names)) == len(self.names):
            for name, column in self._mended(content, block, table).items():
                table = table.set_column(table.column_names.index(name), name, column)
            table = self._with_texts_noted(content, block, table)
        (batch,) = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
        return batch

    def _types(self) -> dict[str, Any]:
        import pyarrow as pa  # noqa: PLC0415 - as above

        if self.types is not None:
            return dict(zip(self.types.names, self.types.types, strict=True))
        return dict.fromkeys((self.dialect.texts | self.dialect.written.keys()).intersection(self.names), pa.string())

    def _table(self, content: Any, types: Mapping[str, Any], **converting: Any) -> Any:
        import pyarrow as pa  # noqa: PLC0415 - as above
        from pyarrow import csv  # noqa: PLC0415 - as above

        options = {
            "read_options": csv.ReadOptions(column_names=self.names, **_WHOLE_BLOCK),
            "parse_options": csv.ParseOptions(
                delimiter=self.dialect.delimiter,
                quote_char=self.dialect.quote,
                newlines_in_values=True,
                ignore_empty_lines=True,
            ),
            "convert_options": csv.ConvertOptions(
                **{
                    "strings_can_be_null": True,
                    "decimal_point": self.dialect.decimal,
                    "column_types": dict(types),
                    "null_values": [*gap_words(), *self.dialect.gaps],
                    **converting,
                }
            ),
        }
        return csv.read_csv(pa.BufferReader(content), **options)

    def _texts(self, content: Any, names: Iterable[str], **converting: Any) -> Any:
        """Columns as the texts that they are."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        wanted = list(names)
        return self._table(content, dict.fromkeys(wanted, pa.string()), include_columns=wanted, **converting)

    def _better_types(self, content: Any, table: Any) -> dict[str, Any]:
        """The types of the columns that pyarrow takes for something that loses what they say."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        # A time of day is a text like any other.
        better = {field.name: pa.string() for field in table.schema if pa.types.is_time(field.type)}
        for field in table.schema:
            if pa.types.is_float64(field.type):
                values = table[field.name].drop_null().to_numpy()
                if (np.abs(values) >= _EXACT).any():
                    better |= self._exact_type(content, field.name)
                elif not self.dialect.is_decimal_told and _may_be_grouped(values):
                    better |= self._grouped_type(content, field.name)
        return better

    def _exact_type(self, content: Any, name: str) -> dict[str, Any]:
        """Decimals for a column of numbers in digits alone, some of which float64 cannot tell apart."""
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        texts = self._texts(content, [name])[name].drop_null()
        mark = re.escape(str(self.dialect.decimal))
        if not pc.all(pc.match_substring_regex(texts, rf"^\s*[+-]?\d+({mark}\d+)?\s*$")).as_py():
            return {}
        parts = pc.extract_regex(texts, rf"^\s*[+-]?(?P<whole>\d+)(?:{mark}(?P<part>\d+))?\s*$")
        whole, scale = (pc.max(pc.binary_length(pc.struct_field(parts, key))).as_py() or 0 for key in ("whole", "part"))
        return {name: exact_type(scale)} if whole + scale <= DIGITS else {}

    def _grouped_type(self, content: Any, name: str) -> dict[str, Any]:
        """Texts for a column of numbers whose marks may stand between thousands, which only all its values tell."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        texts = self._texts(content, [name])[name]
        is_grouped = meaning_of_column(texts, str(self.dialect.decimal)) is not Grouped.DECIMALS
        return {name: pa.string()} if is_grouped else {}

    def _mended(self, content: Any, block: memoryview, table: Any) -> dict[str, Any]:
        """The columns of texts in which pyarrow takes a text for a gap: one in quotes, or one that is to be kept."""
        import pyarrow as pa  # noqa: PLC0415 - as above
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        texts = [field.name for field in table.schema if field.type == pa.string()]
        kept = {name: self.dialect.kept[name] for name in texts if self.dialect.kept.get(name)}
        quoted = texts if self._has_gaps_in_quotes(block) else list(kept)
        if not quoted:
            return {}
        strict = self._texts(content, quoted, quoted_strings_can_be_null=False)
        mended = {name: strict[name] for name in quoted if strict[name].null_count < table[name].null_count}
        raw = self._texts(content, kept or quoted[:1], strings_can_be_null=False)
        for name, known in kept.items():
            mended[name] = pc.if_else(pc.is_in(raw[name], pa.array(list(known), pa.string())), raw[name], strict[name])
        return mended

    def _with_texts_noted(self, content: Any, block: memoryview, table: Any) -> Any:
        """The table with a note on columns of nothing but gaps, some of them in quotes: texts, if nothing else comes.

        They are numbers if numbers come, as where a writer puts everything in quotes.
        """
        import pyarrow as pa  # noqa: PLC0415 - as above

        nothing = [field.name for field in table.schema if pa.types.is_null(field.type)]
        if not nothing or not self._has_gaps_in_quotes(block):
            return table
        strict = self._texts(content, nothing, quoted_strings_can_be_null=False)
        texts = [name for name in nothing if strict[name].null_count < len(strict)]
        if texts and self.agrees:
            raise pa.ArrowInvalid("conversion error: only who has read all knows whether these are gaps or texts")
        for name in texts:
            field = pa.field(name, pa.null(), metadata=TEXT)
            table = table.set_column(table.column_names.index(name), field, table[name])
        return table

    def _has_gaps_in_quotes(self, block: memoryview) -> bool:
        pattern, begins = _gaps_in_quotes(str(self.dialect.delimiter), self.dialect.quote, self.dialect.gaps)
        codes = np.frombuffer(block, np.uint8)
        for start in range(0, len(codes), _LOOK_BYTES):
            quotes = start + np.flatnonzero(codes[start : start + _LOOK_BYTES] == self.dialect.quote.encode()[0])
            # The pattern alone would examine every byte, which takes longer than parsing them.
            likely = quotes[begins[codes[np.minimum(quotes + 1, len(codes) - 1)]]]
            if any(pattern.match(block, place) for place in likely.tolist()):
                return True
        return False


def meaning_of_column(texts: Any, mark: str) -> Grouped:
    """What a mark means in a pyarrow column of numbers as texts."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    distinct = pc.utf8_trim_whitespace(texts.drop_null().unique())

    def matching(pattern: str) -> Any:
        return pc.match_substring_regex(distinct, f"^({pattern})$")

    return grouped(
        mark,
        all_match=lambda pattern: bool(pc.all(matching(pattern)).as_py()),
        any_matches=lambda pattern: bool(pc.any(matching(pattern)).as_py()),
    )


@cache
def gap_words() -> tuple[str, ...]:
    """The texts that pyarrow and pandas read as a missing value."""
    from pyarrow import csv  # noqa: PLC0415 - as above

    return tuple(csv.ConvertOptions().null_values)


@cache
def _gaps_in_quotes(delimiter: str, quote: str, gaps: tuple[str, ...]) -> tuple[re.Pattern[bytes], Any]:
    """Values in quotes that would be gaps without them, and for each byte whether one begins so behind its quote."""
    begins = np.zeros(256, bool)
    begins[[f"{word}{quote}".encode()[0] for word in (*gap_words(), *gaps)]] = True
    words = "|".join(map(re.escape, (*gap_words(), *gaps)))
    mark, ends = re.escape(quote), re.escape(delimiter) + r"\r\n"
    return re.compile(rf"(?<![^{ends}]){mark}(?:{words}){mark}(?![^{ends}])".encode()), begins


def _without_padding(block: memoryview, dialect: Dialect) -> bytes:
    """The block without the spaces around values that stand in no quotes."""
    mark, end = re.escape(dialect.quote), re.escape(str(dialect.delimiter))
    parts = rf"((?<![^{end}\r\n ]){mark}(?:[^{mark}]|{mark}{mark})*+{mark})|(?<=[{end}\r\n]) +| +(?=[{end}\r\n])"
    return re.sub(parts.encode(), rb"\1", bytes(block))


def _may_be_grouped(values: Any) -> bool:
    """Whether all numbers have three decimals, or none, as if a mark between thousands was read as that of decimals."""
    for some in (values[:_FIRST_LOOK], values):
        sizes = np.abs(some)
        fractions = sizes != np.floor(sizes)
        thousandths = sizes[fractions] * 1000
        are_whole = np.abs(thousandths - np.rint(thousandths)) < 1e-6
        if not (are_whole.all() and (sizes[fractions] >= 1).all() and (sizes < 1000).all()):
            return False
    return bool(fractions.any())
